// SPDX-License-Identifier: Apache-2.0
internal import Hardware
internal import NICGateway
internal import Pipeline
internal import Platform

/// The two ends of a wire: the gateway's port with a probe behind it, and a port that sends.
///
/// Threading: one control thread. `close` ends it; the gateway's port stays open.
final class TrafficRig {
    private let port: Port
    /// Nil: the gateway's port is `memory`, and has the frames itself.
    private let generator: Port?
    private let traffic: ProbeTraffic
    private let gateway: GatewayConfiguration
    private let cpu: Int?
    private let isBusy: Bool
    private let generatorCPU: Int?
    private let clock = CycleClock.calibrated()
    /// As `net_ice from net_af_packet`.
    let description: String

    /// Opens the port that sends. Throws what a person can mend.
    init(_ port: Port, _ configuration: Configuration, generator specification: PortSpecification)
        throws(PortError)
    {
        let host = configuration.host
        self.port = port
        if specification.kind == .memory {
            generator = nil
        } else {
            var settings = PortConfiguration()
            settings.mbufCount = 4_095
            generator = try Port.open(specification, configuration: settings)
        }
        gateway = configuration.gateway(shard: 0)
        traffic = ProbeTraffic(
            to: configuration.ipv4Address, udpPort: configuration.udpPort,
            macAddress: port.macAddress)
        cpu = host.cpus.gateway.first
        isBusy = host.polling == .busy
        let taken = host.cpus.polling
        generatorCPU =
            isBusy ? Affinity.allowedCPUs().last { !taken.contains($0) } : nil
        description = "\(port.driverName), frames from \(generator?.driverName ?? "memory")"
    }

    /// Ends it.
    func close() { generator?.close() }

    /// Whether both ends have a link, after at most three seconds. A memory port has one.
    func waitForLink(_ watch: StickyWatch) -> Bool {
        guard let generator else { return true }
        for _ in 0..<60 {
            if port.isLinkUp, generator.isLinkUp { return true }
            if watch.pause(milliseconds: 50) { return false }
        }
        return false
    }

    /// Whether frames come at a rate: those of memory come as fast as they are taken.
    var hasRates: Bool { generator != nil }

    /// Sends so many frames, at a rate or as fast as it goes, and tells what became of them.
    func step(
        count: UInt64, framesPerSecond: UInt64?, _ watch: StickyWatch
    ) throws(PlatformError) -> TrafficStep {
        let before = port.statistics
        let laps = max(1, count / UInt64(traffic.frames.count))
        if generator == nil { port.load(FrameStore(traffic.frames), laps: laps) }
        let start = clock.nowCycles
        let probe = try ReceiveProbe(
            port, gateway, traffic, cpu: cpu, isBusy: isBusy, clock: clock)
        var sent = SentTraffic(
            frames: laps * UInt64(traffic.frames.count), elapsedNanos: 0, endCycles: start)
        if let generator {
            sent = try send(generator, count, framesPerSecond, watch)
        }
        waitForRest(probe, sent.frames, watch)
        _ = probe.finish()
        let after = port.statistics
        // A driver may begin to count anew, as when the link was gone.
        func since(_ now: UInt64, _ then: UInt64) -> UInt64 { now - min(now, then) }
        let end = probe.lastCycles
        let backlogNanos = end > sent.endCycles ? clock.nanos(end - sent.endCycles) : 0
        if generator == nil {
            sent = SentTraffic(frames: sent.frames, elapsedNanos: backlogNanos, endCycles: end)
        }
        return TrafficStep(
            offeredPerSecond: framesPerSecond, sentPerSecond: sent.perSecond, sent: sent.frames,
            received: probe.received, missed: since(after.receiveMissed, before.receiveMissed),
            noBuffer: since(after.receiveNoBuffer, before.receiveNoBuffer),
            errors: since(after.receiveErrors, before.receiveErrors), backlogNanos: backlogNanos)
    }

    /// Until all is sent, or a driver takes nothing for five seconds.
    private func send(
        _ port: Port, _ count: UInt64, _ framesPerSecond: UInt64?, _ watch: StickyWatch
    ) throws(PlatformError) -> SentTraffic {
        let generator = try FrameGenerator(
            port, traffic, count: count, framesPerSecond: framesPerSecond, cpu: generatorCPU,
            clock: clock)
        var sent: UInt64 = 0
        var quietPauses = 0
        while !generator.isDone, quietPauses < 250, !watch.pause(milliseconds: 20) {
            quietPauses = generator.sentSoFar == sent ? quietPauses + 1 : 0
            sent = generator.sentSoFar
        }
        return generator.finish()
    }

    /// Until all is received, or the probe has found nothing for a while. While something else
    /// runs on its core it does not look, and what waits for it is not lost.
    private func waitForRest(_ probe: ReceiveProbe, _ count: UInt64, _ watch: StickyWatch) {
        var received = probe.received
        var emptyPolls = probe.emptyPolls
        var quietPauses = 0
        while received < count, quietPauses < 15, !watch.pause(milliseconds: 20) {
            let hasLooked = probe.emptyPolls != emptyPolls
            emptyPolls = probe.emptyPolls
            if probe.received != received { quietPauses = 0 } else if hasLooked { quietPauses += 1 }
            received = probe.received
        }
    }
}
