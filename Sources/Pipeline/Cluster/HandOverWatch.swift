// SPDX-License-Identifier: Apache-2.0
internal import RDMAReplica

/// Takes the time of planned hand-overs, from whichever side.
struct HandOverWatch {
    private let host: UInt32
    private var beganNanos: UInt64?
    private(set) var outcome = ClusterView.HandOvers()

    init(host: UInt32) { self.host = host }

    /// After each step of the machine. `hasBegun`: whether every shard speaks in an epoch.
    mutating func look(
        _ effects: [HostEffect], _ seen: HostObservation, _ machine: HostMachine,
        _ nowNanos: UInt64, hasBegun: (UInt32) -> Bool
    ) {
        for effect in effects {
            switch effect {
            case .handOver(true): beganNanos = nowNanos
            case .handOver(false): callOff()
            case .fallSilent(.handedOver): end(nowNanos)
            default: break
            }
        }
        // Of a standby: of its own observations only these say it.
        if seen.isHandingOver { beganNanos = beganNanos ?? nowNanos }
        switch machine.role {
        case .standby where !seen.isHandingOver: beganNanos = nil
        case .standby: break
        case .starting, .waiting, .silent, .over: beganNanos = nil
        case .claiming, .taking, .activating, .primary(.handingOver), .primary(.callingOff): break
        case .primary: if hasBegun(machine.decision?.epoch ?? 0) { end(nowNanos) }
        }
    }

    private mutating func end(_ nowNanos: UInt64) {
        guard let began = beganNanos else { return }
        beganNanos = nil
        outcome.doneCount += 1
        outcome.lastNanos = nowNanos - began
    }

    private mutating func callOff() {
        beganNanos = nil
        outcome.calledOffCount += 1
    }
}
