// SPDX-License-Identifier: Apache-2.0
//
// What Sources/Wire says in its own words, so that documents and header cannot drift from it.
import Foundation

/// One named number of the sources: `Reason.throttled` = 18.
struct NamedNumber: Hashable {
    let name: String
    let number: Int
}

private func wireSources() throws -> [String] {
    let folder = packageRoot.appendingPathComponent("Sources/Wire")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { $0.hasSuffix(".swift") }.sorted().map { try text("Sources/Wire/\($0)") }
}

/// `18`, `0x08`, `1 << 3`, `0b11 << 1`.
private func evaluate(_ expression: Substring) -> Int? {
    let parts = expression.components(separatedBy: " << ").map { part -> Int? in
        if part.hasPrefix("0x") { return Int(part.dropFirst(2), radix: 16) }
        if part.hasPrefix("0b") { return Int(part.dropFirst(2), radix: 2) }
        return Int(part)
    }
    guard let first = parts[0] else { return nil }
    guard parts.count == 2 else { return first }
    return parts[1].map { first << $0 }
}

/// Every `public static let name = Type(rawValue: number)` of `Wire`, by type; with the plain
/// numbers of `RecordFlags`.
func namedNumbers() throws -> [String: [NamedNumber]] {
    var result: [String: [NamedNumber]] = [:]
    let wrapped = #/^    public static let (\w+) = (\w+)\(rawValue: ([^)]+)\)$/#
    let plain = #/^    public static let (\w+): UInt16 = (.+)$/#
    for source in try wireSources() {
        var type = ""
        for line in source.split(separator: "\n") {
            if let match = line.firstMatch(of: #/^public (?:struct|enum) (\w+)/#) {
                type = String(match.1)
            }
            if let match = line.firstMatch(of: wrapped), let number = evaluate(match.3) {
                result[type, default: []].append(
                    NamedNumber(name: String(match.1), number: number))
            } else if type == "RecordFlags", let match = line.firstMatch(of: plain),
                let number = evaluate(match.2)
            {
                result[type, default: []].append(
                    NamedNumber(name: String(match.1), number: number))
            }
        }
    }
    return result
}

/// A structure whose fields have `/// Offset N:` comments.
struct SourceStructure {
    let name: String
    /// Offset by field.
    let fields: [String: Int]

    static func all() throws -> [SourceStructure] {
        var result: [SourceStructure] = []
        for source in try wireSources() {
            var type = ""
            var fields: [String: Int] = [:]
            var offset: Int?
            func finish() {
                if !fields.isEmpty { result.append(SourceStructure(name: type, fields: fields)) }
                fields = [:]
            }
            for line in source.split(separator: "\n") {
                if let match = line.firstMatch(of: #/^public struct (\w+)/#) {
                    finish()
                    type = String(match.1)
                } else if let match = line.firstMatch(of: #/^    /// Offset (\d+): /#) {
                    offset = Int(match.1)
                } else if let match = line.firstMatch(of: #/^    public var (\w+): \w+$/#),
                    let place = offset
                {
                    fields[String(match.1)] = place
                    offset = nil
                } else if line.contains("public ") {
                    offset = nil
                }
            }
            finish()
        }
        return result
    }
}
