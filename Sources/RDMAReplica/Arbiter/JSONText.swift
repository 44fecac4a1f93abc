// SPDX-License-Identifier: Apache-2.0

/// A JSON text as it was read: what an etcd member answers. Numbers stay text, since etcd writes
/// its 64-bit ones in quotes; of members with one name the last counts.
enum JSONText: Equatable, Sendable {
    case null
    case flag(Bool)
    case number(String)
    case text(String)
    case list([JSONText])
    case object([String: JSONText])

    /// Nil unless all bytes are one JSON text that nests no deeper than 32.
    init?(_ bytes: [UInt8]) {
        var reader = Reader(bytes: bytes[...])
        guard let value = reader.value(depth: 32), reader.skipBlanks() == nil else { return nil }
        self = value
    }

    /// A member of an object; nil when it is none, or has none.
    subscript(name: String) -> JSONText? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    /// The elements of a list; none when it is no list.
    var elements: [JSONText] { if case .list(let elements) = self { elements } else { [] } }

    /// What was in quotes.
    var string: String? { if case .text(let text) = self { text } else { nil } }

    /// A number from 0, in quotes or not.
    var unsigned: UInt64? {
        switch self {
        case .text(let text), .number(let text): UInt64(text)
        default: nil
        }
    }
}

private struct Reader {
    var bytes: ArraySlice<UInt8>

    /// The next byte that is no blank, which stays; nil at the end.
    mutating func skipBlanks() -> UInt8? {
        while let byte = bytes.first, [0x20, 0x09, 0x0a, 0x0d].contains(byte) {
            bytes.removeFirst()
        }
        return bytes.first
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard skipBlanks() == UInt8(ascii: character) else { return false }
        bytes.removeFirst()
        return true
    }

    mutating func value(depth: Int) -> JSONText? {
        guard depth > 0, let first = skipBlanks() else { return nil }
        switch first {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return list(depth: depth)
        case UInt8(ascii: "\""): return quoted().map { .text($0) }
        default: return word()
        }
    }

    private mutating func object(depth: Int) -> JSONText? {
        var members: [String: JSONText] = [:]
        bytes.removeFirst()
        if take("}") { return .object(members) }
        repeat {
            guard skipBlanks() == UInt8(ascii: "\""), let name = quoted(), take(":"),
                let value = value(depth: depth - 1)
            else { return nil }
            members[name] = value
        } while take(",")
        return take("}") ? .object(members) : nil
    }

    private mutating func list(depth: Int) -> JSONText? {
        var elements: [JSONText] = []
        bytes.removeFirst()
        if take("]") { return .list(elements) }
        repeat {
            guard let value = value(depth: depth - 1) else { return nil }
            elements.append(value)
        } while take(",")
        return take("]") ? .list(elements) : nil
    }

    /// `null`, `true`, `false` or a number.
    private mutating func word() -> JSONText? {
        let word = bytes.prefix {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                || [UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "E")]
                    .contains($0)
        }
        bytes = bytes.dropFirst(word.count)
        let text = String(decoding: word, as: UTF8.self)
        switch text {
        case "null": return .null
        case "true": return .flag(true)
        case "false": return .flag(false)
        default: return text.wholeMatch(of: Self.number) == nil ? nil : .number(text)
        }
    }

    private static var number: Regex<Substring> {
        /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/
    }

    /// From one quote to the next. What is no UTF-8, and half of a pair of surrogates, becomes the
    /// replacement character: such a text is shown to a person at most.
    private mutating func quoted() -> String? {
        bytes.removeFirst()
        var text: [UInt8] = []
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = escaped() else { return nil }
                text += escaped.utf8
            case 0..<0x20: return nil
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func escaped() -> String? {
        guard let byte = bytes.popFirst() else { return nil }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return String(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let high = codeUnit() else { return nil }
            // The other half of a pair, if there is one.
            if high & 0xfc00 == 0xd800, bytes.starts(with: "\\u".utf8) {
                bytes.removeFirst(2)
                guard let low = codeUnit() else { return nil }
                return String(decoding: [high, low], as: UTF16.self)
            }
            return String(decoding: [high], as: UTF16.self)
        default: return nil
        }
    }

    private mutating func codeUnit() -> UInt16? {
        let digits = String(decoding: bytes.prefix(4), as: UTF8.self)
        guard digits.wholeMatch(of: /[0-9a-fA-F]{4}/) != nil else { return nil }
        bytes.removeFirst(4)
        return UInt16(digits, radix: 16)
    }
}
