// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Testing

@testable import RDMAReplica

/// One host's machine, with an arbiter that answers as it is told.
struct HostMachineRig {
    var machine: HostMachine
    var seen = HostObservation()
    var asked: ArbiterRunner.Request?

    init(
        host: UInt32 = 2, isLogEmpty: Bool = false, goesSolo: Bool = true, isManual: Bool = false
    ) {
        var settings = HostSettings(
            host: host, peer: 3 - host, mayFound: host == 1, goesSolo: goesSolo,
            isManual: isManual)
        settings.isLogEmpty = isLogEmpty
        machine = HostMachine(settings, policy: .mirrored, firstEpoch: 1, seed: 1)
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

    /// What is asked, after some steps if it has to be; nil when it is nothing.
    mutating func question() -> ArbiterRunner.Request? {
        for _ in 0..<1_000 where asked == nil { step() }
        return asked
    }

    mutating func answer(_ answer: ArbiterRunner.Answer) -> [HostEffect] {
        asked = nil
        return step { $0.answer = answer }
    }

    /// The founder of a pair, of epoch 1, with its standby in sync.
    static func mirrored(goesSolo: Bool = true) -> HostMachineRig {
        var rig = HostMachineRig(host: 1, goesSolo: goesSolo)
        _ = rig.question()
        _ = rig.answer(.read(nil, revision: 0))
        _ = rig.answer(.swap(.won(revision: 1)))
        #expect(rig.machine.role == .primary(.solo))
        rig.takeStandby(revision: 2)
        return rig
    }

    /// Brings a primary alone as far as having its standby in sync.
    mutating func takeStandby(revision: UInt64) {
        step { ($0.link, $0.gate, $0.isAcknowledgedMirrored) = (.live, .both, true) }
        _ = question()
        _ = answer(.swap(.won(revision: revision)))
        #expect(machine.role == .primary(.mirrored))
        asked = nil
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
