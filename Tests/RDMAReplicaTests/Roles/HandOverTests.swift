// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Testing

@testable import RDMAReplica

private typealias Rig = HostMachineRig

@Suite struct `A planned hand-over` {
    /// A standby that has the decision, as the primary has asked for.
    private func relieving() -> Rig {
        var rig = Rig()
        rig.follow()
        rig.step { $0.isOffered = true }
        guard case .swap(let wanted, for: 7) = rig.asked else {
            Issue.record("\(String(describing: rig.asked))")
            return rig
        }
        #expect(wanted.epoch == 5 && wanted.phase == .promoting && wanted.inSync == [2])
        #expect(rig.answer(.swap(.won(revision: 8))).isEmpty && rig.machine.role == .relieving)
        return rig
    }

    @Test func `speaks at once when it was handed everything, and says so to the arbiter then`() {
        var rig = relieving()
        #expect(rig.step { $0.isHandedOver = true } == [.serve(epoch: 5)])
        rig.step { ($0.link, $0.gate, $0.isAcknowledgedDurable) = (.down, .durable, false) }
        #expect(rig.question() == nil, "what it carries over is not on its disk")
        rig.step { $0.isAcknowledgedDurable = true }
        guard case .swap(let wanted, for: 8) = rig.asked else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect(wanted.epoch == 5 && wanted.phase == .active && wanted.inSync == [2])
        #expect(rig.answer(.swap(.won(revision: 9))).isEmpty)
        #expect(rig.machine.role == .primary(.solo))
    }

    @Test func `is over once it speaks: a log that it takes back later it fences first`() {
        var rig = relieving()
        rig.step { $0.isHandedOver = true }
        rig.step { ($0.link, $0.gate, $0.isAcknowledgedDurable) = (.down, .durable, true) }
        _ = rig.question()
        _ = rig.answer(.swap(.won(revision: 9)))
        #expect(rig.machine.role == .primary(.solo))
        // A person has made the other one the primary, and it gets stuck on the way.
        let promoting = Decision(epoch: 6, primary: 1, inSync: [1], phase: .promoting, nonce: 3)
        for _ in 0..<20_000 where rig.machine.role != .claiming {
            if rig.asked == .read { _ = rig.answer(.read(promoting, revision: 10)) }
            if rig.asked == nil { rig.step() }
        }
        #expect(rig.machine.role == .claiming)
        #expect(rig.answer(.swap(.won(revision: 11))) == [.takeOver])
    }

    @Test func `takes over as ever where the primary goes, or where it was held up itself`() {
        var rig = relieving()
        #expect(rig.step { $0.hasPeerLeft = true } == [.takeOver])
        rig = relieving()
        #expect(rig.step { $0.isPeerDead = true } == [.takeOver])
        rig = relieving()
        for _ in 0..<1_000 where rig.machine.role == .relieving { rig.step() }
        #expect(rig.machine.role == .taking, "the primary's matching loop stands still")
        rig = relieving()
        rig.seen.nowNanos += 1_000_000_000
        #expect(rig.step { $0.isHandedOver = true } == [.takeOver], "the decision may be another")
    }

    @Test func `hands over by going on until the other has the decision, and then never again`() {
        var rig = Rig.mirrored()
        #expect(rig.step { $0.request = .handOver }.isEmpty && rig.machine.isHandingOver)
        #expect(rig.machine.gate == .mirrored)
        #expect(rig.step { $0.isPeerRelieving = true } == [.drain])
        #expect(rig.step().isEmpty && rig.asked == nil)
        // The other one has begun to speak: it has let go of the mirror. No arbiter is asked.
        #expect(rig.step { $0.link = .down } == [.fallSilent(.handedOver), .startAnew])
        #expect(rig.machine.role == .over && rig.asked == nil)
    }

    @Test func `leaves a standby that has the decision and does not take it up`() {
        var rig = Rig.mirrored()
        rig.step { ($0.request, $0.isPeerRelieving) = (.handOver, true) }
        var effects = rig.step()
        for beat in 0..<3_000 as Range<UInt64> where effects.last != .startAnew {
            effects = rig.step { $0.peerBeat = beat }
        }
        #expect(effects == [.fallSilent(.handedOver), .startAnew] && rig.asked == nil)
    }

    @Test func `asks the arbiter where the other took an offer that was called off`() {
        var rig = Rig.mirrored()
        rig.asked = nil
        rig.step { $0.isPeerRelieving = true }
        #expect(rig.question() == .read)
        let promoting = Decision(epoch: 2, primary: 2, inSync: [2], phase: .promoting, nonce: 9)
        #expect(rig.answer(.read(promoting, revision: 3)) == [.fallSilent(.replaced)])
    }

    @Test func `goes on when the other does not take it up in a second`() {
        var rig = Rig.mirrored()
        rig.step { $0.request = .handOver }
        for beat in 0..<3_000 as Range<UInt64> where rig.asked == nil {
            rig.step { $0.peerBeat = beat }
        }
        guard case .swap(let both, for: 2) = rig.asked else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect((both.epoch, both.inSync, both.phase) == (1, [1, 2], .active))
        #expect(rig.answer(.swap(.won(revision: 3))).isEmpty)
        #expect(rig.machine.role == .primary(.mirrored))
    }
}
