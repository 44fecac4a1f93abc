// SPDX-License-Identifier: Apache-2.0

/// What can be written as JSON. Members keep the order in which they are given.
package enum JSONValue {
    case null
    case flag(Bool)
    case number(Int)
    case text(String)
    case list([JSONValue])
    case object([(name: String, value: JSONValue)])

    package init(_ flag: Bool?) { self = flag.map(JSONValue.flag) ?? .null }
    package init(_ number: Int?) { self = number.map(JSONValue.number) ?? .null }
    package init(_ text: String?) { self = text.map(JSONValue.text) ?? .null }
    package init(_ numbers: [Int]?) {
        self = numbers.map { .list($0.map(JSONValue.number)) } ?? .null
    }
    package init(_ texts: [String]?) { self = texts.map { .list($0.map(JSONValue.text)) } ?? .null }

    /// With two spaces for each level; what holds nothing but plain values is on one line.
    package func text(indent: String = "") -> String {
        switch self {
        case .null: "null"
        case .flag(let flag): flag ? "true" : "false"
        case .number(let number): "\(number)"
        case .text(let text): Self.quoted(text)
        case .list(let values):
            enclosed("[", values.map { ("", $0) }, "]", indent)
        case .object(let members):
            enclosed("{", members.map { (Self.quoted($0.name) + ": ", $0.value) }, "}", indent)
        }
    }

    private var isPlain: Bool {
        switch self {
        case .object: false
        case .list(let values): values.allSatisfy(\.isPlain)
        default: true
        }
    }

    private func enclosed(
        _ open: String, _ members: [(String, JSONValue)], _ close: String, _ indent: String
    ) -> String {
        // The outermost object is never so short.
        if !indent.isEmpty, members.allSatisfy(\.1.isPlain) {
            return open + members.map { $0 + $1.text(indent: indent) }.joined(separator: ", ")
                + close
        }
        let inner = indent + "  "
        let lines = members.map { "\(inner)\($0)\($1.text(indent: inner))" }
        return lines.isEmpty
            ? open + close
            : "\(open)\n" + lines.joined(separator: ",\n") + "\n\(indent)\(close)"
    }

    /// As a string of JSON.
    static func quoted(_ text: String) -> String {
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
