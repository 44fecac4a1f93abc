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

/// Every `static var name: Type { Type(rawValue: number) }` of `Wire`, by type; with the plain
/// numbers of `RecordFlags`.
func namedNumbers() throws -> [String: [NamedNumber]] {
    var result: [String: [NamedNumber]] = [:]
    // Groups: 1 a type that opens; or 2 a name, 3 its type, and 4 a wrapped or 5 a plain number.
    let pattern =
        #/
        public\s(?:struct|enum)\s(\w+)
        | public\sstatic\svar\s(\w+):\s(\w+)\s\{\s+
          (?: \w+\(rawValue:\s([^)]+)\) | ([^{}()]+?) )\s+\}
        /#
    for source in try wireSources() {
        var type = ""
        for match in source.matches(of: pattern) {
            if let opened = match.1 { type = String(opened) }
            guard let name = match.2, let nameType = match.3 else { continue }
            guard nameType == type || (type == "RecordFlags" && nameType == "UInt16") else {
                continue
            }
            let number = (match.4 ?? match.5).flatMap(evaluate)
            result[type, default: []].append(NamedNumber(name: String(name), number: number ?? -1))
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
