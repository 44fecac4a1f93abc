// SPDX-License-Identifier: Apache-2.0
internal import Hardware
internal import Platform

/// One thing that was asked of the host.
public struct QualificationLine: Sendable {
    /// How it went.
    public enum Outcome: Equatable, Sendable {
        /// Within the limit.
        case pass
        /// Beyond the limit, or it could not be done at all: why, or nothing.
        case fail(String?)
        /// There is no limit.
        case measured
        /// Nothing was measured: why.
        case notRun(String)
    }
    /// What a number counts.
    public enum Unit: String, Sendable {
        /// Nanoseconds.
        case nanos
        /// Frames a second.
        case framesPerSecond
        /// Frames.
        case frames
        /// Regions of memory, and threads that are out of place.
        case regions
    }
    /// The question that it belongs to.
    public let check: QualificationCheck
    /// What was measured.
    public let what: String
    /// The number; nil when there is none.
    public let measured: UInt64?
    /// What it may be, at most or (of rates) at least; nil when there is no limit.
    public let limit: UInt64?
    /// Of both.
    public let unit: Unit
    /// How it went.
    public let outcome: Outcome
}

/// What a host has answered.
public struct QualificationReport: Sendable {
    /// In the order of the questions.
    public private(set) var lines: [QualificationLine] = []
    /// What lies behind the lines, for people: a title and a text each.
    public private(set) var details: [(title: String, text: String)] = []
    /// The same for programs.
    private var values: [(name: String, value: JSONValue)] = []

    /// Whether each question must be answered: one that was not run has failed then.
    private let needsAll: Bool

    init(needsAll: Bool = false) { self.needsAll = needsAll }

    /// What comes of all lines.
    public enum Verdict: String, Sendable {
        /// Something was judged, and nothing failed.
        case pass
        /// Something failed.
        case fail
        /// Nothing was held against a limit, so nobody knows.
        case nothingJudged
    }

    /// What was not run has not failed, unless all had to be.
    public var verdict: Verdict {
        let hasFailed = lines.contains { if case .fail = $0.outcome { true } else { false } }
        if hasFailed { return .fail }
        return lines.contains { $0.outcome == .pass } ? .pass : .nothingJudged
    }

    /// Whether something was judged, and nothing failed.
    public var isPassed: Bool { verdict == .pass }

    /// How many were not run.
    public var notRunCount: Int {
        lines.count { if case .notRun = $0.outcome { true } else { false } }
    }

    mutating func note(_ check: QualificationCheck, notRun why: String) {
        add(
            check, check.rawValue, nil, nil, .nanos,
            needsAll ? .fail("not run: \(why)") : .notRun(why))
    }

    mutating func note(_ check: QualificationCheck, failed why: String) {
        add(check, check.rawValue, nil, nil, .nanos, .fail(why))
    }

    /// A number that must not be above a limit.
    mutating func note(
        _ check: QualificationCheck, _ what: String, _ measured: UInt64, max limit: UInt64?,
        _ unit: QualificationLine.Unit
    ) {
        add(check, what, measured, limit, unit, isMet: limit.map { measured <= $0 })
    }

    /// A number that must not be below a limit.
    mutating func note(
        _ check: QualificationCheck, _ what: String, _ measured: UInt64, min limit: UInt64?,
        _ unit: QualificationLine.Unit
    ) {
        add(check, what, measured, limit, unit, isMet: limit.map { measured >= $0 })
    }

    private mutating func add(
        _ check: QualificationCheck, _ what: String, _ measured: UInt64, _ limit: UInt64?,
        _ unit: QualificationLine.Unit, isMet: Bool?
    ) {
        let outcome: QualificationLine.Outcome =
            switch isMet {
            case true: .pass
            case false: .fail(nil)
            case nil: .measured
            }
        add(check, what, measured, limit, unit, outcome)
    }

    mutating func detail(_ title: String, _ text: String, _ name: String, _ value: JSONValue) {
        details.append((title, text))
        values.append((name, value))
    }

    private mutating func add(
        _ check: QualificationCheck, _ what: String, _ measured: UInt64?, _ limit: UInt64?,
        _ unit: QualificationLine.Unit, _ outcome: QualificationLine.Outcome
    ) {
        lines.append(
            QualificationLine(
                check: check, what: what, measured: measured, limit: limit, unit: unit,
                outcome: outcome))
    }
}

extension QualificationReport {
    /// The table of lines, what lies behind them in front of it, and the sum.
    public var text: String {
        var text = ""
        for (title, body) in details { text += "\(title)\n\(body)\n" }
        let rows = lines.map(\.cells)
        let widths = (0..<4).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let cells = row.enumerated().map { column, cell in
                column < 4 ? Figure.padded(cell, widths[column]) : cell
            }
            text += cells.joined(separator: "  ").trimmedRight + "\n"
        }
        let sum =
            switch verdict {
            case .pass: "PASS"
            case .fail: "FAIL"
            case .nothingJudged: "NOTHING JUDGED"
            }
        let rest = notRunCount == 0 ? "" : ", \(notRunCount) of \(lines.count) not run"
        return text + "\(sum)\(rest)\n"
    }

    /// All of it as one JSON object with a line break at its end. A key that is there stays while
    /// `version` is the same.
    public var json: String {
        JSONValue.object([
            ("version", .number(1)), ("isPassed", .flag(isPassed)),
            ("verdict", .text(verdict.rawValue)),
            ("notRunCount", .number(notRunCount)), ("lines", .list(lines.map(\.value))),
            ("details", .object(values)),
        ]).text() + "\n"
    }
}

extension QualificationLine {
    fileprivate var cells: [String] {
        let measured = measured.map(text) ?? ""
        let limit = limit.map { (unit == .framesPerSecond ? "≥ " : "≤ ") + text($0) } ?? ""
        let end: String
        switch outcome {
        case .pass: end = "pass"
        case .fail(let why): end = why.map { "FAIL: \($0)" } ?? "FAIL"
        case .measured: end = "no limit"
        case .notRun(let why): end = "not run: \(why)"
        }
        return [check.rawValue, what == check.rawValue ? "" : what, measured, limit, end]
    }

    private func text(_ number: UInt64) -> String {
        switch unit {
        case .nanos: Figure.duration(number)
        case .framesPerSecond: "\(Figure.count(number))/s"
        case .frames, .regions: Figure.count(number)
        }
    }

    fileprivate var value: JSONValue {
        let (end, why): (String, String?) =
            switch outcome {
            case .pass: ("pass", nil)
            case .fail(let why): ("fail", why)
            case .measured: ("measured", nil)
            case .notRun(let why): ("notRun", why)
            }
        return .object([
            ("check", .text(check.rawValue)), ("what", .text(what)),
            ("measured", JSONValue(measured.map { Int(clamping: $0) })),
            ("limit", JSONValue(limit.map { Int(clamping: $0) })), ("unit", .text(unit.rawValue)),
            ("outcome", .text(end)), ("why", JSONValue(why)),
        ])
    }
}

extension String {
    fileprivate var trimmedRight: String {
        String(reversed().drop { $0 == " " }.reversed())
    }
}
