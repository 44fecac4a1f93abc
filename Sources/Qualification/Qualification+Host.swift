// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the system gets a name that ends with a zero, and makes one of the same length of it.
internal import Glibc
internal import Hardware
internal import Pipeline
internal import Platform

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
        for pause in 0..<max(1, Int(seconds * 10)) {
            let longest = run.longestSoFar
            watch.show(
                "jitter: \(pause / 10) of \(Int(seconds)) s, longest so far "
                    + "\(Figure.duration(longest.nanos)) on cpu \(longest.cpu)")
            if watch.pause(milliseconds: 100) { break }
        }
        let found = run.finish()
        guard !watch.isStopped else {
            return report.note(.jitter, notRun: "stopped before its time was over")
        }
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
        let journal = configuration.journal ?? .init(folder: folder)
        let probe = JournalProbe(
            folder: scratch, seconds: seconds, segmentByteCount: journal.segmentByteCount)
        let seconds = Int(seconds)
        let result = measure(
            on: configuration.host.cpus.journal.first, watch,
            show: { "journal: \($0 / 1_000_000_000) of \(seconds) s" },
            { run throws in
                try probe.measure(isStopped: { run.isStopping }, progress: { run.note($0) })
            })
        switch result {
        case .success(let figures): note(figures, &report)
        case .failure(let error): report.note(.journal, failed: "\(error)")
        }
    }

    private func note(_ figures: JournalProbe.Figures, _ report: inout QualificationReport) {
        let limit = limits.fsyncMicrosP99Max.map { $0 * 1_000 }
        guard !figures.isInMemory else {
            return report.note(
                .journal,
                failed: "\(figures.description) is memory, which dies with the machine: put the "
                    + "journal on a disk")
        }
        guard figures.commits.count > 0 else {
            return report.note(.journal, notRun: "it was stopped")
        }
        report.note(
            .journal, "write of a page and sync, p99", figures.commits.quantileNanos(0.99),
            max: limit, .nanos)
        report.detail(
            "journal: \(figures.description)",
            figures.commits.row("write + sync") + figures.syncs.row("sync alone  ")
                + figures.warnings.map { "  note: \($0)\n" }.joined(),
            "journal",
            .object([
                ("commits", figures.commits.value), ("syncs", figures.syncs.value),
                ("warnings", JSONValue(figures.warnings)),
            ]))
    }
}
