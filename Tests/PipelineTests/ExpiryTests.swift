// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Engine
import Hardware
import NICGateway
import Platform
import ShardRig
import Testing
import Wire

@testable import Pipeline

/// Time as a test has it, of the thread that it runs on: both clocks stand until they are moved.
private final class Time {
    static let startSeconds: UInt64 = 1_700_000_000
    private var monotonicNanos: UInt64 = 1_000_000_000

    init() { Simulation.begin(seed: 1) }

    func end() { Simulation.end() }

    /// Goes to so many milliseconds behind the start, by UTC; forwards by the other clock.
    func go(toMillis millis: UInt64) {
        // A second at least, so that the system's word for UTC is taken.
        monotonicNanos += 1_000_000_000
        Simulation.set(
            monotonicNanos: monotonicNanos,
            utcNanos: (Self.startSeconds * 1_000 + millis) * 1_000_000)
    }
}

/// An order that expires so many seconds behind the start of time.
private func expiring(_ orderID: UInt64, at seconds: UInt64, _ side: Side = .buy) -> [UInt8] {
    var order = order(orderID, side, 100 + (side == .buy ? 0 : 1))
    order.typeAndTimeInForce = TimeInForce.goodTillTime.rawValue << 4
    var extended = NewOrderExtended(order: order)
    extended.expirySeconds = UInt32(Time.startSeconds + seconds)
    return bytes(extended)
}

extension ShardRig {
    /// The records that tell the time: seconds behind the start.
    fileprivate var told: [UInt64] {
        records().filter { $0.kind == .timeAdvance }.map {
            $0.timestampNanos / 1_000_000_000 - Time.startSeconds
        }
    }

    /// Orders that were reported `cancelled` for `expired`, in order.
    fileprivate func expired(_ frames: [SentFrame]) -> [UInt64] {
        frames.flatMap(\.reports).map { value($0, at: 0, as: ExecutionReport.self) }.filter {
            $0.executionType == .cancelled && $0.reason == .expired
        }.map(\.orderID)
    }

    /// Goes there, and gives what has expired by then.
    fileprivate func expired(_ time: Time, atMillis millis: UInt64) -> [UInt64] {
        time.go(toMillis: millis)
        // The poll in which the clock is corrected has taken its time before.
        settle()
        settle()
        return expired(sent())
    }
}

@Suite struct `An order with an expiry` {
    private func rig(
        _ change: (inout Configuration) -> Void = { _ in }
    ) throws -> (rig: ShardRig, client: TestClient) {
        let rig = try ShardRig(
            ShardRig.configuration(change), port: ShardRig.port(buffers: 2_047), number: 0,
            steering: nil, clock: .ofNanoseconds())
        var client = TestClient(1)
        try #require(client.logOn(rig) != nil)
        return (rig, client)
    }

    @Test func `goes in its second, its client is told, and the time is told once`() throws {
        let time = Time()
        defer { time.end() }
        var (rig, client) = try rig()
        let entered = rig.exchange(
            client.frame([expiring(1, at: 5), expiring(2, at: 9), expiring(3, at: 5)]))
        #expect(entered.flatMap(\.reports).count == 3)
        #expect(rig.shard.progress.nextExpirySeconds == Time.startSeconds + 5)
        #expect(rig.expired(time, atMillis: 4_999).isEmpty && rig.told.isEmpty)
        #expect(rig.expired(time, atMillis: 5_000) == [1, 3])
        #expect(rig.expired(time, atMillis: 8_000).isEmpty && rig.told == [5])
        #expect(rig.expired(time, atMillis: 11_500) == [2])
        #expect(rig.expired(time, atMillis: 99_000).isEmpty && rig.told == [5, 11])
        #expect(rig.shard.progress.nextExpirySeconds == 0)
        let refold = try Refold(rig.configuration, rig.records())
        #expect(refold.stateHash == rig.stateHash)
    }

