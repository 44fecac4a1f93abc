// SPDX-License-Identifier: Apache-2.0
internal import RDMAReplica

/// Takes the time of planned hand-overs, from whichever side.
struct HandOverWatch {
    private var role = HostMachine.Role.starting
    /// Since when nobody takes anything.
    private var beganNanos: UInt64?
    private var letGoNanos: UInt64?
    private(set) var outcome = ClusterView.HandOvers()

    /// After each step of the machine. `hasPrimaryEnded`: whether the primary that is followed
    /// takes nothing new. `hasBegun`: whether every shard speaks in an epoch.
    mutating func look(
        _ machine: HostMachine, _ seen: HostObservation, hasPrimaryEnded: Bool, _ nowNanos: UInt64,
        hasBegun: (UInt32) -> Bool
    ) {
        defer { role = machine.role }
        switch (role, machine.role) {
        case (.primary(.offering), .primary(.handingOver)): beganNanos = nowNanos
        case (.primary(.handingOver), .silent), (.primary(.handingOver), .over):
            end(letGoNanos ?? nowNanos)
        // The other one has the decision, and took over without the last word of this host.
        case (.primary(.offering), .silent), (.primary(.offering), .over),
            (.primary(.callingOff), .silent), (.primary(.callingOff), .over):
            outcome.doneCount += 1
            outcome.lastNanos = 0
        // The new primary lets go of the mirror as it begins to speak.
        case (_, .primary(.handingOver)):
            if seen.link == .down { letGoNanos = letGoNanos ?? nowNanos }
        case (.primary(.offering), .primary(.leaving)),
            (.primary(.callingOff), .primary(.mirrored)),
            (.primary(.callingOff), .primary(.leaving)):
            outcome.calledOffCount += 1
        case (.relieving, _) where hasPrimaryEnded, (_, .relieving) where hasPrimaryEnded:
            beganNanos = beganNanos ?? nowNanos
        case (_, .primary): if hasBegun(machine.decision?.epoch ?? 0) { end(nowNanos) }
        case (_, .standby), (_, .starting), (_, .waiting): beganNanos = nil
        default: break
        }
    }

    private mutating func end(_ nowNanos: UInt64) {
        guard let began = beganNanos else { return }
        beganNanos = nil
        outcome.doneCount += 1
        outcome.lastNanos = nowNanos - began
    }
}
