// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// The findings of a check as text.
public struct CheckReport: Sendable {
    /// The worst first.
    public let findings: [Finding]

    /// Of the findings of a `HostCheck`.
    public init(_ findings: [Finding]) { self.findings = findings }

    /// How many there are of a severity.
    public func count(_ severity: Finding.Severity) -> Int {
        findings.count { $0.severity == severity }
    }

    /// For people: what is wrong with cause and cure, then what is as it should be in a line each,
    /// and a summary. Coloured for a terminal.
    public func table(isColoured: Bool) -> String {
        let width = (findings.map(\.topic.count).max() ?? 0) + 2
        var text = ""
        for finding in findings {
            let word = Figure.padded(finding.severity.rawValue, 9)
            text += colour(word, finding.severity, isColoured) + Figure.padded(finding.topic, width)
            text += finding.found + "\n"
            let lines = [
                ("should be", finding.wanted), ("because", finding.reason), ("fix", finding.fix),
            ]
            for (name, line) in lines where !line.isEmpty {
                text += String(repeating: " ", count: 11) + Figure.padded(name, 11) + line + "\n"
            }
        }
        return (text.isEmpty ? "" : text + "\n") + summary + "\n"
    }

    /// One sentence.
    public var summary: String {
        let parts = Finding.Severity.allCases.compactMap { severity -> String? in
            let number = count(severity)
            guard number > 0 else { return nil }
            let many = severity == .error || severity == .warning ? number > 1 : false
            return "\(number) \(severity.rawValue)\(many ? "s" : "")"
        }
        let verdict =
            count(.error) > 0
            ? "the gateway does not start, or does not do what it should"
            : count(.warning) > 0
                ? "the gateway works, slower than it could" : "the host is as its profile says"
        return parts.isEmpty
            ? "nothing was looked at"
            : parts.joined(separator: ", ") + ": "
                + verdict + "."
    }

    /// One JSON object with a line break at its end. A key that is there stays while `version` is
    /// the same.
    public var json: String {
        JSONValue.object([
            ("version", .number(1)),
            (
                "counts",
                .object(Finding.Severity.allCases.map { ($0.rawValue, .number(count($0))) })
            ),
            ("summary", .text(summary)),
            (
                "findings",
                .list(
                    findings.map {
                        .object([
                            ("severity", .text($0.severity.rawValue)), ("topic", .text($0.topic)),
                            ("found", .text($0.found)), ("wanted", .text($0.wanted)),
                            ("reason", .text($0.reason)), ("fix", .text($0.fix)),
                            ("remedy", .text($0.remedy.rawValue)),
                        ])
                    })
            ),
        ]).text() + "\n"
    }

    private func colour(
        _ text: String, _ severity: Finding.Severity, _ isColoured: Bool
    ) -> String {
        guard isColoured else { return text }
        let code = [Finding.Severity.error: 31, .warning: 33, .unknown: 36, .ok: 32][severity] ?? 0
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }
}
