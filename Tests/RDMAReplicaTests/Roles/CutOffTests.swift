// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Testing

@testable import RDMAReplica

private typealias Rig = HostMachineRig

@Suite struct `A primary that has lost its standby` {
    /// Host 1 of epoch 1, whose standby has just gone.
    private func left(goesSolo: Bool) -> Rig {
        var rig = Rig.mirrored(goesSolo: goesSolo)
        rig.step { ($0.link, $0.gate, $0.isAcknowledgedDurable) = (.down, .closed, true) }
        #expect(rig.machine.role == .primary(.leaving))
        return rig
    }

    /// The steps of some time.
    private func pass(_ rig: inout Rig, millis: Int) -> [HostEffect] {
        var effects: [HostEffect] = []
        for _ in 0..<(2 * millis) { effects += rig.step() }
        return effects
    }

    @Test func `says nothing until it has heard from the arbiter that it speaks still`() {
        var rig = left(goesSolo: true)
        guard case .swap(let alone, for: 2) = rig.question() else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect(alone.inSync == [1])
        // The arbiter does not answer.
        #expect(pass(&rig, millis: 49) == [])
        #expect(pass(&rig, millis: 10) == [.doubt])
        rig.seen.doubt = 1
        #expect(pass(&rig, millis: 1_000) == [], "and once only")
        #expect(!rig.answer(.swap(.won(revision: 3))).contains(.confirm(1)), "asked before")
        #expect(rig.machine.role == .primary(.solo) && rig.question() == .read)
        #expect(rig.answer(.read(alone, revision: 3)).contains(.confirm(1)))
        // Alone by the decision it need not doubt.
        rig.seen.doubt = 0
        rig.asked = nil
        #expect(!pass(&rig, millis: 200).contains(.doubt))
    }

    @Test func `takes it back while it asks whether it was replaced`() {
        var rig = left(goesSolo: false)
        #expect(rig.question() == .read)
        for beat in 1...3 as ClosedRange<UInt64> {
            rig.step { ($0.link, $0.gate, $0.peerBeat) = (.live, .both, beat) }
        }
        #expect(rig.machine.role == .primary(.admitting))
        #expect(!pass(&rig, millis: 49).contains(.doubt))
    }

    @Test func `counts the time of a link that stands, and over which nothing comes`() {
        var rig = left(goesSolo: true)
        rig.step { $0.link = .live }
        _ = rig.question()
        #expect(!pass(&rig, millis: 48).contains(.doubt))
        #expect(pass(&rig, millis: 10) == [.doubt])
    }

    @Test func `learns that it was replaced also where it waits for a person`() {
        var rig = left(goesSolo: false)
        #expect(pass(&rig, millis: 30).contains(.ask(.read)))
        // It is told that it was not; a while behind that it cannot know any more.
        let both = Decision(epoch: 1, primary: 1, inSync: [1, 2], phase: .active, nonce: 8)
        #expect(rig.answer(.read(both, revision: 2)) == [])
        #expect(!pass(&rig, millis: 49).contains(.doubt))
        #expect(pass(&rig, millis: 10) == [.doubt])
        rig.seen.doubt = 1
        #expect(rig.answer(.read(both, revision: 2)) == [.ask(.read)], "that was asked before")
        #expect(rig.answer(.read(both, revision: 2)).contains(.confirm(1)))
        rig.seen.doubt = 0
        #expect(pass(&rig, millis: 100).contains(.doubt), "and each time anew")
        let replaced = Decision(epoch: 2, primary: 2, inSync: [2], phase: .active, nonce: 9)
        #expect(rig.answer(.read(replaced, revision: 3)).contains(.fallSilent(.replaced)))
    }
}
