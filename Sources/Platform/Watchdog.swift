// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the C object lives from the start to `callOff`, behind which nothing touches it; notices
// are copied before the call returns.
internal import CPlatform
internal import Glibc
internal import Synchronization

/// A small process that learns of this one's death before anybody else, and sends the last notice
/// that it was told of to the other host of a pair. docs/decisions/0021.
///
/// Threading: made and called off by the main thread, before it starts others and after it joined
/// them; `tell` belongs to one thread in between.
@safe public final class Watchdog: @unchecked Sendable {
    private let handle: OpaquePointer

    /// Forks it; it will send to an IPv4 address and a port, host order. Nil with `errno` where the
    /// system has no process left for it.
    public init?(address: UInt32, port: UInt16) {
        guard let handle = unsafe cwatchdog_start(address, port) else { return nil }
        unsafe self.handle = handle
    }

    /// Its process.
    public var processID: Int32 { unsafe cwatchdog_process(handle) }

    /// What it is to send when this process dies; at most 128 bytes, none = nothing.
    public func tell(_ notice: [UInt8]) {
        precondition(
            notice.count <= Int(CWATCHDOG_NOTICE_BYTES_MAX), "a notice is one small datagram")
        unsafe cwatchdog_tell(handle, notice, UInt32(notice.count))
    }

    /// Ends it without a word, before this process becomes another program. The last call.
    public func callOff() { unsafe cwatchdog_call_off(handle) }
}
