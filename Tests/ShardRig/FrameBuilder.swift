// SPDX-License-Identifier: Apache-2.0

/// Builds a UDP frame field by field, so that a test can get any one of them wrong.
public struct FrameBuilder {
    /// 802.1Q tags from the outside in; the ether type of the outer of two is 0x88A8.
    public var vlanTags: [UInt16] = []
    /// Where the frame is going.
    public var destinationMAC: [UInt8] = [2, 0x4E, 0x54, 0, 0, 1]
    /// Whom it is from.
    public var sourceMAC: [UInt8] = [2, 0xC1, 0, 0, 0, 1]
    /// Behind the tags.
    public var etherType = 0x0800
    /// Version and header words.
    public var versionAndLength: UInt8?
    /// Bytes of IPv4 options, a multiple of four.
    public var options: [UInt8] = []
    /// Flags and fragment offset.
    public var fragment = 0x4000
    /// Upper protocol.
    public var protocolNumber: UInt8 = 17
    /// Address of the sender, host order.
    public var sourceAddress: UInt32 = 0x0A01_0002
    /// Address of the gateway, host order.
    public var destinationAddress: UInt32 = 0x0A01_0001
    /// Port of the sender.
    public var sourcePort: UInt16 = 40_000
    /// Port of the gateway.
    public var destinationPort: UInt16 = 7_000
    /// Instead of the right total length.
    public var totalLength: Int?
    /// Instead of the right UDP length.
    public var udpLength: Int?
    /// Instead of the right IPv4 checksum.
    public var headerChecksum: Int?
    /// Whether a UDP checksum is written; without it is zero: none.
    public var hasUDPChecksum = true
    /// Instead of the right UDP checksum.
    public var udpChecksum: Int?
    /// Zeroes behind, up to the 60 bytes that Ethernet asks for.
    public var isPadded = true

    /// A frame from the usual client to the usual gateway.
    public init() {}

    /// Ethernet header with tags.
    public func link(etherType: Int) -> [UInt8] {
        var frame = destinationMAC + sourceMAC
        for (index, tag) in vlanTags.enumerated() {
            let isOuter = index + 1 < vlanTags.count
            frame += big16(isOuter ? 0x88A8 : 0x8100) + big16(Int(tag))
        }
        return frame + big16(etherType)
    }

    /// The whole frame around a payload.
    public func frame(_ payload: [UInt8]) -> [UInt8] {
        ipv4(udp(payload))
    }

    /// The whole frame around an IPv4 payload.
    public func ipv4(_ upper: [UInt8]) -> [UInt8] {
        let headerBytes = 20 + options.count
        var head: [UInt8] = [versionAndLength ?? UInt8(0x40 | headerBytes / 4), 0]
        head += big16(totalLength ?? headerBytes + upper.count) + [0, 0] + big16(fragment)
        head += [64, protocolNumber, 0, 0] + big32(sourceAddress) + big32(destinationAddress)
        head += options
        let checksum = big16(headerChecksum ?? internetChecksum(head))
        head[10] = checksum[0]
        head[11] = checksum[1]
        var frame = link(etherType: etherType) + head + upper
        if isPadded { while frame.count < 60 { frame.append(0) } }
        return frame
    }

    private func udp(_ payload: [UInt8]) -> [UInt8] {
        let length = 8 + payload.count
        var datagram = big16(Int(sourcePort)) + big16(Int(destinationPort))
        datagram += big16(udpLength ?? length) + [0, 0] + payload
        guard hasUDPChecksum else { return datagram }
        let pseudo = big32(sourceAddress) + big32(destinationAddress) + [0, 17] + big16(length)
        var checksum = udpChecksum ?? internetChecksum(pseudo + datagram)
        if checksum == 0 { checksum = 0xFFFF }
        datagram[6] = big16(checksum)[0]
        datagram[7] = big16(checksum)[1]
        return datagram
    }
}
