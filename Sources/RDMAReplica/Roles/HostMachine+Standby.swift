// SPDX-License-Identifier: Apache-2.0
internal import Platform

// Before a host speaks: finding its place, following, taking over.
extension HostMachine {
    /// Whether a log that is empty cannot be the one that the decision names this host for: it has
    /// begun on another disk. Who founded the pair may have ended before its first record was
    /// durable, and lacks nothing.
    public var isLogMissing: Bool {
        guard isNamedAlone, settings.isLogEmpty, !ownsLog, let decision else { return false }
        return decision.epoch > 1
    }

    /// Whether all that was acknowledged is in this host's journal, as the decision says.
    var isNamedAlone: Bool {
        decision?.phase == .active && decision?.inSync == [settings.host]
    }

    /// What the decision makes of a host that has just started, or has just lost a swap.
    mutating func place() {
        // One that has this host's number by mistake is heard by then.
        guard sinceStartNanos >= settings.lookAroundNanos else { return become(.starting) }
        guard let decision else {
            if settings.mayFound, !settings.isManual { claim(.active) }
            return
        }
        guard decision.primary == settings.host else { return become(.standby) }
        // A person has to say again that it leads.
        if settings.isManual { return }
        if isNamedAlone { return isLogMissing ? become(.starting) : claim(.active) }
        // Some of it may be in the other host's memory alone. Or this host was taking over, and
        // what it had taken went with its process.
        if role != .waiting { become(.waiting) }
    }

    mutating func stepWaiting(_ seen: HostObservation) {
        if role == .waiting, question == nil, seen.isLogDurable, isLastPair(decision),
            seen.peerLog == .shorter || seen.peerLog == .same
        {
            return claim(.active)
        }
        read(every: settings.readNanos)
    }

    /// Whether both hosts were in sync at last: the decision says so, or it did before one of them
    /// began to take over. (Nobody does that whom it names alone.) Or a person has chosen between
    /// them. Then who holds more may go on, once the two have compared.
    private func isLastPair(_ decision: Decision?) -> Bool {
        decision.map { $0.phase == .promoting || $0.inSync.count > 1 } ?? false
    }

    mutating func stepStandby(_ seen: HostObservation) {
        watch.look(seen.peerProgress, after: turnNanos)
        if seen.link == .live, !seen.isAdmitted { isInSync = false }
        #if NEEDLETAIL_MUTANTS
        if Mutant.promotedOutOfSync.isPlanted { isInSync = decision != nil }
        #endif
        if settings.isManual { return writeDown(seen) }
        guard isInSync else {
            // Both have started anew, and this host's log is the longer one.
            if question == nil, seen.peerLog == .shorter, seen.isLogDurable, isLastPair(decision) {
                return claim(.active)
            }
            guard question == nil else { return }
            readsAsAdmitted = seen.link == .live && seen.isAdmitted
            return read(every: readsAsAdmitted ? settings.graceNanos : settings.readNanos)
        }
        guard question == nil else { return }
        if seen.isOffered, seen.link == .live { return claim(.promoting, isRelief: true) }
        guard isPrimaryGone(seen) else {
            suspicionNanos = 0
            return
        }
        suspicionNanos = suspicionNanos &+ turnNanos
        guard seen.isPeerDead || suspicionNanos >= settings.graceNanos else { return }
        claim(.promoting)
    }

    /// The primary goes on until it sees that this host has the decision. Then it takes nothing
    /// new, ever, and once all that it took is here and told there is nothing to fence and to look
    /// for: this host speaks at once. Not when it was held up, for the decision may be another by
    /// now.
    mutating func stepRelieving(_ seen: HostObservation) {
        watch.look(seen.peerProgress, after: turnNanos)
        let isFresh = seen.nowNanos &- claimedNanos <= settings.takeOverNanos
        if seen.isHandedOver { return isFresh ? serve() : takeOver() }
        if isPrimaryGone(seen) { takeOver() }
    }

    private func isPrimaryGone(_ seen: HostObservation) -> Bool {
        seen.isPeerDead || seen.hasPeerLeft || watch.silentNanos > settings.takeOverNanos
    }

    /// What the primary says of this host: whether a person may promote it.
    private mutating func writeDown(_ seen: HostObservation) {
        guard question == nil, let decision else { return }
        readsAsAdmitted = seen.link == .live && seen.isAdmitted
        let isWritten = decision.inSync.contains(settings.host)
        if seen.link == .live, isWritten ? seen.isLeftOut : seen.isAdmitted {
            let hosts = [settings.peer] + (isWritten ? [] : [settings.host])
            return swap(epoch: decision.epoch, primary: settings.peer, inSync: hosts)
        }
        if readsAsAdmitted, !isInSync { return read(every: settings.graceNanos) }
        if isForced || !isInSync { read(every: settings.readNanos) }
    }

    mutating func stepSilent() {
        guard question == nil else { return }
        let isStuck =
            decision?.phase == .promoting && decision?.primary == settings.peer
            && roleNanos > settings.reclaimNanos
        // Nothing was acknowledged by who promotes, and what was before is here.
        if ownsLog, isStuck { return claim(.promoting) }
        read(every: settings.readNanos)
    }
}
