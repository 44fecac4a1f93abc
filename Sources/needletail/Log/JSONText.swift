// SPDX-License-Identifier: Apache-2.0
internal import OrderEntryClient

/// One JSON object on one line, member by member. 64-bit numbers are written out whole: read them
/// with something that keeps them so.
struct JSONObject {
    private var members = ""

    var text: String { "{\(members)}" }

    mutating func add(_ name: String, _ number: some FixedWidthInteger) { raw(name, "\(number)") }
    /// A number that is text already.
    mutating func add(_ name: String, digits: String) { raw(name, digits) }
    mutating func add(_ name: String, _ value: String) { raw(name, Self.quoted(value)) }
    mutating func add(_ name: String, _ flag: Bool) { raw(name, flag ? "true" : "false") }
    mutating func add(_ name: String, _ words: [String]) {
        raw(name, "[\(words.map(Self.quoted).joined(separator: ","))]")
    }
    mutating func add(_ name: String, _ object: JSONObject) { raw(name, object.text) }
    mutating func add(_ name: String, _ objects: [JSONObject]) {
        raw(name, "[\(objects.map(\.text).joined(separator: ","))]")
    }
    mutating func add(_ name: String, _ pairs: [[UInt64]]) {
        let texts = pairs.map { "[\($0.map(String.init).joined(separator: ","))]" }
        raw(name, "[\(texts.joined(separator: ","))]")
    }
    /// With three digits behind the point.
    mutating func add(_ name: String, seconds: Double) {
        let millis = UInt64((seconds * 1000).rounded())
        let rest = "\(millis % 1000)"
        raw(name, "\(millis / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest)")
    }

    private mutating func raw(_ name: String, _ value: String) {
        if !members.isEmpty { members += "," }
        members += "\"\(name)\":\(value)"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(width - text.count, 0))
}

func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(width - text.count, 0)) + text
}

func hex(_ number: UInt64) -> String { String(number, radix: 16) }

/// All eight digits of a checksum.
func hex8(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}

/// So many commands in so many seconds, as people read it.
func rate(_ commands: UInt64, _ seconds: Double) -> String {
    let millions = Double(commands) / max(seconds, 1e-9) / 1e6
    return "\((seconds * 1000).text(0)) ms, \(millions.text(2)) M commands/s"
}
