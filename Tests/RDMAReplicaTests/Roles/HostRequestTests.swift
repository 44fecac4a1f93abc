// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Testing

@testable import RDMAReplica

/// One host's machine, with an arbiter that answers as it is told.
private struct Rig {
    var machine: HostMachine
    var seen = HostObservation()
    var asked: ArbiterRunner.Request?

    init(host: UInt32 = 2) {
        machine = HostMachine(
            HostSettings(host: host, peer: 3 - host, mayFound: host == 1), policy: .mirrored,
            firstEpoch: 1, seed: 1)
    }

    /// One step, half a millisecond on.
    @discardableResult mutating func step(_ change: (inout HostObservation) -> Void = { _ in })
        -> [HostEffect]
    {
        change(&seen)
        seen.nowNanos += 500_000
        let effects = machine.step(seen)
        seen.answer = nil
        seen.request = nil
        for case .ask(let question) in effects { asked = question }
        return effects
    }

    /// Steps until something is asked; what that is.
    mutating func question() -> ArbiterRunner.Request? {
        asked = nil
        for _ in 0..<1_000 where asked == nil { step() }
        return asked
    }

    mutating func answer(_ answer: ArbiterRunner.Answer) -> [HostEffect] {
        step { $0.answer = answer }
    }

    /// Brings a standby as far as being in sync.
    mutating func follow() {
        let both = Decision(epoch: 4, primary: 1, inSync: [1, 2], phase: .active, nonce: 9)
        _ = question()
        _ = answer(.read(both, revision: 7))
        step { ($0.link, $0.isAdmitted) = (.live, true) }
        _ = question()
        _ = answer(.read(both, revision: 7))
        #expect(machine.role == .standby && machine.isInSync)
        asked = nil
    }
}

@Suite struct `A host that a person speaks to` {
    @Test func `takes over without force only in sync`() {
        var rig = Rig()
        rig.step()
        let alone = Decision(epoch: 4, primary: 1, inSync: [1], phase: .active, nonce: 9)
        _ = rig.answer(.read(alone, revision: 7))
        rig.asked = nil
        rig.step { $0.request = .takeOver }
        rig.step()
        #expect(rig.machine.role == .standby && rig.asked == nil)
        rig.step { $0.request = .takeOverByForce }
        guard case .swap(let wanted, for: 7) = rig.asked else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect(wanted.epoch == 5 && wanted.phase == .promoting && wanted.inSync == [2])

        var synced = Rig()
        synced.follow()
        synced.step { $0.request = .takeOver }
        #expect(synced.machine.role == .claiming && synced.asked != nil)
    }

    @Test func `speaks after one swap when it was handed everything`() {
        var rig = Rig()
        rig.follow()
        rig.step { $0.isHandedOver = true }
        guard case .swap(let wanted, for: 7) = rig.asked else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect(wanted.epoch == 5 && wanted.phase == .active && wanted.inSync == [2])
        #expect(rig.answer(.swap(.won(revision: 8))) == [.serve(epoch: 5)])
    }

    @Test func `claims with the longer log only once that is on its disk`() {
        var rig = Rig()
        let both = Decision(epoch: 4, primary: 1, inSync: [1, 2], phase: .active, nonce: 9)
        _ = rig.question()
        _ = rig.answer(.read(both, revision: 7))
        rig.step { ($0.peerLog, $0.isLogDurable) = (.shorter, false) }
        for _ in 0..<100 { rig.step() }
        #expect(rig.machine.role == .standby, "a loss of power would lose what it was named for")
        guard case .read = rig.asked else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        rig.step { ($0.answer, $0.isLogDurable) = (.read(both, revision: 7), true) }
        #expect(rig.machine.role == .claiming)
    }

    @Test func `asks at once when the other's watchdog says that it is dead`() {
        var rig = Rig()
        rig.follow()
        rig.step()
        #expect(rig.asked == nil)
        rig.step { $0.isPeerDead = true }
        guard case .swap(let wanted, for: 7) = rig.asked else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect(wanted.phase == .promoting, "it fences and looks for what is left")
        // It was alive, and had gone on alone meanwhile: nothing but a lost swap.
        let alone = Decision(epoch: 4, primary: 1, inSync: [1], phase: .active, nonce: 10)
        #expect(rig.answer(.swap(.lost(alone, revision: 8))).isEmpty)
        #expect(rig.machine.role == .standby && !rig.machine.isInSync)
    }

    @Test func `stays what it is until an operator has decided, and asks again`() {
        var rig = Rig()
        rig.follow()
        let before = rig.machine.decision
        rig.step { $0.isPeerDead = true }
        _ = rig.answer(.swap(.lost(before, revision: 7)))
        #expect(rig.machine.role == .standby && rig.machine.isInSync)
        guard case .swap(let again, _) = rig.question() else {
            Issue.record("it does not ask again")
            return
        }
        #expect(again.epoch == 5 && again.phase == .promoting)
        #expect(rig.answer(.swap(.won(revision: 8))) == [.takeOver])
    }

    @Test func `as a primary without a standby waits for the operator and is not replaced`() {
        var rig = Rig(host: 1)
        _ = rig.question()
        _ = rig.answer(.read(nil, revision: 0))
        _ = rig.answer(.swap(.won(revision: 1)))
        rig.step { ($0.link, $0.gate, $0.isAcknowledgedMirrored) = (.live, .both, true) }
        _ = rig.question()
        _ = rig.answer(.swap(.won(revision: 2)))
        #expect(rig.machine.role == .primary(.mirrored))
        let both = rig.machine.decision
        rig.asked = nil
        rig.step { ($0.link, $0.gate) = (.down, .closed) }
        #expect(rig.question() != nil)
        _ = rig.answer(.swap(.lost(both, revision: 2)))
        #expect(rig.machine.role == .primary(.leaving))
        #expect(rig.question() != nil)
        _ = rig.answer(.swap(.won(revision: 3)))
        #expect(rig.machine.role == .primary(.solo))
    }

    @Test func `takes up an epoch that is its own and in which it has not spoken`() {
        var rig = Rig()
        rig.step()
        let ordered = Decision(epoch: 5, primary: 2, inSync: [2], phase: .promoting, nonce: 9)
        _ = rig.answer(.read(ordered, revision: 8))
        #expect(rig.machine.role == .waiting)
        rig.asked = nil
        rig.step { $0.request = .takeOverByForce }
        guard case .swap(let wanted, for: 8) = rig.asked else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect(wanted.epoch == 5 && wanted.phase == .promoting)
    }
}
