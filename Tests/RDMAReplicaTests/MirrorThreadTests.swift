// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Glibc
import Platform
import Synchronization
import TestSeed
import Testing
import Wire

@testable import RDMAReplica

/// What the standby's thread found. Atomics: the sanitizer cannot see into the library's Mutex.
private final class Found: Sendable {
    let lastSequence = Atomic<UInt64>(0)
    let crc32c = Atomic<UInt32>(0)
    let port = Atomic<UInt16>(0)
    let connections = Atomic(0)
    let isStopping = Atomic(false)
    let isMirroring = Atomic(true)
}

@Suite struct MirrorThreadTests {
    /// A writer, a mirror's thread that is cut off and connects again, and a standby, each on a
    /// thread of its own, on a ring that turns over many times.
    @Test func `each on a thread of its own the standby ends with the writer's chain`() throws {
        let seed = TestSeed.run
        let ring = try LogRing<LogRecord>(capacity: 1_024)
        let found = Found()
        let standby = try PinnedThread(name: "standby") { Self.runStandby(found) }
        while found.port.load(ordering: .acquiring) == 0 { usleep(100) }
        var settings = MirrorSettings(
            peerAddress: 0x7F00_0001, peerPort: found.port.load(ordering: .acquiring),
            timeoutMillis: 10_000)
        settings.transport = .tcp
        let sender = MirrorSender(
            ring: ring, shard: 0, settings: settings, clock: .calibrated())
        let status = sender.status
        let mirror = try PinnedThread(name: "mirror") { Self.runMirror(sender, found) }
        var random = SeededRandom(seed: seed)
        var sequencer = Sequencer(ring: ring)
        let count: UInt64 = 40_000
        let deadline = time(nil) + 60
        while sequencer.publishedSequence < count {
            try #require(
                time(nil) < deadline, "\(status.phase), \(status.failure?.description ?? "")")
            // Nobody but the ring keeps what a standby has missed that is away.
            if sequencer.publishedSequence &- status.validatedSequence > 512 {
                usleep(20)
                continue
            }
            let burst = 1 + Int(random.below(40))
            guard sequencer.hasRoom(for: burst) else { continue }
            sequencer.begin(nowNanos: 1)
            for _ in 0..<burst { _ = sequencer.append(LogRecord(kind: .filler)) }
            sequencer.publish()
        }
        found.isMirroring.store(false, ordering: .releasing)
        mirror.join()
        found.isStopping.store(true, ordering: .releasing)
        standby.join()
        var observer = ring.observer(from: sequencer.publishedSequence)
        guard case .record(let last) = observer.next() else { throw MirrorError(code: 0, "lost") }
        #expect(found.lastSequence.load(ordering: .acquiring) == last.sequence)
        #expect(found.crc32c.load(ordering: .acquiring) == last.crc32c, "seed \(seed)")
        #expect(found.connections.load(ordering: .acquiring) > 3)
    }

    private static func runMirror(_ sender: MirrorSender, _ found: Found) {
        var idle = IdleStrategy(spins: 16, sleepNanosMax: 10_000)
        var turns = 0
        while found.isMirroring.load(ordering: .acquiring) {
            if sender.status.phase == .idle { try? sender.connect() }
            idle.idle(worked: sender.poll())
            turns += 1
            if turns % 500 == 0, turns < 2_000 { sender.close() }
        }
        _ = sender.drain()
        sender.close()
    }

    private static func runStandby(_ found: Found) {
        let clock = CycleClock.calibrated()
        guard
            let listener = try? MirrorListener(
                address: 0x7F00_0001, port: 0, transport: .tcp, clock: clock)
        else { return }
        found.port.store(listener.tcpPort ?? 0, ordering: .releasing)
        var chain = RecordChain()
        var receiver: MirrorReceiver?
        var turns = 0
        var idle = IdleStrategy(spins: 16, sleepNanosMax: 10_000)
        while !found.isStopping.load(ordering: .acquiring) {
            if let request = try? listener.next() {
                receiver = try? request.accept(after: chain, clock: clock)
                found.connections.add(1, ordering: .relaxed)
            }
            guard let current = receiver else {
                idle.idle(worked: false)
                continue
            }
            let hasMoved = current.poll()
            let count = current.take { _, _ in true }
            chain = current.chain
            turns += 1
            // A standby that goes, and comes back where it was.
            if turns % 300 == 0, turns < 1_500 { current.close() }
            if current.ended != nil { receiver = nil }
            idle.idle(worked: hasMoved || count > 0)
        }
        if let receiver { _ = receiver.take { _, _ in true } }
        found.lastSequence.store(
            receiver?.chain.lastSequence ?? chain.lastSequence, ordering: .relaxed)
        found.crc32c.store(receiver?.chain.crc32c ?? chain.crc32c, ordering: .releasing)
    }
}
