// SPDX-License-Identifier: Apache-2.0

// What a person asks of a host.
extension HostMachine {
    /// Takes up what is asked for, where it makes sense.
    mutating func take(_ request: HostObservation.Request) {
        switch (request, role) {
        case (.handOver, .primary(.mirrored)): become(.primary(.offering))
        case (.takeOver, .standby) where isInSync: isForced = true
        case (.takeOverByForce, .starting), (.takeOverByForce, .waiting),
            (.takeOverByForce, .standby):
            isForced = true
        case (.goSolo, .primary(.leaving)): mayGoSolo = true
        default: break
        }
    }

    /// Leads because a person wants it so, whatever is with the other host.
    mutating func claimByForce() {
        if isOrdered, let decision {
            // An epoch that is this host's already, and in which nobody has spoken: an operator has
            // ordered it, or a process of before had begun with it.
            return claim(.promoting, epoch: decision.epoch, isRelief: false)
        }
        // Named alone it has nothing to take over. And who is `promoting` is compared with the
        // other host after a start (`isLastPair`), which was not named, and may lack something.
        claim(isNamedAlone ? .active : .promoting)
    }

    /// Whether the decision says that this host is to take over.
    var isOrdered: Bool {
        decision?.primary == settings.host && decision?.phase == .promoting
    }
}
