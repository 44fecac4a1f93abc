// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Testing

@testable import RDMAReplica

private typealias Rig = HostMachineRig

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

    @Test func `leaves it to a person where it led on and its log is empty`() {
        for (epoch, isLogEmpty, isMissing) in [
            (UInt32(1), true, false), (2, true, true), (2, false, false),
        ] {
            var rig = Rig(host: 1, isLogEmpty: isLogEmpty)
            let alone = Decision(epoch: epoch, primary: 1, inSync: [1], phase: .active, nonce: 9)
            _ = rig.question()
            _ = rig.answer(.read(alone, revision: 7))
            #expect(rig.machine.isLogMissing == isMissing)
            #expect(rig.machine.role == (isMissing ? .starting : .claiming), "\(epoch)")
            guard isMissing else { continue }
            _ = rig.question()
            _ = rig.answer(.read(alone, revision: 7))
            #expect(rig.machine.role == .starting, "it stays so")
            rig.asked = nil
            rig.step { $0.request = .takeOverByForce }
            guard case .swap(let wanted, for: 7) = rig.question() else {
                Issue.record("\(String(describing: rig.asked))")
                continue
            }
            #expect(wanted.epoch == epoch + 1 && wanted.primary == 1)
        }
    }

    /// Nothing leads from a decision with one host to one that looks as if both had been in sync.
    @Test func `stays the one that is named when it dies after a person let it lead on`() {
        var rig = Rig(host: 1, isLogEmpty: true)
        let alone = Decision(epoch: 2, primary: 1, inSync: [1], phase: .active, nonce: 9)
        _ = rig.question()
        _ = rig.answer(.read(alone, revision: 7))
        rig.asked = nil
        rig.step { $0.request = .takeOverByForce }
        guard case .swap(let wanted, for: 7) = rig.question() else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        // It dies before it speaks, and is back with less than what the other was being sent.
        var other = Rig()
        _ = other.question()
        _ = other.answer(.read(wanted, revision: 8))
        other.step { ($0.peerLog, $0.isLogDurable) = (.shorter, true) }
        for _ in 0..<100 { other.step() }
        #expect(other.machine.role == .standby, "it lacks what was acknowledged without it")
        var again = Rig(host: 1)
        _ = again.question()
        _ = again.answer(.read(wanted, revision: 8))
        #expect(again.machine.role == .claiming, "with its log there it need not be compared")
    }

    @Test func `looks around before it leads, and falls silent when another leads as this host`() {
        var settings = HostSettings(host: 1, peer: 2, mayFound: true)
        settings.lookAroundNanos = 20_000_000
        var rig = Rig(host: 1)
        rig.machine = HostMachine(settings, policy: .mirrored, firstEpoch: 1, seed: 1)
        let alone = Decision(epoch: 1, primary: 1, inSync: [1], phase: .active, nonce: 9)
        _ = rig.question()
        _ = rig.answer(.read(alone, revision: 1))
        #expect(rig.machine.role == .starting)
        // A host that did not run has not listened.
        rig.seen.nowNanos += 100_000_000
        while rig.machine.role == .starting {
            _ = rig.question()
            _ = rig.answer(.read(alone, revision: 1))
        }
        #expect(rig.seen.nowNanos >= 100_000_000 + 19_000_000)
        _ = rig.answer(.swap(.won(revision: 2)))
        #expect(rig.machine.role == .primary(.solo))
        rig.asked = nil
        for _ in 0..<3_000 where rig.asked == nil { rig.step() }
        let twin = Decision(epoch: 3, primary: 1, inSync: [1], phase: .active, nonce: 8)
        #expect(rig.answer(.read(twin, revision: 3)).contains(.fallSilent(.replaced)))
    }

    @Test func `does not take for in sync who was away while the arbiter was asked`() {
        for wasAway in [false, true] {
            var rig = Rig(host: 1)
            _ = rig.question()
            _ = rig.answer(.read(nil, revision: 0))
            _ = rig.answer(.swap(.won(revision: 1)))
            #expect(rig.machine.role == .primary(.solo))
            rig.asked = nil
            rig.step { ($0.link, $0.gate, $0.isAcknowledgedMirrored) = (.live, .both, true) }
            rig.step()
            guard case .swap(let wanted, for: 1) = rig.asked else {
                Issue.record("\(String(describing: rig.asked))")
                return
            }
            #expect(wanted.inSync == [1, 2])
            if wasAway { rig.step { $0.link = .down } }
            rig.step { $0.link = .live }
            _ = rig.answer(.swap(.won(revision: 2)))
            #expect(rig.machine.role == .primary(wasAway ? .leaving : .mirrored))
            #expect(rig.machine.admitsStandby == !wasAway)
        }
    }

    @Test func `reads the decision now and then while it is alone`() {
        var rig = Rig(host: 1)
        _ = rig.question()
        _ = rig.answer(.read(nil, revision: 0))
        _ = rig.answer(.swap(.won(revision: 1)))
        rig.asked = nil
        for _ in 0..<3_000 where rig.asked == nil { rig.step() }
        guard case .read = rig.asked else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        let forced = Decision(epoch: 2, primary: 2, inSync: [2], phase: .active, nonce: 3)
        _ = rig.answer(.read(forced, revision: 2))
        #expect(!rig.machine.isSpeaking, "a person has made the other one the primary, by force")
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

    @Test func `asks for nothing where a person decides, until the person has said it`() {
        var rig = Rig(isManual: true)
        rig.follow()
        rig.step { ($0.link, $0.isPeerDead, $0.hasPeerLeft) = (.down, true, true) }
        #expect(rig.question() == nil && rig.machine.role == .standby && rig.machine.isInSync)
        rig.step { $0.request = .takeOverByForce }
        #expect(rig.question() == .read, "the order lies in the folder")
        let ordered = Decision(epoch: 5, primary: 2, inSync: [2], phase: .promoting, nonce: 9)
        _ = rig.answer(.read(ordered, revision: 8))
        guard case .swap(let wanted, for: 8) = rig.question() else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect(ManualArbiter.says(ordered, wanted))
        #expect(rig.answer(.swap(.won(revision: 8))) == [.takeOver])
    }

    @Test func `writes down what the primary says of it, and forgets it only when told`() {
        var rig = Rig(isManual: true)
        rig.step { $0.peerEpoch = 4 }
        guard case .swap(let heard, for: 0) = rig.question() else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect((heard.epoch, heard.primary, heard.inSync) == (4, 1, [1]))
        _ = rig.answer(.swap(.won(revision: 1)))
        #expect(rig.machine.role == .standby && !rig.machine.isInSync)
        rig.step { ($0.link, $0.isAdmitted) = (.live, true) }
        guard case .swap(let admitted, for: 1) = rig.question() else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect((admitted.epoch, admitted.inSync) == (4, [1, 2]))
        _ = rig.answer(.swap(.won(revision: 2)))
        #expect(rig.machine.isInSync)
        // The primary has lost it for a moment, and goes on with it or without it.
        rig.step { $0.isAdmitted = false }
        #expect(rig.question() == .read && !rig.machine.isInSync)
        _ = rig.answer(.read(admitted, revision: 2))
        rig.step { $0.isLeftOut = true }
        guard case .swap(let leftOut, for: 2) = rig.question() else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect((leftOut.epoch, leftOut.inSync) == (4, [1]))
    }

    /// A primary with its standby, which is about to go.
    private func pair() -> Rig {
        var rig = Rig(host: 1, isManual: true)
        _ = rig.question()
        let ordered = Decision(epoch: 1, primary: 1, inSync: [1], phase: .promoting, nonce: 9)
        _ = rig.answer(.read(ordered, revision: 1))
        #expect(rig.machine.role == .starting)
        rig.step { $0.request = .takeOverByForce }
        _ = rig.question()
        _ = rig.answer(.swap(.won(revision: 1)))
        rig.step { $0.isTakenOver = true }
        _ = rig.question()
        _ = rig.answer(.swap(.won(revision: 2)))
        rig.takeStandby(revision: 3)
        return rig
    }

    @Test func `waits without its standby for the standby or for a person`() {
        var rig = pair()
        rig.step { ($0.link, $0.gate) = (.down, .closed) }
        #expect(rig.question() == nil && rig.machine.role == .primary(.leaving))
        // It is back, before anybody has said anything: the decision has both still.
        for beat in 1...3 as ClosedRange<UInt64> {
            rig.step { ($0.link, $0.gate, $0.peerBeat) = (.live, .both, beat) }
        }
        guard case .swap(let both, for: 3) = rig.question() else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect((both.epoch, both.inSync) == (1, [1, 2]))
        // And goes while that is asked for: no solo without a word.
        rig.step { $0.link = .down }
        _ = rig.answer(.swap(.won(revision: 4)))
        rig.step { $0.gate = .closed }
        #expect(rig.question() == nil && rig.machine.role == .primary(.leaving))
        rig.step { $0.request = .goSolo }
        #expect(rig.question() != nil)
        _ = rig.answer(.swap(.won(revision: 5)))
        #expect(rig.machine.role == .primary(.solo))
    }

    @Test func `goes on alone when that was said just as it took its standby back`() {
        var rig = pair()
        rig.step { ($0.link, $0.gate) = (.down, .closed) }
        for beat in 1...3 as ClosedRange<UInt64> {
            rig.step { ($0.link, $0.gate, $0.peerBeat) = (.live, .both, beat) }
        }
        _ = rig.question()
        let alone = Decision(epoch: 1, primary: 1, inSync: [1], phase: .active, nonce: 10)
        _ = rig.answer(.swap(.lost(alone, revision: 4)))
        #expect(rig.machine.role == .primary(.leaving))
        rig.step { ($0.link, $0.gate) = (.down, .closed) }
        guard case .swap(let wanted, for: 4) = rig.question() else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect(ManualArbiter.says(alone, wanted))
        #expect(rig.answer(.swap(.won(revision: 4))) == [.dropStandby])
        #expect(rig.machine.role == .primary(.solo))
    }

    @Test func `is silent at once when the other speaks in a newer epoch`() {
        var rig = pair()
        #expect(rig.step { $0.peerEpoch = 1 }.isEmpty)
        let effects = rig.step { $0.peerEpoch = 2 }
        #expect(effects.first == .fallSilent(.replaced))
        guard case .swap(let heard, for: 3) = rig.asked else {
            Issue.record("\(String(describing: rig.asked))")
            return
        }
        #expect((heard.epoch, heard.primary, heard.inSync) == (2, 2, [2]))
        #expect(rig.answer(.swap(.won(revision: 4))) == [.startAnew])
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
