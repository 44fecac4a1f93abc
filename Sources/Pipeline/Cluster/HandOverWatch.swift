// SPDX-License-Identifier: Apache-2.0
internal import RDMAReplica

/// Takes the time of planned hand-overs, from whichever side.
struct HandOverWatch {
    private var role = HostMachine.Role.starting
    /// Since when nobody takes anything.
    private var beganNanos: UInt64?
    /// Of a standby: it was asked to take over, and has the decision.
    private var isRelief = false
    private(set) var outcome = ClusterView.HandOvers()

    /// After each step of the machine. `hasPrimaryEnded`: whether the primary that is followed
    /// takes nothing new. `hasBegun`: whether every shard speaks in an epoch.
    mutating func look(
        _ machine: HostMachine, hasPrimaryEnded: Bool, _ nowNanos: UInt64,
        hasBegun: (UInt32) -> Bool
    ) {
        defer { role = machine.role }
        switch (role, machine.role) {
        case (.primary(.offering), .primary(.handingOver)): beganNanos = nowNanos
        // It falls silent as the other one lets go of the mirror, to speak.
        case (.primary(.handingOver), .silent), (.primary(.handingOver), .over):
            end(nowNanos)
        // The other one has the decision, and took over without the last word of this host.
        case (.primary(.offering), .silent), (.primary(.offering), .over),
            (.primary(.callingOff), .silent), (.primary(.callingOff), .over):
            end(nil)
        case (.primary(.offering), .primary(.leaving)),
            (.primary(.callingOff), .primary(.mirrored)),
            (.primary(.callingOff), .primary(.leaving)):
            outcome.calledOffCount += 1
        case (.relieving, _), (_, .relieving):
            isRelief = true
            if hasPrimaryEnded { beganNanos = beganNanos ?? nowNanos }
        case (_, .primary) where isRelief:
            if hasBegun(machine.decision?.epoch ?? 0) { end(nowNanos) }
        case (_, .standby), (_, .starting), (_, .waiting):
            beganNanos = nil
            isRelief = false
        default: break
        }
    }

    /// `nowNanos` is nil where nobody knows when it was.
    private mutating func end(_ nowNanos: UInt64?) {
        outcome.doneCount += 1
        outcome.lastNanos = if let began = beganNanos, let now = nowNanos { now - began } else { 0 }
        beganNanos = nil
        isRelief = false
    }
}
