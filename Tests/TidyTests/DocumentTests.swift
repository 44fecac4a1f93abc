// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A heading as its anchor: "Order types" → "order-types".
private func anchor(_ heading: Substring) -> String {
    heading.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
        .filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }
        .replacingOccurrences(of: " ", with: "-")
}

private func anchors(of path: String) -> Set<String> {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return Set(text.split(separator: "\n").filter { $0.hasPrefix("#") }.map(anchor))
}

@Suite struct `The pages` {
    @Test func `link to what is there`() throws {
        var findings: [String] = []
        for file in try projectFiles(below: "", endings: [".md"]) {
            let here = packageRoot.appendingPathComponent(file.path)
            for (index, line) in file.lines.enumerated() {
                for match in line.matches(of: #/\]\(([^)\s]+)\)/#) {
                    let link = String(match.1)
                    if link.contains("://") || link.hasPrefix("mailto:") { continue }
                    let parts = link.split(
                        separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
                    let target =
                        parts[0].isEmpty
                        ? here.path
                        : here.deletingLastPathComponent()
                            .appendingPathComponent(String(parts[0])).standardizedFileURL.path
                    if !FileManager.default.fileExists(atPath: target) {
                        findings.append("\(file.path):\(index + 1): no \(link)")
                    } else if parts.count == 2, !anchors(of: target).contains(String(parts[1])) {
                        findings.append("\(file.path):\(index + 1): no heading for \(link)")
                    }
                }
            }
        }
        #expect(findings.isEmpty, "\(report(findings))")
    }

    @Test func `number the decisions from 1 without a gap, 40 lines at most each`() throws {
        let files = try projectFiles(below: "docs/decisions", endings: [".md"])
        for (index, file) in files.enumerated() {
            let name = file.path.split(separator: "/").last ?? ""
            let number = String(index + 1)
            let padded = String(repeating: "0", count: 4 - number.count) + number
            #expect(name.hasPrefix(padded + "-"), "\(file.path)")
            #expect(file.lines.count <= 40, "\(file.path) has \(file.lines.count) lines")
            for part in ["## Context", "## Choice", "## Cost"] {
                #expect(file.lines.contains { $0 == part }, "\(file.path) lacks \(part)")
            }
        }
        #expect(!files.isEmpty)
    }

    @Test func `and everything else name no machine's own folders`() throws {
        // In two pieces, so that this file does not name them either.
        let banned = [
            "/wo" + "rk/", ".lib" + "rary", "/ho" + "me/", "/ro" + "ot/",
        ]
        var findings: [String] = []
        let endings = [
            ".md", ".swift", ".c", ".h", ".lua", ".yaml", ".yml", ".sh", "Makefile", ".hex",
            ".txt", ".service",
        ]
        for file in try projectFiles(below: "", endings: endings) {
            for (index, line) in file.lines.enumerated() {
                for name in banned where line.contains(name) {
                    findings.append("\(file.path):\(index + 1): \(name)")
                }
            }
        }
        #expect(findings.isEmpty, "\(report(findings))")
    }
}