    @Test func `that is over when it comes goes at once, until the time was told`() throws {
        let time = Time()
        defer { time.end() }
        var (rig, client) = try rig()
        time.go(toMillis: 60_000)
        rig.settle()
        let sent = rig.exchange(client.frame([expiring(1, at: 5), expiring(2, at: 61)]))
        #expect(rig.expired(sent) == [1])
        let late = rig.exchange(client.frame([expiring(3, at: 59), expiring(4, at: 60)]))
        let reports = late.flatMap(\.reports).map { value($0, at: 0, as: ExecutionReport.self) }
        #expect(reports.map(\.reason) == [.invalidExpiry, .invalidExpiry])
        #expect(rig.told == [60] && rig.shard.loop.engine.openOrderCount == 1)
    }

    @Test func `follows the log's time when the clock is set back, and when it leaps`() throws {
        let time = Time()
        defer { time.end() }
        var (rig, client) = try rig()
        _ = rig.exchange(client.frame([expiring(1, at: 50), expiring(2, at: 70)]))
        #expect(rig.expired(time, atMillis: 60_000) == [1])
        time.go(toMillis: 10_000)
        rig.settle()
        let sent = rig.exchange(client.frame([expiring(3, at: 20), expiring(4, at: 65)]))
        let reasons = sent.flatMap(\.reports).map {
            value($0, at: 0, as: ExecutionReport.self).reason
        }
        #expect(reasons == [.invalidExpiry, .none])
        #expect(rig.expired(time, atMillis: 20_000).isEmpty)
        #expect(rig.expired(time, atMillis: 4_000_000_000) == [4, 2])
        #expect(rig.told == [60, 4_000_000])
    }

    @Test func `has the time told once, however long the engine does not get to it`() throws {
        let time = Time()
        defer { time.end() }
        var (rig, client) = try rig()
        _ = rig.exchange(client.frame([expiring(1, at: 5)]))
        time.go(toMillis: 6_000)
        var opening = rig.shard.opening!
        for _ in 0..<2 {
            _ = rig.shard.core.poll()
            for _ in 0..<100 { _ = opening.write(to: &rig.shard.core) }
        }
        #expect(rig.told == [6])
        while rig.shard.loop.poll() {}
        _ = rig.shard.core.poll()
        #expect(rig.expired(rig.sent()) == [1])
    }

    @Test func `waits for room in a full log, and holds up nothing that has no need of it`() throws
    {
        let time = Time()
        defer { time.end() }
        var (rig, client) = try rig()
        _ = rig.exchange(client.frame([expiring(1, at: 5)]))
        var opening = rig.shard.opening!
        while rig.shard.core.control(LogRecord(kind: .filler), continuation: nil) {}
        let full = rig.logged
        time.go(toMillis: 7_000)
        for _ in 0..<4 {
            _ = rig.shard.core.poll()
            let mayTakeIn = opening.write(to: &rig.shard.core)
            #expect(mayTakeIn)
        }
        #expect(rig.logged == full)
        while rig.shard.loop.poll() { _ = rig.shard.core.pollOutput() }
        _ = opening.write(to: &rig.shard.core)
        #expect(rig.logged == full + 1)
    }

    @Test func `goes after a restart, and a replay of the journal has the same state`() throws {
        let folder = JournalFolder()
        let time = Time()
        defer { time.end() }
        let journal: (inout Configuration) -> Void = {
            $0.journal = .init(folder: folder.path)
            $0.journal?.segmentByteCount = 1 << 20
        }
        var hash: UInt64 = 0
        do {
            var (rig, client) = try rig(journal)
            _ = rig.exchange(client.frame([expiring(1, at: 5), expiring(2, at: 20)]))
            #expect(rig.expired(time, atMillis: 6_000) == [1])
            let status = rig.shard.journal!.status
            Nap.until {
                rig.settle()
                return status.durable.load() >= rig.logged
            }
            hash = rig.stateHash
        }
        time.go(toMillis: 30_000)
        let rig = try ShardRig(
            ShardRig.configuration(journal), port: ShardRig.port(buffers: 2_047), number: 0,
            steering: nil, opened: false, clock: .ofNanoseconds())
        #expect(rig.stateHash == hash)
        #expect(rig.shard.progress.nextExpirySeconds == Time.startSeconds + 20)
        try rig.shard.open()
        rig.settle()
        #expect(rig.told == [6, 30] && rig.shard.loop.engine.openOrderCount == 0)
        let refold = try Refold(rig.configuration, rig.records())
        #expect(refold.stateHash == rig.stateHash)
        #expect(refold.reports[1]?.map(\.core.reason) == [.none, .none, .expired, .expired])
    }

