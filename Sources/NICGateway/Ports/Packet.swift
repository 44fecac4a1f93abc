// SPDX-License-Identifier: Apache-2.0
public import CDPDK

/// What a burst is made of: a pointer to an mbuf.
public typealias PacketPointer = UnsafeMutablePointer<cdpdk_mbuf>

/// One packet: a view of an mbuf, as big as its pointer.
///
/// SAFETY: whoever made the value vouches that the mbuf is allocated and his; it is so from receive
/// or allocate until free or transmit. Lengths are the driver's or were checked by `append`.
@safe public struct Packet: BitwiseCopyable {
    /// The mbuf itself, for bursts.
    public let mbuf: PacketPointer

    /// Wraps an mbuf of a burst.
    @inlinable public init(_ mbuf: PacketPointer) { unsafe self.mbuf = mbuf }

    /// First byte of the packet.
    @inlinable public var data: UnsafeMutablePointer<UInt8> {
        unsafe _unsafePerformance { unsafe cdpdk_data(mbuf) }
    }

    /// Bytes in the first segment: all of them, when `isOneSegment`.
    @inlinable public var byteCount: Int { unsafe Int(mbuf.pointee.data_length) }

    /// Whether `data` holds the whole packet.
    @inlinable public var isOneSegment: Bool { unsafe mbuf.pointee.segment_count == 1 }

    /// The bytes of the first segment.
    @inlinable public var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: data, count: byteCount)
    }

    /// Sets the length of a packet of one segment, at most what was there and what
    /// `append` could add.
    @unsafe @inlinable public func setByteCount(_ byteCount: Int) {
        unsafe mbuf.pointee.data_length = UInt16(truncatingIfNeeded: byteCount)
        unsafe mbuf.pointee.packet_length = UInt32(truncatingIfNeeded: byteCount)
    }

    /// Lengthens the packet by up to 2 KiB; the first new byte, nothing when there is no room.
    @inlinable public func append(_ byteCount: Int) -> UnsafeMutablePointer<UInt8>? {
        unsafe _unsafePerformance {
            unsafe cdpdk_append(mbuf, UInt16(truncatingIfNeeded: byteCount))
        }
    }

    /// What the NIC (or the kernel) said of the packet's checksums: false only when it found one
    /// wrong; a driver that does not verify never says so. Of each of the two: bad alone is wrong,
    /// bad and good together is "not in the bytes, but they are whole", as virtio says it of what
    /// comes from the same host.
    @inlinable public var checksumsMayBeGood: Bool {
        let flags = unsafe mbuf.pointee.flags
        return flags & (1 << 4 | 1 << 3) == 0
            || (flags & (1 << 4 | 1 << 7) != 1 << 4 && flags & (1 << 3 | 1 << 8) != 1 << 3)
    }

    /// Asks the NIC to write the IPv4 checksum and, if `udp`, the UDP one, whose field then holds
    /// the sum over the pseudo header. Only where `PortCapabilities` has it.
    @inlinable public func requestChecksums(ethernetBytes: Int, ipv4Bytes: Int, udp: Bool) {
        unsafe _unsafePerformance {
            unsafe cdpdk_request_checksums(
                mbuf, UInt16(truncatingIfNeeded: ethernetBytes),
                UInt16(truncatingIfNeeded: ipv4Bytes), udp)
        }
    }
}
