// SPDX-License-Identifier: Apache-2.0

/// Numbers of Ethernet (IEEE 802.3, 802.1Q), ARP (RFC 826), IPv4 (RFC 791), ICMP (RFC 792) and UDP
/// (RFC 768): offsets from the start of each header.
enum FrameFields {
    static let ethernetByteCount = 14
    static let vlanTagByteCount = 4
    static let ipv4ByteCount = 20
    static let udpByteCount = 8
    static let arpByteCount = 28
    static let icmpByteCount = 8
    static let udpPayloadByteCountMax = 1_472

    static let etherTypeIPv4: UInt16 = 0x0800
    static let etherTypeARP: UInt16 = 0x0806
    static let etherTypeVLAN: UInt16 = 0x8100
    static let etherTypeServiceVLAN: UInt16 = 0x88A8

    static let protocolICMP: UInt8 = 1
    static let protocolUDP: UInt8 = 17
}

/// Big-endian loads and stores at any address.
///
/// SAFETY: each call touches exactly the bytes of its type at `offset`; callers have checked that
/// the frame holds them.
enum NetworkOrder {
    @inline(__always) static func load16(_ base: UnsafeRawPointer, _ offset: Int) -> UInt16 {
        unsafe UInt16(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }
    @inline(__always) static func load32(_ base: UnsafeRawPointer, _ offset: Int) -> UInt32 {
        unsafe UInt32(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    @inline(__always)
    static func store16(_ value: UInt16, _ base: UnsafeMutableRawPointer, _ offset: Int) {
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }
    @inline(__always)
    static func store32(_ value: UInt32, _ base: UnsafeMutableRawPointer, _ offset: Int) {
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }
}

/// The Internet checksum (RFC 1071).
///
/// SAFETY: reads `count` bytes from `base`, which the caller has checked.
enum InternetChecksum {
    /// Adds bytes to a sum of 16-bit big-endian words; an odd last byte is padded with zero.
    static func add(_ base: UnsafeRawPointer, count: Int, to sum: UInt32 = 0) -> UInt32 {
        var sum = UInt64(sum)
        var offset = 0
        while offset + 1 < count {
            sum &+= UInt64(unsafe NetworkOrder.load16(base, offset))
            offset &+= 2
        }
        if offset < count {
            sum &+= UInt64(unsafe base.load(fromByteOffset: offset, as: UInt8.self)) << 8
        }
        while sum >> 32 != 0 { sum = (sum & 0xFFFF_FFFF) &+ sum >> 32 }
        return UInt32(truncatingIfNeeded: sum)
    }
    /// Folds a sum and complements it.
    @inline(__always) static func finish(_ sum: UInt32) -> UInt16 {
        var sum = sum
        sum = (sum & 0xFFFF) &+ sum >> 16
        sum = (sum & 0xFFFF) &+ sum >> 16
        sum = (sum & 0xFFFF) &+ sum >> 16
        return ~UInt16(truncatingIfNeeded: sum)
    }
}
