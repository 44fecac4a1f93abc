// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Testing

@testable import Pipeline
@testable import RDMAReplica

@Suite struct `The logs of two hosts that have started anew` {
    private typealias PeerLog = HostObservation.PeerLog

    private func log(ofPeer last: UInt64, _ crc32c: UInt32 = 7) -> PeerLog {
        var hello = MirrorHello()
        (hello.lastSequence, hello.crc32c) = (last, crc32c)
        return PeerLog(of: hello, beside: RecordChain(lastSequence: 5, crc32c: 7))
    }

    @Test func `are the same only with the same records`() {
        #expect(log(ofPeer: 4, 1) == .shorter)
        #expect(log(ofPeer: 5) == .same)
        #expect(log(ofPeer: 5, 8) == .longer, "one length and other records")
        #expect(log(ofPeer: 6, 1) == .longer)
    }

    /// The waiting host goes on when the follower's log is the beginning of its own on every shard,
    /// the follower when the peer's log is shorter: never both, and one of them unless each lacks
    /// something that the other has.
    @Test func `let one host go on and never both, whatever the shards hold`() {
        for lengths in 0..<81 {
            let ends = (0..<4).map { place in
                UInt64(4 + (0..<place).reduce(lengths) { value, _ in value / 3 } % 3)
            }
            let logs = ends.map { log(ofPeer: $0) }
            let followerGoesOn = PeerLog(ofShards: logs) == .shorter
            let waitingGoesOn = ends.allSatisfy { $0 >= 5 }
            let isMixed = ends.contains { $0 < 5 } && ends.contains { $0 > 5 }
            #expect(!(followerGoesOn && waitingGoesOn), "\(ends)")
            #expect((followerGoesOn || waitingGoesOn) == !isMixed, "\(ends)")
        }
        #expect(PeerLog(ofShards: [.shorter, .unknown]) == .unknown)
        #expect(PeerLog(ofShards: [.same, .same]) == .same)
    }
}
