// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Hardware
internal import Pipeline
internal import Platform
internal import RDMAReplica

/// What a standby's memory costs.
private struct MirrorFigures: Sendable {
    var description: String
    var writes: LatencyDistribution
    var fenceNanos: UInt64
    var refusal: String
}

/// The standby was asked to fence this side off, and no write failed.
private struct NotRefused: Error, CustomStringConvertible {
    let description =
        "the fence refused no write before the link was given up: with this card and driver a "
        + "primary that was fenced off does not learn of it. Update both, or mirror over TCP"
}

extension Qualification {
    private static var firstSamples: Int { 200 }
    private static var samplesMax: Double { 1_000_000 }

    /// Records into a standby's memory, each validated there, and in the end a fence.
    func checkMirror(_ report: inout QualificationReport, _ watch: StickyWatch) {
        guard let settings = peer else {
            return report.note(
                .mirror, notRun: "there is no standby: name one (--peer)")
        }
        watch.show("mirror: connecting")
        let seconds = seconds
        let result = measure(
            on: configuration.host.cpus.mirror.first, watch, show: { _ in "mirror: writing" },
            { (run: MeasuringThread<MirrorFigures>) in
                let probe = try MirrorProbe(settings, clock: .calibrated())
                let first = try probe.writeLatency(samples: Self.firstSamples)
                let eachNanos = Double(max(1, first.quantileNanos(0.5)))
                let samples = min(Self.samplesMax, max(200, seconds * 1e9 / eachNanos))
                let writes = try probe.writeLatency(
                    samples: Int(samples), isStopping: { run.isStopping })
                // The other way, a reset, is silent: this side would learn of it by its time-out.
                let fenced = try probe.fencingTime(.access)
                guard fenced.refusal.code != ETIMEDOUT else { throw NotRefused() }
                return MirrorFigures(
                    description: probe.description, writes: writes, fenceNanos: fenced.nanos,
                    refusal: fenced.refusal.description)
            })
        switch result {
        case .success(let figures): note(figures, &report)
        case .failure(let error): report.note(.mirror, failed: "\(error)")
        }
    }

    private func note(_ figures: MirrorFigures, _ report: inout QualificationReport) {
        report.note(
            .mirror, "record written and validated, p99", figures.writes.quantileNanos(0.99),
            max: limits.writeMicrosP99Max.map { $0 * 1_000 }, .nanos)
        report.note(
            .mirror, "from the fence to the first write refused", figures.fenceNanos,
            max: limits.fenceMicrosMax.map { $0 * 1_000 }, .nanos)
        report.detail(
            "mirror: \(figures.description)",
            figures.writes.row("round trip") + "  behind the fence: \(figures.refusal)\n", "mirror",
            .object([
                ("roundTrips", figures.writes.value),
                ("fenceNanos", .number(Int(clamping: figures.fenceNanos))),
            ]))
    }
}
