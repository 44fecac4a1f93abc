// SPDX-License-Identifier: Apache-2.0

/// Sequences on the wire are the low 32 bits of a count that goes on for ever (RFC 1982).
enum SerialNumber {
    /// A start for the long count of which only the low bits are known; the high part only keeps
    /// differences from running below zero.
    static func start(low: UInt32) -> UInt64 { 1 << 32 | UInt64(low) }

    /// The long count next to `near` that has these low bits.
    static func extended(_ low: UInt32, near: UInt64) -> UInt64 {
        let step = Int32(bitPattern: low &- UInt32(truncatingIfNeeded: near))
        return near &+ UInt64(bitPattern: Int64(step))
    }
}
