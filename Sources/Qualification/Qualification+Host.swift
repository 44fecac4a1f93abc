// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the system gets a name that ends with a zero, and makes one of the same length of it.
internal import Glibc
internal import Hardware
internal import Pipeline
internal import Platform
internal import Synchronization

extension Qualification {
    /// Stolen time on the cores that poll.
    func checkJitter(_ report: inout QualificationReport, _ watch: StickyWatch) {
        let cpus = configuration.host.cpus.polling
        guard !cpus.isEmpty else {
            return report.note(
                .jitter, notRun: "no core is given to a polling thread (cpus), nor can be")
        }
        let run: JitterRun
        do throws(PlatformError) {
            run = try JitterRun(cpus: cpus, seconds: seconds)
        } catch {
            return report.note(.jitter, failed: error.description)
        }
        for pause in 0..<Int(seconds * 10) {
            let longest = run.longestSoFar
            watch.show(
                "jitter: \(pause / 10) of \(Int(seconds)) s, longest so far "
                    + "\(Figure.duration(longest.nanos)) on cpu \(longest.cpu)")
            if watch.pause(milliseconds: 100) { break }
        }
        let found = run.finish()
        let limit = limits.jitterMicrosMax.map { $0 * 1_000 }
        for core in found.cores {
            report.note(
                .jitter, "longest interruption, cpu \(core.cpu)", core.lengths.maxNanos, max: limit,
                .nanos)
        }
        report.detail("jitter", found.text, "jitter", found.value)
    }

    /// How long a group commit takes on the journal's disk.
    func checkJournal(_ report: inout QualificationReport, _ watch: StickyWatch) {
        let folder: String
        switch journalFolder {
        case .success(let found): folder = found
        case .failure(let why): return report.note(.journal, notRun: why.description)
        }
        let name = "\(folder)/qualify.XXXXXX"
        var bytes = Array(name.utf8CString)
        guard unsafe mkdtemp(&bytes) != nil else {
            return report.note(
                .journal, failed: "nothing can be written in \(folder): \(SystemText.of(errno))")
        }
        let scratch = String(decoding: bytes.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { unsafe rmdir(scratch) }
        let outcome = JournalOutcome()
        let probe = JournalProbe(folder: scratch, seconds: seconds)
        do throws(PlatformError) {
            let cpu = configuration.host.cpus.journal.first
            let thread = try PinnedThread(name: "nt-journal", cpu: cpu) { outcome.measure(probe) }
            while !outcome.isDone {
                let elapsed = outcome.elapsedNanos.load(ordering: .relaxed)
                watch.show("journal: \(elapsed / 1_000_000_000) of \(Int(seconds)) s")
                if watch.pause(milliseconds: 50) { outcome.stop() }
            }
            thread.join()
        } catch {
            return report.note(.journal, failed: error.description)
        }
        switch outcome.result {
        case .success(let figures): note(figures, &report)
        case .failure(let error): report.note(.journal, failed: "\(error)")
        }
    }

    private func note(_ figures: JournalProbe.Figures, _ report: inout QualificationReport) {
        let limit = limits.fsyncMicrosP99Max.map { $0 * 1_000 }
        if let unfit = figures.warnings.first(where: { $0.contains("dies with the machine") }) {
            return report.note(.journal, failed: unfit)
        }
        guard figures.commits.count > 0 else {
            return report.note(.journal, notRun: "it was stopped")
        }
        report.note(
            .journal, "write of a page and sync, p99", figures.commits.quantileNanos(0.99),
            max: limit, .nanos)
        let shares = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)]
        func row(_ name: String, _ found: LatencyDistribution) -> String {
            "  \(name)  "
                + shares.map { "\($0.0) \(Figure.duration(found.quantileNanos($0.1)))" }
                .joined(separator: "  ") + "\n"
        }
        func value(_ found: LatencyDistribution) -> JSONValue {
            .object([
                ("count", .number(Int(clamping: found.count))),
                ("p50Nanos", .number(Int(clamping: found.quantileNanos(0.5)))),
                ("p99Nanos", .number(Int(clamping: found.quantileNanos(0.99)))),
                ("p999Nanos", .number(Int(clamping: found.quantileNanos(0.999)))),
                ("maxNanos", .number(Int(clamping: found.maxNanos))),
            ])
        }
        report.detail(
            "journal: \(figures.description)",
            row("write + sync", figures.commits) + row("sync alone  ", figures.syncs)
                + figures.warnings.map { "  note: \($0)\n" }.joined(),
            "journal",
            .object([
                ("commits", value(figures.commits)), ("syncs", value(figures.syncs)),
                ("warnings", JSONValue(figures.warnings)),
            ]))
    }

    /// Writes into a standby's memory: there is nothing yet that would do them.
    func checkMirror(_ report: inout QualificationReport, _ watch: StickyWatch) {
        guard peer != nil else {
            return report.note(.mirror, notRun: "there is no standby: name one (--peer)")
        }
        report.note(.mirror, notRun: "this version cannot mirror yet")
    }
}

/// What the journal's thread brings back.
///
/// SAFETY: `result` is written by the thread before `isDone`, and read behind it.
private final class JournalOutcome: @unchecked Sendable {
    let elapsedNanos = Atomic<UInt64>(0)
    private let isStopping = Atomic(false)
    private let hasEnded = Atomic(false)
    private(set) var result: Result<JournalProbe.Figures, any Error> = .failure(
        JournalProbeError(description: "not measured"))

    var isDone: Bool { hasEnded.load(ordering: .acquiring) }
    func stop() { isStopping.store(true, ordering: .relaxed) }

    func measure(_ probe: JournalProbe) {
        result = Result {
            try probe.measure(
                isStopped: { isStopping.load(ordering: .relaxed) },
                progress: { elapsedNanos.store($0, ordering: .relaxed) })
        }
        hasEnded.store(true, ordering: .releasing)
    }
}
