// SPDX-License-Identifier: Apache-2.0
internal import Hardware
internal import NICGateway
internal import Pipeline
internal import Platform

extension Qualification {
    private static var burstFrames: UInt64 { 65_536 }

    /// Receiving at rising rates, or a burst.
    func checkTraffic(
        _ check: QualificationCheck, _ ports: QualificationPorts,
        _ report: inout QualificationReport, _ watch: StickyWatch
    ) {
        guard let name = configuration.host.port else {
            return report.note(check, notRun: QualificationPorts.noPort)
        }
        // A memory port has its frames itself.
        guard let generator = generator ?? (name == "memory" ? name : nil) else {
            return report.note(check, notRun: "there is nobody to send: name a port (--generator)")
        }
        guard !name.hasPrefix("udp:"), (name == "memory") == (generator == "memory") else {
            return report.note(check, notRun: "\(generator) cannot send to \(name)")
        }
        watch.show("\(check.rawValue): opening \(name) and \(generator)")
        do {
            let rig = try ports.rig(generator: generator)
            guard rig.waitForLink(watch) else {
                return report.note(check, failed: "no link between \(generator) and \(name)")
            }
            if check == .receive {
                try checkRates(rig, &report, watch, from: generator)
            } else {
                try checkBurst(rig, &report, watch, from: generator)
            }
        } catch {
            report.note(check, failed: "\(error)")
        }
    }

    private func checkRates(
        _ rig: TrafficRig, _ report: inout QualificationReport, _ watch: StickyWatch,
        from generator: String
    ) throws(PlatformError) {
        var steps: [TrafficStep] = []
        var search = RateSearch()
        let stepSeconds = max(0.2, seconds / 10)
        while !watch.isStopped, let rate = search.nextPerSecond {
            // Memory has no rate: once, as fast as it goes.
            watch.show(
                rig.hasRates
                    ? "receive: \(Figure.count(rate)) frames/s" : "receive: as fast as it goes")
            let step = try rig.step(
                count: rig.hasRates ? UInt64(Double(rate) * stepSeconds) : 1 << 21,
                framesPerSecond: rig.hasRates ? rate : nil, watch)
            // What was cut short says nothing.
            if watch.isStopped { break }
            if steps.isEmpty, let why = nothingArrived(step, from: generator) {
                return report.note(.receive, failed: why)
            }
            search.learn(step)
            steps.append(step)
            if !rig.hasRates { break }
        }
        guard !steps.isEmpty else { return report.note(.receive, notRun: "it was stopped") }
        report.note(
            .receive, "highest rate without a loss\(scope)", steps.highestWithoutLoss,
            min: limits.receiveFramesPerSecondMin, .framesPerSecond)
        report.detail(
            "receive: \(rig.description)", steps.table, "receive", steps.value)
    }

    /// The reason, where no frame came through; nil if one did.
    func nothingArrived(_ step: TrafficStep, from generator: String) -> String? {
        guard step.received == 0 else { return nil }
        return step.sent == 0
            ? "\(generator) sent no frame"
            : "none of \(Figure.count(step.sent)) frames arrived: is \(generator) connected to "
                + "\(configuration.host.port ?? "the port")?"
    }

    private func checkBurst(
        _ rig: TrafficRig, _ report: inout QualificationReport, _ watch: StickyWatch,
        from generator: String
    ) throws(PlatformError) {
        guard !watch.isStopped else { return report.note(.microburst, notRun: "it was stopped") }
        watch.show("microburst: \(Figure.count(Self.burstFrames)) frames")
        let step = try rig.step(count: Self.burstFrames, framesPerSecond: nil, watch)
        guard !watch.isStopped else { return report.note(.microburst, notRun: "it was stopped") }
        if let why = nothingArrived(step, from: generator) {
            return report.note(.microburst, failed: why)
        }
        report.note(
            .microburst, "frames lost of \(Figure.count(step.sent))\(scope)", step.lost,
            max: limits.burstFramesLostMax, .frames)
        report.note(
            .microburst, "until the last one was taken", step.backlogNanos, max: nil, .nanos)
        report.detail(
            "microburst: \(rig.description)", [step].table, "microburst", [step].value)
    }
}
