// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Yams

/// Reads typed values out of one YAML mapping, and collects everything that is wrong with it
/// instead of stopping at the first.
public struct SettingsReader {
    private let mapping: [(key: String, node: Node, line: Int)]
    private let path: String
    private let line: Int
    private var known: Set<String> = []
    /// What was found to be wrong so far.
    public private(set) var problems: [SettingsError.Problem] = []

    internal init(_ node: Node?, path: String = "") {
        self.path = path
        line = node?.mark?.line ?? 0
        guard let node, node.null == nil else {
            mapping = []
            return
        }
        guard case .mapping(let pairs) = node else {
            mapping = []
            problems.append(
                .init(
                    line: line, key: path,
                    message: "expected keys with values (`key: value`), found something else"))
            return
        }
        var seen: [(key: String, node: Node, line: Int)] = []
        for (key, value) in pairs {
            seen.append((key.string ?? "?", value, key.mark?.line ?? value.mark?.line ?? 0))
        }
        mapping = seen
    }

    private func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    private mutating func node(_ key: String) -> (node: Node, line: Int)? {
        known.insert(key)
        return mapping.first { $0.key == key }.map { ($0.node, $0.line) }
    }

    /// Whether the key is there, whatever it holds. The key counts as known from then on.
    public mutating func has(_ key: String) -> Bool { node(key) != nil }

    /// Notes that something is wrong with a key.
    public mutating func fail(_ key: String, line: Int? = nil, _ message: String) {
        let place = line ?? mapping.first { $0.key == key }?.line ?? self.line
        problems.append(.init(line: place, key: full(key), message: message))
    }

    /// Text; nil when the key is not there, or holds something else, which is then noted.
    public mutating func string(_ key: String) -> String? {
        guard let (node, _) = node(key) else { return nil }
        guard let text = node.string, node.null == nil else {
            fail(key, "expected text")
            return nil
        }
        return text
    }

    /// A whole number, perhaps with underscores; nil as with `string`.
    public mutating func integer<Value: FixedWidthInteger>(
        _ key: String, in range: ClosedRange<Value>
    ) -> Value? {
        guard let (node, _) = node(key) else { return nil }
        return wholeNumber(node, of: key, in: range)
    }

    /// In decimal digits, perhaps with underscores between them: YAML's other ways to write a
    /// number (`0o10`, `1:30`) surprise more often than they help.
    private mutating func wholeNumber<Value: FixedWidthInteger>(
        _ node: Node, of key: String, in range: ClosedRange<Value>
    ) -> Value? {
        let text = (node.string ?? "").filter { $0 != "_" }
        guard let value = Value(text), range.contains(value) else {
            fail(
                key,
                "`\(node.string ?? "?")` is not a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound)")
            return nil
        }
        return value
    }

    /// A power of two; nil as with `string`.
    public mutating func powerOfTwo(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let value = integer(key, in: range) else { return nil }
        guard value & (value - 1) == 0 else {
            var below = 1
            while below * 2 < value { below *= 2 }
            fail(key, "\(value) is not a power of two; \(below) and \(below * 2) are")
            return nil
        }
        return value
    }

    /// `true` or `false`; nil as with `string`.
    public mutating func boolean(_ key: String) -> Bool? {
        guard let (node, _) = node(key) else { return nil }
        guard let value = node.bool else {
            fail(key, "`\(node.string ?? "?")` is neither true nor false")
            return nil
        }
        return value
    }

    /// One of the type's words; nil as with `string`.
    public mutating func choice<Value: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Value.Type
    ) -> Value? where Value.RawValue == String {
        guard let text = string(key) else { return nil }
        return value(text, of: key, type)
    }

    /// Whether the key holds a list.
    public mutating func isList(_ key: String) -> Bool { node(key)?.node.sequence != nil }

    /// One word, or a list of words.
    public mutating func choices<Value: RawRepresentable & CaseIterable>(
        _ key: String, _ type: Value.Type
    ) -> [Value]? where Value.RawValue == String {
        guard let list = node(key)?.node.sequence else { return choice(key, type).map { [$0] } }
        let values = list.compactMap { value($0.string ?? "?", of: key, type) }
        return values.count == list.count ? values : nil
    }

    private mutating func value<Value: RawRepresentable & CaseIterable>(
        _ text: String, of key: String, _: Value.Type
    ) -> Value? where Value.RawValue == String {
        guard let value = Value(rawValue: text) else {
            let choices = Value.allCases.map(\.rawValue).joined(separator: ", ")
            fail(key, "`\(text)` is none of \(choices)")
            return nil
        }
        return value
    }

    /// An IPv4 address in host order; nil as with `string`.
    public mutating func ipv4Address(_ key: String, isMulticast: Bool = false) -> UInt32? {
        guard let text = string(key) else { return nil }
        guard let address = IPv4Text.parse(text) else {
            fail(key, "`\(text)` is not an IPv4 address such as 10.77.0.2")
            return nil
        }
        if isMulticast != (address >> 28 == 0xE) {
            fail(
                key,
                isMulticast
                    ? "`\(text)` is not a multicast group: those are 224.0.0.0 to 239.255.255.255"
                    : "`\(text)` is a multicast group, not an address of a host")
            return nil
        }
        return address
    }

    /// One whole number, or a list of them; nil as with `string`.
    public mutating func integers<Value: FixedWidthInteger>(
        _ key: String, in range: ClosedRange<Value>
    ) -> [Value]? {
        guard let (node, _) = node(key) else { return nil }
        let items = node.sequence.map { Array($0) } ?? [node]
        var values: [Value] = []
        for item in items {
            guard let value = wholeNumber(item, of: key, in: range) else { return nil }
            values.append(value)
        }
        return values
    }

    /// One text, or a list of them; nil as with `string`.
    public mutating func strings(_ key: String) -> [String]? {
        guard let (node, line) = node(key) else { return nil }
        let items = node.sequence.map { Array($0) } ?? [node]
        let texts = items.compactMap(\.scalar?.string)
        guard texts.count == items.count, !texts.isEmpty else {
            fail(key, line: line, "expected a text, or a list of texts")
            return nil
        }
        return texts
    }

    /// Reports keys that nobody asked for. Last.
    internal mutating func rejectUnknownKeys() {
        for (key, _, line) in mapping where !known.contains(key) {
            fail(
                key, line: line,
                "unknown key; known here: \(known.sorted().joined(separator: ", "))")
        }
        var seen: Set<String> = []
        for (key, _, line) in mapping where !seen.insert(key).inserted {
            fail(key, line: line, "given twice")
        }
    }

    /// Takes over what the reader of an inner mapping found, and what nobody asked it for.
    public mutating func absorb(_ inner: consuming SettingsReader) {
        inner.rejectUnknownKeys()
        problems += inner.problems
    }

    /// A reader of each mapping in the list that the key holds; nil as with `string`, also when
    /// the list is empty.
    public mutating func list(_ key: String) -> [SettingsReader]? {
        guard let (node, line) = node(key) else { return nil }
        guard let items = node.sequence, !items.isEmpty else {
            fail(key, line: line, "expected a list (`- key: value` …)")
            return nil
        }
        return items.enumerated().map {
            SettingsReader($0.element, path: "\(full(key))[\($0.offset)]")
        }
    }

    /// A reader of the mapping that the key holds: to be absorbed when it is done.
    public mutating func inner(_ key: String) -> SettingsReader {
        SettingsReader(node(key)?.node, path: full(key))
    }
}
