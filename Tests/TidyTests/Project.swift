// SPDX-License-Identifier: Apache-2.0
import Foundation

/// One text file of the project.
struct ProjectFile {
    /// From the package's root: `Sources/Wire/Event.swift`.
    let path: String
    let lines: [Substring]

    /// The folder below `Sources`: `Wire`.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : ""
    }

    /// Lines with their numbers, without comments and without what is in quotes.
    var code: [(number: Int, text: String)] {
        lines.enumerated().map { index, line in
            if !line.utf8.contains(UInt8(ascii: "\"")), !line.contains("//") {
                return (index + 1, String(line))
            }
            var text = ""
            var quoted = false
            var previous: Character = " "
            for character in line {
                if character == "\"", previous != "\\" {
                    quoted.toggle()
                } else if !quoted {
                    text.append(character)
                    if text.hasSuffix("//") { break }
                }
                previous = character
            }
            if text.hasSuffix("//") { text.removeLast(2) }
            return (index + 1, text)
        }
    }
}

/// The folder that holds Package.swift.
let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// Every file below a folder whose name ends so; hidden folders (`.build`, `.git`) are left out.
func projectFiles(below folder: String, endings: [String]) throws -> [ProjectFile] {
    let root = packageRoot.path + "/"
    let start = folder.isEmpty ? packageRoot : packageRoot.appendingPathComponent(folder)
    guard
        let walk = FileManager.default.enumerator(
            at: start, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
    else { return [] }
    var result: [ProjectFile] = []
    for case let url as URL in walk where endings.contains(where: url.path.hasSuffix) {
        let text = try String(contentsOf: url, encoding: .utf8)
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        result.append(ProjectFile(path: String(url.path.dropFirst(root.count)), lines: lines))
    }
    return result.sorted { $0.path < $1.path }
}

/// Sources and tests in Swift and C, and the manifest.
func codeFiles() throws -> [ProjectFile] {
    try projectFiles(below: "Sources", endings: [".swift", ".c", ".h"])
        + projectFiles(below: "Tests", endings: [".swift", ".c", ".h"])
}

/// The same in one line for each finding, so that a failure reads like a compiler's.
func report(_ findings: [String]) -> String { "\n" + findings.joined(separator: "\n") }
