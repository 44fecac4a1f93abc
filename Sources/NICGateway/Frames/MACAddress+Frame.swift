// SPDX-License-Identifier: Apache-2.0

// SAFETY: callers have six writable bytes at `place`; a packet's start is valid as long as it is
// ours.
extension MACAddress {
    /// Writes the six octets in the order of the wire.
    @inline(__always) func store(to place: UnsafeMutableRawPointer) {
        unsafe NetworkOrder.store16(UInt16(truncatingIfNeeded: rawValue >> 32), place, 0)
        unsafe NetworkOrder.store32(UInt32(truncatingIfNeeded: rawValue), place, 2)
    }
}

extension Packet {
    /// The first byte of the frame, as bytes without a type.
    @inline(__always) var start: UnsafeMutableRawPointer {
        unsafe UnsafeMutableRawPointer(data)
    }
}
