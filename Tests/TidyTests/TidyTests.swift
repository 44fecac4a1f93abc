// SPDX-License-Identifier: Apache-2.0
//
// docs/STYLE.md as a program: what can be checked by reading is checked here, by name and with
// what to write instead.
import Foundation
import Testing

/// A word that must not be in the code of some targets.
private struct Ban: Sendable {
    let word: String
    let instead: String
    /// Where the word is at home.
    var allowed: Set<String> = []
    /// The only targets that it is banned from; empty means all but the allowed.
    var only: Set<String> = []
    /// Looked for in comments and quotes too.
    var everywhere = false

    func applies(to target: String) -> Bool {
        !allowed.contains(target) && (only.isEmpty || only.contains(target))
    }
}

private let executables: Set<String> = ["needletail", "needletail-lab"]
private let fold: Set<String> = ["Engine", "Wire"]

private let bans: [Ban] = [
    Ban(
        word: "import Foundation", instead: "Glibc, or move it up to Pipeline or an executable",
        allowed: executables.union(["Pipeline"])),
    Ban(word: "try!", instead: "typed throws, or a precondition that says why it holds"),
    Ban(word: "print(", instead: "an answer that the caller prints", allowed: executables),
    Ban(word: "class ", instead: "a ~Copyable struct that owns its memory", only: ["Engine"]),
    Ban(word: "FIXME", instead: "the fix, or a sentence on what is planned", everywhere: true),
    Ban(word: "TODO", instead: "the work, or a sentence on what is planned", everywhere: true),
    Ban(word: "clock_gettime", instead: "the record's timestamp", only: fold),
    Ban(word: "CycleClock", instead: "the record's timestamp", only: fold),
    Ban(word: "ContinuousClock", instead: "CycleClock"),
    Ban(word: "SystemRandomNumberGenerator", instead: "SeededRandom with a seed that is logged"),
    Ban(word: ".random(in: ", instead: "SeededRandom, and a seed as an argument", only: fold),
    Ban(word: "SeededRandom", instead: "a seed out of the log", only: fold),
    Ban(word: "DispatchQueue", instead: "PinnedThread", allowed: executables),
]

@Suite struct `The sources` {
    @Test func `hold no banned word`() throws {
        var findings: [String] = []
        for file in try projectFiles(below: "Sources", endings: [".swift"]) {
            let active = bans.filter { $0.applies(to: file.target) }
            for (number, text) in file.code {
                for ban in active
                where ban.everywhere
                    ? file.lines[number - 1].contains(ban.word) : text.contains(ban.word)
                {
                    findings.append("\(file.path):\(number): \(ban.word): write \(ban.instead)")
                }
            }
        }
        #expect(findings.isEmpty, "\(report(findings))")
    }

    @Test func `say why where they are unsafe`() throws {
        var findings: [String] = []
        for file in try projectFiles(below: "Sources", endings: [".swift"])
        where !file.lines.contains(where: { $0.contains("SAFETY:") }) {
            for (number, text) in file.code
            // A call of C that is named as not slow is no access to memory.
            where text.replacing("unsafe _unsafePerformance", with: "")
                .contains(#/(^|[^.\w@])unsafe [^:]/#)
            {
                findings.append("\(file.path):\(number): unsafe, and no SAFETY: in the file")
                break
            }
        }
        #expect(findings.isEmpty, "\(report(findings))")
    }

    @Test func `keep to 100 columns, 400 lines, no tabs and no blanks at a line's end`() throws {
        var findings: [String] = []
        for file in try codeFiles() {
            let isSource = file.path.hasPrefix("Sources/")
            if isSource, file.lines.count > 400 {
                findings.append("\(file.path): \(file.lines.count) lines: split it by topic")
            }
            for (index, line) in file.lines.enumerated() {
                let place = "\(file.path):\(index + 1)"
                if isSource, line.count > 100 { findings.append("\(place): \(line.count) columns") }
                if line.contains("\t") { findings.append("\(place): a tab") }
                if line.last?.isWhitespace == true { findings.append("\(place): ends in a blank") }
            }
        }
        #expect(findings.isEmpty, "\(report(findings))")
    }

    @Test func `keep a function on a screen`() throws {
        var findings: [String] = []
        for file in try projectFiles(below: "Sources", endings: [".swift"]) {
            for (start, line) in file.lines.enumerated()
            where line.contains(#/^ *([@\w(): ]+ )?(func \S|init[?(<]|deinit)/#) {
                let indent = line.prefix { $0 == " " }
                guard !line.hasSuffix("}") else { continue }
                let end = file.lines[(start + 1)...].firstIndex { $0 == "\(indent)}" } ?? start
                // Of two functions the first may be a requirement without a body.
                if end - start >= 60,
                    !file.lines[(start + 1)..<end].contains(where: {
                        $0.hasPrefix("\(indent)///") || $0.hasPrefix("\(indent)func ")
                    })
                {
                    findings.append("\(file.path):\(start + 1): \(end - start + 1) lines")
                }
            }
        }
        #expect(findings.isEmpty, "\(report(findings))")
    }

    @Test func `name their licence in the first lines`() throws {
        let findings = try codeFiles().filter { file in
            !file.lines.prefix(2).contains { $0.contains("SPDX-License-Identifier: Apache-2.0") }
        }.map { "\($0.path):1: begin with // SPDX-License-Identifier: Apache-2.0" }
        #expect(findings.isEmpty, "\(report(findings))")
    }

    @Test func `open each library with a file of its name`() throws {
        let folders = Set(
            try projectFiles(below: "Sources", endings: [".swift"]).map(\.target)
        ).subtracting(executables)
        for name in folders.sorted() {
            let path = packageRoot.appendingPathComponent("Sources/\(name)/\(name).swift").path
            #expect(FileManager.default.fileExists(atPath: path), "\(name) has no \(name).swift")
        }
    }
}

@Suite struct `The checks themselves` {
    @Test func `see code, and neither comments nor what is in quotes`() {
        let file = ProjectFile(
            path: "Sources/Engine/Book.swift",
            lines: [#"let a = "TODO" // FIXME"#, "// try! it", #"f("\"", try! g())"#])
        #expect(file.code.map(\.text) == ["let a =  ", "", "f(, try! g())"])
        #expect(file.target == "Engine")
    }

    @Test func `ban Foundation from the engine and not from the command line`() {
        #expect(bans[0].applies(to: "Engine") && !bans[0].applies(to: "needletail"))
        #expect(bans[3].applies(to: "Engine") && !bans[3].applies(to: "Platform"))
    }
}
