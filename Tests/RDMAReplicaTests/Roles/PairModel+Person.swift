// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Platform

@testable import RDMAReplica

// A pair without a third place: a person looks at both hosts, and orders what the manual allows.
extension PairModel {
    /// Whether a host follows the other, that asks it to. What it hears, it hears.
    mutating func isFollowed(_ index: Int, by peer: Int) -> Bool {
        let machine = hosts[peer].machine
        guard isManual else { return machine.role == .standby }
        guard let epoch = hosts[index].machine.decision?.epoch else { return false }
        hosts[peer].peerEpoch = max(hosts[peer].peerEpoch, epoch)
        return machine.role == .standby && machine.decision?.epoch == epoch
    }

    /// Comes now and then, and puts right what stands still.
    mutating func person() {
        guard chance(40), failure == nil else { return }
        guard let last = lastSpoken else {
            // Nobody has spoken yet: the first host is to.
            if hosts[0].isAlive { order(folders[0].decision == nil ? .begin : .promoteByForce, 0) }
            return
        }
        let served = hosts.indices.contains {
            guard case .primary(let mode) = hosts[$0].machine.role, hosts[$0].isAlive else {
                return false
            }
            return mode != .leaving
        }
        if let index = hosts.indices.first(where: isOutbid) { return restart(index) }
        if served, !chance(30) { return }
        let index = Int(random.below(2))
        guard hosts[index].isAlive, last.inSync.contains(UInt32(index + 1)) else { return }
        switch hosts[index].machine.role {
        case .primary(.leaving): goSolo(index)
        case .starting where last.inSync == [UInt32(index + 1)]: order(.promoteByForce, index)
        case .standby where hosts[index].machine.isInSync: order(.promote, index)
        case .starting, .standby: if !served { compareAndPromote() }
        default: break
        }
    }

    /// Speaks alone, and in the other's folder lies an order that never came about, of an epoch
    /// above: the other does not follow. Promoted anew it is above that.
    private func isOutbid(_ index: Int) -> Bool {
        let other = folders[1 - index].decision
        guard hosts[index].isAlive, hosts[index].machine.role == .primary(.solo),
            !isObeying(1 - index), let other, other.phase == .promoting
        else { return false }
        return other.epoch > hosts[index].machine.decision?.epoch ?? 0
    }

    /// Only when the other was not promoted.
    private mutating func goSolo(_ index: Int) {
        let own = folders[index].decision?.epoch ?? 0
        if folders[1 - index].decision?.epoch ?? 0 <= own {
            order(.goSolo, index)
        } else if !hosts[1 - index].machine.isSpeaking {
            // It was, and died of it: whoever has more goes on, once this one has no role.
            restart(index)
        }
    }

    /// Both were in sync, and have started anew: who has more goes on.
    private mutating func compareAndPromote() {
        guard hosts.allSatisfy(\.isAlive) else { return }
        let longer = hosts[0].log.count >= hosts[1].log.count ? 0 : 1
        switch hosts[longer].machine.role {
        case .starting, .standby: order(.promoteByForce, longer)
        case .primary(.leaving): restart(longer)
        default: break
        }
    }

    /// What a primary's own folder says: of an epoch that says more than what the other was told.
    mutating func note(_ decision: Decision, by host: UInt32) {
        guard decision.primary == host, decision.phase == .active,
            decision.epoch >= lastSpoken?.epoch ?? 0
        else { return }
        lastSpoken = decision
    }

    /// Whether an order given there may come about yet.
    private func isObeying(_ index: Int) -> Bool {
        let host = hosts[index]
        guard host.isAlive else { return false }
        return switch host.machine.role {
        case .claiming, .taking, .activating: true
        case .starting, .standby: host.machine.isForced || host.request != nil
        default: false
        }
    }

    private mutating func order(_ order: ManualArbiter.Order, _ index: Int) {
        guard !isObeying(1 - index) else { return }
        let host = UInt32(index + 1)
        let (old, revision) = folders[index]
        let isAgain = old?.primary == host && old?.phase == .promoting
        if order == .goSolo {
            guard let old, old.primary == host else { return }
            folders[index] = (
                Decision(
                    epoch: old.epoch, primary: host, inSync: [host], phase: old.phase,
                    nonce: random.next()), revision + 1
            )
            hosts[index].request = .goSolo
            return note(folders[index].decision ?? old, by: host)
        }
        if !isAgain {
            guard
                let epoch = ManualArbiter.epoch(
                    after: old?.epoch ?? 0, host: host, peer: 3 - host)
            else { return }
            folders[index] = (
                Decision(
                    epoch: epoch, primary: host, inSync: [host], phase: .promoting,
                    nonce: random.next()), revision + 1
            )
        }
        hosts[index].request = .takeOverByForce
    }
}
