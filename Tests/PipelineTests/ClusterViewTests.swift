// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Testing

@testable import Pipeline
@testable import RDMAReplica

@Suite struct `A request over the control socket` {
    @Test func `goes by its name to one pair, by none to whichever there is`() {
        let names = [nil, "a", "a of b", " of ", ""]
        for name in names {
            let asked = ControlRequest("cluster activate-rules 2", pair: name)
            let read = ControlRequest(line: asked.line)
            #expect(read.words == asked.words && read.pair == name, "\(asked.line)")
            for own in names {
                let isRefused = read.refusal(in: own) != nil
                #expect(isRefused == (name != nil && name != own), "\(asked.line) to \(own ?? "-")")
            }
        }
        let refusal = ControlRequest("cluster solo", pair: "a").refusal(in: "b")
        #expect(refusal?.contains(#""why":"pair""#) == true)
        #expect(refusal?.contains("of the pair `b`, and not of `a`") == true)
    }
}

@Suite struct `What people are told of a host` {
    @Test func `is a sentence with a verb`() {
        var state = ClusterView.State()
        #expect(state.thisHost == "this host asks the arbiter")
        state.role = .standby
        #expect(state.thisHost == "this host is standby, not in sync")
        state.role = .primary(.solo)
        #expect(state.thisHost == "this host is primary, alone")
    }

    @Test func `that was replaced while it was to go on alone is not that it did`() {
        var state = ClusterView.State()
        state.decision = Decision(epoch: 4, primary: 1, inSync: [1], phase: .active, nonce: 1)
        state.role = .primary(.solo)
        #expect(state.isAlone(1))
        state.role = .silent
        #expect(!state.isAlone(1))
        state.role = .primary(.admitting)
        state.decision?.inSync = [1, 2]
        #expect(!state.isAlone(1), "it has its standby still")
    }

    @Test func `that took over from the dead is of the dead until the other host is back`() {
        let view = ClusterView()
        func tell(
            _ role: HostMachine.Role, _ link: HostObservation.Link, isDead: Bool = false
        ) -> Bool {
            var machine = HostMachine(
                HostSettings(host: 2, peer: 1, mayFound: false, isManual: false),
                policy: .mirrored, firstEpoch: 1, seed: 1)
            machine.role = role
            var seen = HostObservation()
            (seen.link, seen.isPeerDead) = (link, isDead)
            view.tell(machine, seen, ClusterView.HandOvers())
            return view.current.hasHeardOfDeath
        }
        #expect(!tell(.standby, .live))
        // The notice may be there before the link to the dead is down.
        #expect(tell(.claiming, .live, isDead: true))
        #expect(tell(.primary(.solo), .live), "this was the link of before")
        #expect(tell(.primary(.solo), .down))
        #expect(tell(.primary(.solo), .catchingUp))
        #expect(!tell(.primary(.admitting), .live))
        #expect(!tell(.primary(.mirrored), .live))
        #expect(!tell(.primary(.solo), .down), "of this end no watchdog has told")
    }

    @Test func `that is promoted takes back the wish to begin without its journal`() {
        let view = ClusterView()
        func tell(_ role: HostMachine.Role) {
            var machine = HostMachine(
                HostSettings(host: 2, peer: 1, mayFound: false, isManual: false),
                policy: .mirrored, firstEpoch: 1, seed: 1)
            machine.role = role
            view.tell(machine, HostObservation(), ClusterView.HandOvers())
        }
        #expect(!view.askForResync(), "it is no standby yet")
        tell(.standby)
        #expect(view.askForResync() && view.wantsResync)
        tell(.standby)
        #expect(view.wantsResync)
        tell(.claiming)
        #expect(!view.wantsResync && !view.askForResync())
    }
}
