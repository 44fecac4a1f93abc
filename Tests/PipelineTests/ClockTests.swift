// SPDX-License-Identifier: Apache-2.0
import CommandLog
import NICGateway
import Pipeline
import Platform
import ShardRig
import Testing
import Wire

@Suite struct `The log's time` {
    @Test func `follows the system's when that is corrected`() throws {
        Simulation.begin(seed: 1)
        defer { Simulation.end() }
        let port = try ShardRig.port(buffers: 255)
        var shard = try Shard(
            number: 0, ShardRig.configuration { _ in }, queue: port.queue(0),
            macAddress: port.macAddress, clock: .ofNanoseconds())
        try shard.open()
        while shard.poll() {}
        let corrected: UInt64 = 1_700_000_100_000_000_000
        Simulation.set(monotonicNanos: 3_000_000_000, utcNanos: corrected)
        // The poll in which the clock is corrected has taken its time before.
        while shard.poll() {}
        port.inject(TestClient(1).logonFrame(), queue: 0)
        while shard.poll() {}
        var observer = shard.log.observer(from: shard.log.publishedSequence)
        guard case .record(let record) = observer.next() else {
            Issue.record("a record is there")
            return
        }
        #expect(record.kind == .logon || record.kind == .continuation)
        #expect(record.timestampNanos == corrected)
    }
}
