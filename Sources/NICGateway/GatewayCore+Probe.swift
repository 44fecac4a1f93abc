// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: entries are reached by numbers from 1 to the table's capacity.

// The receive path by itself, for measurements: everything from the driver to the decoded record,
// and nothing behind it.

extension GatewayCore {
    /// Makes the core a probe, for good, before its first poll: each of its sessions is open to
    /// `source` (IPv4 address << 16 | UDP port, host order) with `token`, expects sequence 1 again
    /// and again, and its messages are decoded and let go of. So the same frames may be received
    /// without end, and nobody has to empty the log. Such a core is polled by `pollProbe` only.
    public mutating func becomeProbe(token: UInt32, source: UInt64) {
        isProbe = true
        isNotPlain = true
        for session in 1...sessions.capacity {
            let entry = unsafe sessions.entry(session)
            unsafe entry.pointee.state = .open
            unsafe entry.pointee.token = token
            unsafe entry.pointee.source = source
            unsafe entry.pointee.expectedSequence = 1
        }
    }

    /// Takes what came in, at most a burst, and answers ARP and ping. False when there was nothing.
    /// Orders that were decoded count as `commands`, their datagrams as `datagramsTaken`; the
    /// cycles that it took are in `counterBlock.intakeCycles`.
    public mutating func pollProbe() -> Bool {
        let hasTaken = pollIntake()
        if outboxCount > 0 { transmitOutbox() }
        return hasTaken
    }
}
