// SPDX-License-Identifier: Apache-2.0

/// One JSON object on one line, member by member. 64-bit numbers are written out whole: read them
/// with something that keeps them so.
package struct JSONObject {
    private var members = ""

    /// Without members.
    package init() {}

    /// All of it, without a line break.
    package var text: String { "{\(members)}" }

    package mutating func add(_ name: String, _ number: some FixedWidthInteger) {
        raw(name, "\(number)")
    }
    /// A number that is text already.
    package mutating func add(_ name: String, digits: String) { raw(name, digits) }
    package mutating func add(_ name: String, _ value: String) {
        raw(name, JSONValue.quoted(value))
    }
    package mutating func add(_ name: String, _ flag: Bool) { raw(name, flag ? "true" : "false") }
    package mutating func add(_ name: String, _ words: [String]) {
        raw(name, "[\(words.map(JSONValue.quoted).joined(separator: ","))]")
    }
    package mutating func add(_ name: String, _ object: JSONObject) { raw(name, object.text) }
    package mutating func add(_ name: String, _ objects: [JSONObject]) {
        raw(name, "[\(objects.map(\.text).joined(separator: ","))]")
    }
    package mutating func add(_ name: String, _ pairs: [[UInt64]]) {
        let texts = pairs.map { "[\($0.map(String.init).joined(separator: ","))]" }
        raw(name, "[\(texts.joined(separator: ","))]")
    }
    /// With three digits behind the point.
    package mutating func add(_ name: String, seconds: Double) {
        raw(name, seconds.text(3))
    }

    private mutating func raw(_ name: String, _ value: String) {
        if !members.isEmpty { members += "," }
        members += "\"\(name)\":\(value)"
    }
}
