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
}
