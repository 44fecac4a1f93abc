// SPDX-License-Identifier: Apache-2.0
internal import Hardware
public import Engine
public import NICGateway
public import Pipeline
public import Platform
public import Wire

/// A whole shard over a memory port, polled by hand: frames in, frames out, nothing else around it.
public final class ShardRig {
    /// One calibration for all rigs.
    public static let clock = CycleClock.calibrated()

    /// The wire.
    public let port: Port
    /// What it was made with.
    public let configuration: Configuration
    /// Under test.
    public var shard: Shard
    /// Transmitted frames that are not UDP.
    public private(set) var otherFrames: [[UInt8]] = []
    /// Frames of the public stream, kept apart from those to clients.
    public private(set) var publicFrames: [SentFrame] = []
    private let queue: Int
    private var drainedPackets: UInt64 = 0

    /// A small shard; `change` makes it another. Instruments 1 (ticks 1…1,000) and 2.
    public convenience init(
        buffers: UInt32 = 2_047, _ change: (inout Configuration) -> Void = { _ in }
    ) throws {
        let configuration = Self.configuration(change)
        try self.init(configuration, port: Self.port(buffers: buffers), number: 0, steering: nil)
    }

    /// One of several shards on a port with a queue for each; one that is not `opened` follows. Its
    /// time is the machine's, unless it is given a clock.
    public init(
        _ configuration: Configuration, port: Port, number: Int, steering: Steering?,
        opened: Bool = true, clock: CycleClock = ShardRig.clock
    ) throws {
        self.configuration = configuration
        self.port = port
        queue = number
        shard = try Shard(
            number: UInt32(number), configuration, queue: port.queue(number),
            macAddress: port.macAddress, clock: clock, steering: steering)
        if opened { try shard.open() }
        port.captureTransmitted(queue: number)
    }

    /// The usual small configuration, changed.
    public static func configuration(_ change: (inout Configuration) -> Void) -> Configuration {
        var configuration = Configuration()
        configuration.ipv4Address = 0x0A01_0001
        configuration.sessionCapacity = 16
        configuration.host.rings.logRecords = 4_096
        configuration.host.rings.events = 16_384
        configuration.orderCapacity = 16_384
        configuration.sessionOpenOrdersMax = 16_384
        configuration.instrumentCapacity = 4
        configuration.epoch = 7
        configuration.instruments = [
            .init(number: 1, symbol: "ONE", lowestPriceTicks: 1, highestPriceTicks: 1_000),
            .init(number: 2, symbol: "TWO", lowestPriceTicks: 1, highestPriceTicks: 1_000),
        ]
        change(&configuration)
        return configuration
    }

    /// A memory port with so many packet buffers.
    public static func port(buffers: UInt32, queues: UInt16 = 1) throws -> Port {
        var configuration = PortConfiguration()
        configuration.mbufCount = buffers
        configuration.receiveQueues = queues
        configuration.transmitQueues = queues
        return try Port.open(PortSpecification("memory"), configuration: configuration)
    }

    /// A counter of the gateway core.
    public subscript(counter: GatewayCounter) -> UInt64 { shard.core.counterBlock[counter] }

    /// All counters that are not zero, but for some, by name.
    public func counts(without others: Set<GatewayCounter>) -> [String: UInt64] {
        var found: [String: UInt64] = [:]
        for counter in GatewayCounter.allCases where !others.contains(counter) {
            let count = self[counter]
            if count != 0 { found["\(counter)"] = count }
        }
        return found
    }

    /// A session as the engine knows it.
    public func session(_ number: UInt32) -> SessionView {
        guard let view = shard.loop.engine.session(number) else {
            preconditionFailure("a session of the shard")
        }
        return view
    }

    /// What says whether two engines agree.
    public var stateHash: UInt64 { shard.loop.engine.stateHash }

    /// The last sequence of the log.
    public var logged: UInt64 { shard.log.publishedSequence }

    /// Has a frame received by the next poll.
    public func inject(_ frame: [UInt8]) { port.inject(frame, queue: queue) }

    /// Polls until nothing is left to do, at most so often; the number of polls.
    @discardableResult
    public func settle(atMost polls: Int = 2_000) -> Int {
        var quiet = 0
        var count = 0
        while quiet < 3 && count < polls {
            quiet = shard.poll() ? 0 : quiet + 1
            count += 1
        }
        return count
    }

    /// Polls so often.
    public func poll(_ count: Int) {
        for _ in 0..<count { _ = shard.poll() }
    }

    /// Forgets what was sent.
    public func drain() {
        if port.statistics.transmittedPackets != drainedPackets {
            drainedPackets = port.statistics.transmittedPackets
            _ = port.takeTransmitted(queue: queue)
        }
    }

    /// Takes the frame, settles, and gives what was sent to clients.
    public func exchange(_ frames: [UInt8]...) -> [SentFrame] {
        for frame in frames { inject(frame) }
        settle()
        return sent()
    }

    /// Empties `otherFrames`.
    public func forgetOtherFrames() { otherFrames = [] }

    /// What was sent to clients since the last call.
    public func sent() -> [SentFrame] {
        var found: [SentFrame] = []
        for frame in port.takeTransmitted(queue: queue) {
            guard let sent = SentFrame(frame) else {
                otherFrames.append(frame)
                continue
            }
            if sent.header.channel == .publicReports {
                publicFrames.append(sent)
            } else {
                found.append(sent)
            }
        }
        return found
    }

    /// Polls for so long, with naps between.
    public func wait(millis: UInt64) {
        let end = Self.clock.utcNanos() + millis * 1_000_000
        while Self.clock.utcNanos() < end {
            _ = shard.poll()
            Nap.micros(200)
        }
    }

    /// The records of the log from `sequence` on, as an observer sees them.
    public func records(from sequence: UInt64 = 1) -> [LogRecord] {
        var observer = shard.log.observer(from: sequence)
        var found: [LogRecord] = []
        while true {
            switch observer.next() {
            case .record(let record): found.append(record)
            case .empty: return found
            case .lapped: found = []
            }
        }
    }
}
