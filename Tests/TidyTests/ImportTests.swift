// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A row of the table of targets in docs/ARCHITECTURE.md.
private struct TargetRow {
    let name: String
    let mayImport: Set<String>
}

/// Rows `| target | what lives there | may import |`, in the order of the page.
private func targetTable() throws -> [TargetRow] {
    var inside = false
    var rows: [TargetRow] = []
    let page = try String(
        contentsOf: packageRoot.appendingPathComponent("docs/ARCHITECTURE.md"), encoding: .utf8)
    for line in page.split(separator: "\n") {
        if line.hasPrefix("#") { inside = line.hasSuffix("Targets") }
        guard inside, line.hasPrefix("| `") else { continue }
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        func names(_ cell: String) -> [String] {
            cell.matches(of: #/`([\w-]+)`/#).map { String($0.1) }
        }
        guard cells.count == 3, let name = names(cells[0]).first else { continue }
        // A planned target has its row already, and no folder yet.
        if !cells[0].contains("planned") {
            rows.append(TargetRow(name: name, mayImport: Set(names(cells[2]))))
        }
    }
    return rows
}

@Suite struct `Imports` {
    @Test func `go up the table of targets, never down`() throws {
        let rows = try targetTable()
        try #require(rows.count > 5, "the table of targets in docs/ARCHITECTURE.md")
        var above: Set<String> = []
        for row in rows {
            #expect(row.mayImport.isSubset(of: above), "\(row.name) imports from below")
            above.insert(row.name)
        }
    }

    @Test func `of each target are those of the table`() throws {
        let rows = try targetTable()
        let known = Set(rows.map(\.name))
        var findings: [String] = []
        for file in try projectFiles(below: "Sources", endings: [".swift", ".c", ".h"]) {
            guard let row = rows.first(where: { $0.name == file.target }) else {
                findings.append("\(file.path): \(file.target) is not in docs/ARCHITECTURE.md")
                continue
            }
            for (number, text) in file.code {
                let pattern = #/^(?:@\w+ )?(?:\w+ )?import (?:\w+ )?([\w]+)/#
                guard let module = text.firstMatch(of: pattern).map({ String($0.1) }) else {
                    continue
                }
                if known.contains(module), !row.mayImport.contains(module), module != row.name {
                    findings.append("\(file.path):\(number): \(row.name) must not import \(module)")
                }
            }
        }
        #expect(findings.isEmpty, "\(report(findings))")
    }

    @Test func `of the manifest are those of the table`() throws {
        let rows = try targetTable()
        let known = Set(rows.map(\.name))
        let manifest = try String(
            contentsOf: packageRoot.appendingPathComponent("Package.swift"), encoding: .utf8)
        let pattern =
            #/
            (?: library\( | \.executableTarget\(\s*name: )
            \s*"([\w-]+)",\s*(?:dependencies:\s*)?\[([^\]]*)\]
            /#
        var seen: Set<String> = []
        for match in manifest.matches(of: pattern) {
            let name = String(match.1)
            seen.insert(name)
            let row = try #require(rows.first { $0.name == name }, "\(name) is not in the table")
            let named = Set(match.2.matches(of: #/"([\w-]+)"/#).map { String($0.1) })
            #expect(named.intersection(known) == row.mayImport, "\(name)")
        }
        let ofC = ["CAllocations", "CDPDK", "CHTTP", "CPlatform", "CTLS", "CVerbs"]
        #expect(seen.union(ofC) == known)
    }

    @Test func `of rte and verbs headers stay in the C targets`() throws {
        var findings: [String] = []
        for file in try projectFiles(below: "Sources", endings: [".h"])
        where file.path.contains("/include/") {
            for (number, text) in file.code
            where text.contains(#/#include <(rte_|infiniband|rdma)/#) {
                findings.append("\(file.path):\(number): its headers belong in the .c file")
            }
        }
        #expect(findings.isEmpty, "\(report(findings))")
    }
}
