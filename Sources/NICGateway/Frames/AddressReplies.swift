// SPDX-License-Identifier: Apache-2.0

// ARP and ICMP echo, answered in the received buffer: a host that bypasses its kernel must say
// itself where it lives.
//
// SAFETY: `FrameView` has checked that the whole ARP packet, or the whole IPv4 packet with its ICMP
// header, lies in the frame; answers are not longer than what they answer.

extension GatewayCore {
    @inline(never)
    mutating func answerARP(_ packet: Packet, at offset: Int) -> BufferFate {
        let frame = unsafe packet.start
        let arp = unsafe frame + offset
        // Ethernet, IPv4, six and four bytes of address, a request for our address.
        guard unsafe NetworkOrder.load32(arp, 0) == 0x0001_0800,
            unsafe NetworkOrder.load32(arp, 4) == 0x0604_0001,
            unsafe NetworkOrder.load32(arp, 24) == configuration.ipv4Address, canTransmit
        else {
            counters.add(.otherAddress)
            return .free
        }
        counters.add(.arpReplies)
        unsafe frame.copyMemory(from: frame + 6, byteCount: 6)
        unsafe portMACAddress.store(to: frame + 6)
        unsafe NetworkOrder.store16(2, arp, 6)
        // Target: the sender's hardware and protocol address; sender: ours.
        unsafe (arp + 18).copyMemory(from: arp + 8, byteCount: 10)
        unsafe portMACAddress.store(to: arp + 8)
        unsafe NetworkOrder.store32(configuration.ipv4Address, arp, 14)
        return sendBack(packet)
    }

    @inline(never)
    mutating func answerEcho(_ packet: Packet, at offset: Int) -> BufferFate {
        guard canTransmit else { return .free }
        let frame = unsafe packet.start
        let ip = unsafe frame + offset
        let headerByteCount = Int(unsafe ip.load(as: UInt8.self) & 0xF) * 4
        counters.add(.echoReplies)
        unsafe frame.copyMemory(from: frame + 6, byteCount: 6)
        unsafe portMACAddress.store(to: frame + 6)
        let sender = unsafe NetworkOrder.load32(ip, 12)
        unsafe NetworkOrder.store32(configuration.ipv4Address, ip, 12)
        unsafe NetworkOrder.store32(sender, ip, 16)
        // Type 8 becomes 0: the checksum grows by 0x0800 (RFC 1624).
        let icmp = unsafe ip + headerByteCount
        unsafe NetworkOrder.store16(0, icmp, 0)
        let sum = unsafe UInt32(NetworkOrder.load16(icmp, 2)) + 0x0800
        unsafe NetworkOrder.store16(UInt16(truncatingIfNeeded: sum + sum >> 16), icmp, 2)
        return sendBack(packet)
    }

    private mutating func sendBack(_ packet: Packet) -> BufferFate {
        unsafe outbox[outboxCount] = packet.mbuf
        outboxCount &+= 1
        return .kept
    }
}
