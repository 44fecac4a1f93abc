// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform

// The primary: with its standby, without it, and handing over to it.
extension HostMachine {
    mutating func stepPrimary(_ mode: Mode, _ seen: HostObservation) {
        watch.look(seen.peerBeat, after: turnNanos)
        if question == nil {
            doubtRead = seen.doubt
            if doubtRead != 0 { read(every: settings.readNanos / 10) }
        }
        let isStandbyGone = seen.link == .down || watch.silentNanos > settings.soloNanos
        if isStandbyGone || seen.link != .live { hasStandbyStayed = false }
        lookWhetherReplacedUnheard(isStandbyGone)
        switch mode {
        case .solo:
            guard decision?.phase == .active else { return settle(seen) }
            if seen.link == .live, !isStandbyGone { return become(.primary(.admitting)) }
            // A person may have made the other host the primary, by force.
            read(every: settings.readNanos * 50)
        case .admitting: admit(seen, isStandbyGone)
        case .mirrored:
            if !hasStandbyStayed { return become(.primary(.leaving)) }
            // It took an offer that was called off for one that stands, and has the decision.
            if seen.isPeerRelieving { read(every: settings.readNanos) }
        case .leaving: leave(seen, isStandbyGone)
        case .offering: offer(seen)
        case .handingOver:
            // The standby leaves as it begins to speak. One that is stuck is left. Either way this
            // host never speaks again, and need not ask for that.
            if isStandbyGone || roleNanos > settings.handOverNanos { fallSilent(.handedOver) }
        case .callingOff: break
        }
    }

    /// A standby that is out of reach may have taken over, as long as the decision names it. Who
    /// has not heard otherwise from the arbiter for as long as that takes draws no clients to
    /// itself. (Where a person decides there is nobody to ask.)
    private mutating func lookWhetherReplacedUnheard(_ isStandbyGone: Bool) {
        let isOut = isStandbyGone || role == .primary(.leaving) && !watch.hasMoved
        let before = unheardNanos
        let mayBeReplaced = isOut && !leavesStandbyOut && !settings.isManual
        unheardNanos = mayBeReplaced ? unheardNanos &+ turnNanos : 0
        // Once, as it gets too long: a doubt stays until it is confirmed.
        if before <= settings.takeOverNanos, unheardNanos > settings.takeOverNanos {
            effects.append(.doubt)
        }
    }

    /// It was handed everything, and speaks. The decision says that it alone is in sync once what
    /// it carries over is on its disk.
    private mutating func settle(_ seen: HostObservation) {
        guard question == nil, seen.gate == policy.gateAlone, seen.isAcknowledgedDurable
        else { return }
        swapOwn(withStandby: false)
    }

    /// Goes on as ever until the standby has the decision.
    private mutating func offer(_ seen: HostObservation) {
        if seen.isPeerRelieving {
            hasHandedOver = true
            become(.primary(.handingOver))
            effects.append(.drain)
            return
        }
        guard question == nil else { return }
        // It may have the decision all the same: going on alone finds out.
        if !hasStandbyStayed { return become(.primary(.leaving)) }
        guard roleNanos > settings.handOverNanos else { return }
        become(.primary(.callingOff))
        swapOwn(withStandby: true)
    }

    /// The standby must hold all that left the house before the decision says so; from the asking
    /// on either answer may be true.
    private mutating func admit(_ seen: HostObservation, _ isStandbyGone: Bool) {
        guard question == nil else { return }
        if isStandbyGone {
            let isAlone = decision?.inSync == [settings.host]
            return become(.primary(isAlone ? .solo : .leaving))
        }
        #if NEEDLETAIL_MUTANTS
        if Mutant.admittedEarly.isPlanted {
            hasStandbyStayed = true
            return swapOwn(withStandby: true)
        }
        #endif
        guard seen.gate == .both, seen.isAcknowledgedMirrored else { return }
        hasStandbyStayed = true
        swapOwn(withStandby: true)
    }

    /// Nothing leaves, and what did is made durable; then the standby need not be asked any more.
    /// Who waits for a person takes it back when it is there again: the decision still has both.
    private mutating func leave(_ seen: HostObservation, _ isStandbyGone: Bool) {
        if !mayGoSolo, question == nil || question == .read, seen.link == .live, !isStandbyGone,
            watch.hasMoved
        {
            return become(.primary(.admitting))
        }
        // The standby may take over, and a person may make it do so.
        if !mayGoSolo, !settings.isManual {
            read(every: min(settings.readNanos, settings.takeOverNanos / 2))
        }
        #if NEEDLETAIL_MUTANTS
        if Mutant.soloBeforeDurable.isPlanted, question == nil {
            return swapOwn(withStandby: false)
        }
        #endif
        guard mayGoSolo, question == nil, seen.gate == .closed, seen.isAcknowledgedDurable
        else { return }
        swapOwn(withStandby: false)
    }

    private mutating func swapOwn(withStandby: Bool) {
        guard let decision else { return }
        let hosts = withStandby ? [settings.host, settings.peer] : [settings.host]
        swap(epoch: decision.epoch, primary: settings.host, inSync: hosts)
    }
}

extension HostMachine.Mode {
    /// Why a primary falls silent whose decision is another's.
    var reasonToFallSilent: HostEffect.Why {
        switch self {
        case .offering, .handingOver, .callingOff: .handedOver
        case .solo, .admitting, .mirrored, .leaving: .replaced
        }
    }
}