    @Test func `has its time told by the host that takes over, as the log before told it`() throws {
        let time = Time()
        defer { time.end() }
        var (rig, client) = try rig()
        _ = rig.exchange(client.frame([expiring(1, at: 5), expiring(2, at: 20)]))
        #expect(rig.expired(time, atMillis: 6_000) == [1])
        // What a standby does with each record, before it has an epoch of its own.
        let heir = try ShardRig(
            rig.configuration, port: ShardRig.port(buffers: 2_047), number: 0, steering: nil,
            opened: false, clock: .ofNanoseconds())
        heir.follow(rig.records())
        var opening = EpochOpening(
            rig.configuration, shard: 0, limits: heir.shard.loop.engine.limits,
            rulesInForce: 0,
            desk: ShardDesk(
                rules: LogRules(.build), names: InstrumentNames(rig.configuration, shard: 0),
                engine: EngineDesk(), trades: nil),
            expiry: ExpiryAlarm(heir.shard.progress, timeSeconds: 0), isDefined: { _ in true })
        for record in rig.records() { opening.see(record, nil) }
        #expect(heir.shard.progress.nextExpirySeconds == Time.startSeconds + 20)
        time.go(toMillis: 19_000)
        _ = heir.shard.core.poll()
        _ = opening.write(to: &heir.shard.core)
        #expect(heir.told == [6])
        time.go(toMillis: 20_000)
        for _ in 0..<2 {
            _ = heir.shard.core.poll()
            _ = opening.write(to: &heir.shard.core)
        }
        #expect(heir.told == [6, 20])
    }

    @Test(arguments: [HardwareProfile.Mode.pipeline, .runToCompletion])
    func `goes by threads too`(mode: HardwareProfile.Mode) throws {
        let configuration = ShardRig.configuration {
            $0.host.mode = mode
            $0.host.polling = .adaptive
        }
        let port = try ShardRig.port(buffers: 2_047)
        port.captureTransmitted()
        defer { port.close() }
        let pipeline = try Pipeline(configuration, port: port)
        try pipeline.start()
        defer { pipeline.stop() }
        func answer(_ isWanted: (SentFrame) -> Bool) -> SentFrame? {
            var found: SentFrame?
            Nap.until {
                found = port.takeTransmitted().compactMap { SentFrame($0) }.first(where: isWanted)
                return found != nil
            }
            return found
        }
        var client = TestClient(1)
        port.inject(client.logonFrame())
        let accepted = try #require(answer { $0.type == .logonAccepted })
        client.epoch = accepted.header.epoch
        client.token = accepted.accepted.token
        let seconds = ShardRig.clock.utcNanos() / 1_000_000_000 + 1
        port.inject(client.frame([expiring(1, at: seconds - Time.startSeconds)]))
        let answered = answer {
            $0.reports.contains { report in
                value(report, at: 0, as: ExecutionReport.self).reason == .expired
            }
        }
        #expect(answered != nil)
        var observer = pipeline.logs[0].observer(from: 1)
        var told: [UInt64] = []
        while case .record(let record) = observer.next() {
            if record.kind == .timeAdvance { told.append(record.timestampNanos / 1_000_000_000) }
        }
        #expect(told.count == 1 && told[0] >= seconds)
    }
}
