// SPDX-License-Identifier: Apache-2.0

/// IPv4 and UDP headers of what we send: 28 bytes, no options, do not fragment, time to live 64,
/// no UDP checksum unless the NIC writes it (allowed over IPv4; sequences and the record's chain
/// protect what matters).
///
/// SAFETY: `head` has 28 writable bytes.
enum IPv4Head {
    static let byteCount = FrameFields.ipv4ByteCount + FrameFields.udpByteCount

    /// Everything but lengths and checksum; the checksum field holds the sum without the length.
    static func write(
        to head: UnsafeMutableRawPointer, source: UInt32, destination: UInt32,
        sourcePort: UInt16, destinationPort: UInt16, timeToLive: UInt8 = 64
    ) {
        unsafe head.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        unsafe head.storeBytes(of: 0x45, as: UInt8.self)
        unsafe NetworkOrder.store16(0x4000, head, 6)
        unsafe head.storeBytes(of: timeToLive, toByteOffset: 8, as: UInt8.self)
        unsafe head.storeBytes(of: FrameFields.protocolUDP, toByteOffset: 9, as: UInt8.self)
        unsafe NetworkOrder.store32(source, head, 12)
        unsafe NetworkOrder.store32(destination, head, 16)
        unsafe NetworkOrder.store16(sourcePort, head, 20)
        unsafe NetworkOrder.store16(destinationPort, head, 22)
        let sum = unsafe InternetChecksum.add(head, count: FrameFields.ipv4ByteCount)
        unsafe NetworkOrder.store16(~InternetChecksum.finish(sum), head, 10)
    }

    /// Leaves both checksums to the NIC: none in the IPv4 header, and the sum over the
    /// pseudo-header where the UDP checksum will be.
    @inline(__always)
    static func leaveChecksumsToNIC(_ head: UnsafeMutableRawPointer, byteCount: Int) {
        var sum = unsafe InternetChecksum.add(head + 12, count: 8)
        sum &+= UInt32(FrameFields.protocolUDP)
        sum &+= UInt32(truncatingIfNeeded: byteCount &- FrameFields.ipv4ByteCount)
        unsafe NetworkOrder.store16(~InternetChecksum.finish(sum), head, 26)
        unsafe NetworkOrder.store16(0, head, 10)
    }

    /// Sets both lengths and the header checksum. `byteCount` counts from the IPv4 header on.
    @inline(__always)
    static func setLengths(_ head: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe NetworkOrder.store16(UInt16(truncatingIfNeeded: byteCount), head, 2)
        unsafe NetworkOrder.store16(
            UInt16(truncatingIfNeeded: byteCount &- FrameFields.ipv4ByteCount), head, 24)
        let sum =
            unsafe UInt32(NetworkOrder.load16(head, 10)) &+ UInt32(truncatingIfNeeded: byteCount)
        unsafe NetworkOrder.store16(InternetChecksum.finish(sum), head, 10)
    }
}
