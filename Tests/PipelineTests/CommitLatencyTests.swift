// SPDX-License-Identifier: Apache-2.0
import CommandLog
import NICGateway
import Pipeline
import Platform
import ShardRig
import Testing
import Wire

@Suite struct `The commit latency of a shard` {
    private func isQuiet(_ rig: ShardRig) -> Bool {
        rig.shard.core.counterBlock.commitLatencies.distribution.count == 0
    }

    @Test func `is measured once a poll that reports, for orders and logons only`() throws {
        let rig = try ShardRig()
        rig.settle()
        #expect(isQuiet(rig), "the epoch and the instruments are not anybody's")
        var client = TestClient(1)
        client.logOn(rig)
        #expect(rig.shard.core.counterBlock.commitLatencies.distribution.count == 1)
        // Thirty orders of one datagram are one burst.
        _ = rig.exchange(client.frame((1...30).map { bytes(order($0)) }))
        let both = rig.shard.core.counterBlock.commitLatencies.distribution
        #expect(both.count == 2)
        _ = rig.exchange(client.frame(order(31)))
        let all = rig.shard.core.counterBlock.commitLatencies.distribution
        #expect(all.count == 3 && all.maxNanos >= both.maxNanos && all.maxNanos > 0)
    }

    @Test func `holds the wait for the disk, and nothing of a recovery`() throws {
        let folder = JournalFolder()
        var rig: ShardRig? = try folder.rig(.durable)
        rig!.inject(TestClient(1).logonFrame())
        for _ in 0..<10 {
            _ = rig!.shard.core.pollIntake()
            _ = rig!.shard.loop.poll()
            _ = rig!.shard.core.pollOutput()
            Nap.micros(2_000)
        }
        #expect(isQuiet(rig!), "nothing has left yet")
        #expect(rig!.isAccepted())
        let found = rig!.shard.core.counterBlock.commitLatencies.distribution
        #expect(found.count == 1)
        #expect(found.maxNanos >= 9 * 2_000_000, "ten naps were in its way")
        rig = nil
        let again = try folder.rig(.durable)
        again.settle()
        #expect(isQuiet(again))
    }
}
