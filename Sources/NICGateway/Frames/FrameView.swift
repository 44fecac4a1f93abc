// SPDX-License-Identifier: Apache-2.0

/// What a received frame turned out to be.
enum FrameContent {
    /// UDP for us.
    case datagram(UDPDatagram)
    /// An ARP packet; its header begins at this offset.
    case arp(offset: Int)
    /// An ICMP echo request for us; its IPv4 header begins at this offset.
    case echoRequest(offset: Int)
    /// Nothing for us; counted under this name.
    case dropped(GatewayCounter)
}

/// Where a UDP datagram lies in its frame, and whom it is from.
struct UDPDatagram {
    /// Bytes of Ethernet header and VLAN tags.
    var linkByteCount: Int
    /// Offset of the payload in the frame.
    var payloadOffset: Int
    /// Bytes of the payload.
    var payloadByteCount: Int
    /// IPv4 address and port of the sender: address << 16 | port, host order.
    var source: UInt64
    /// Port that it was sent to.
    var destinationPort: UInt16
}

/// Reads Ethernet, VLAN tags, IPv4 and UDP headers without copying.
///
/// SAFETY: `base` holds `byteCount` readable bytes while the view lives; every load is checked
/// against `byteCount` first, and the result only names offsets inside it.
@safe struct FrameView {
    private let base: UnsafeRawPointer
    private let byteCount: Int

    /// Over the bytes of one frame.
    @unsafe @inline(__always) init(_ base: UnsafeRawPointer, byteCount: Int) {
        unsafe self.base = base
        self.byteCount = byteCount
    }

    /// Finds out what the frame is. With `verifyingChecksums`, IPv4 and UDP checksums must be right
    /// (a UDP checksum of zero means that there is none).
    @inline(__always)
    func content(address: UInt32, verifyingChecksums: Bool) -> FrameContent {
        guard byteCount >= FrameFields.ethernetByteCount else { return .dropped(.frameTooShort) }
        var offset = FrameFields.ethernetByteCount
        var etherType = unsafe NetworkOrder.load16(base, 12)
        var tags = 0
        while etherType == FrameFields.etherTypeVLAN
            || etherType == FrameFields.etherTypeServiceVLAN
        {
            offset += FrameFields.vlanTagByteCount
            tags += 1
            guard tags <= 2, byteCount >= offset else { return .dropped(.frameTooShort) }
            etherType = unsafe NetworkOrder.load16(base, offset - 2)
        }
        if etherType == FrameFields.etherTypeIPv4 {
            return ipv4(at: offset, address: address, verifyingChecksums: verifyingChecksums)
        }
        guard etherType == FrameFields.etherTypeARP else { return .dropped(.otherEtherType) }
        guard byteCount >= offset + FrameFields.arpByteCount else {
            return .dropped(.frameTooShort)
        }
        return .arp(offset: offset)
    }

    @inline(__always)
    private func ipv4(at offset: Int, address: UInt32, verifyingChecksums: Bool) -> FrameContent {
        guard byteCount >= offset + FrameFields.ipv4ByteCount else {
            return .dropped(.frameTooShort)
        }
        let versionAndLength = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
        let headerByteCount = Int(versionAndLength & 0xF) * 4
        let totalByteCount = Int(unsafe NetworkOrder.load16(base, offset + 2))
        guard versionAndLength >> 4 == 4, headerByteCount >= FrameFields.ipv4ByteCount,
            totalByteCount >= headerByteCount, byteCount >= offset + totalByteCount
        else { return .dropped(.malformedIPv4) }
        guard unsafe NetworkOrder.load32(base, offset + 16) == address else {
            return .dropped(.otherAddress)
        }
        // More fragments, or a fragment offset: orders are never fragmented.
        guard unsafe NetworkOrder.load16(base, offset + 6) & 0x3FFF == 0 else {
            return .dropped(.fragmentedIPv4)
        }
        if verifyingChecksums {
            let sum = unsafe InternetChecksum.add(base + offset, count: headerByteCount)
            guard InternetChecksum.finish(sum) == 0 else { return .dropped(.wrongChecksum) }
        }
        let transport = offset + headerByteCount
        let transportByteCount = totalByteCount - headerByteCount
        switch unsafe base.load(fromByteOffset: offset + 9, as: UInt8.self) {
        case FrameFields.protocolUDP:
            return udp(
                at: transport, byteCount: transportByteCount, ipv4Offset: offset,
                verifyingChecksums: verifyingChecksums)
        case FrameFields.protocolICMP:
            guard transportByteCount >= FrameFields.icmpByteCount,
                unsafe NetworkOrder.load16(base, transport) == 0x0800
            else { return .dropped(.otherProtocol) }
            return .echoRequest(offset: offset)
        default:
            return .dropped(.otherProtocol)
        }
    }

    @inline(__always)
    private func udp(
        at offset: Int, byteCount available: Int, ipv4Offset: Int, verifyingChecksums: Bool
    ) -> FrameContent {
        guard available >= FrameFields.udpByteCount else { return .dropped(.malformedUDP) }
        let udpByteCount = Int(unsafe NetworkOrder.load16(base, offset + 4))
        guard udpByteCount >= FrameFields.udpByteCount, udpByteCount <= available else {
            return .dropped(.malformedUDP)
        }
        if verifyingChecksums, unsafe NetworkOrder.load16(base, offset + 6) != 0 {
            // The pseudo-header: both addresses, the protocol and the length.
            var sum = unsafe InternetChecksum.add(base + ipv4Offset + 12, count: 8)
            sum &+= UInt32(FrameFields.protocolUDP) &+ UInt32(udpByteCount)
            sum = unsafe InternetChecksum.add(base + offset, count: udpByteCount, to: sum)
            guard InternetChecksum.finish(sum) == 0 else { return .dropped(.wrongChecksum) }
        }
        let address = unsafe NetworkOrder.load32(base, ipv4Offset + 12)
        let port = unsafe NetworkOrder.load16(base, offset)
        return .datagram(
            UDPDatagram(
                linkByteCount: ipv4Offset, payloadOffset: offset + FrameFields.udpByteCount,
                payloadByteCount: udpByteCount - FrameFields.udpByteCount,
                source: UInt64(address) << 16 | UInt64(port),
                destinationPort: unsafe NetworkOrder.load16(base, offset + 2)))
    }
}
