// SPDX-License-Identifier: Apache-2.0
public import NICGateway
internal import Platform
internal import Wire

/// Frames with orders of many sessions, as clients would send them, for a core that is a probe (see
/// `GatewayCore.becomeProbe`): the same ones may be sent again and again.
///
/// SAFETY: messages are plain integers without padding.
public struct ProbeTraffic: Sendable {
    /// The sessions' token.
    public static var token: UInt32 { 0x4E54_0001 }
    /// Whom the frames are from: 198.18.0.1, of the network for benchmarks (RFC 2544), port 9000.
    public static var source: UInt64 { UInt64(0xC612_0001 as UInt32) << 16 | 9_000 }
    /// The epoch that they name.
    public static var epoch: UInt32 { 1 }

    /// Sessions 1 to this.
    public let sessions: UInt32
    /// Orders in a frame: 1…35.
    public let packed: Int
    /// The frames, each of a session taken at random.
    public let frames: [[UInt8]]

    /// `count` frames to a gateway: its IPv4 address (host order), UDP port and Ethernet address.
    public init(
        to address: UInt32, udpPort: UInt16, macAddress: MACAddress, sessions: UInt32 = 1_000,
        packed: Int = 1, count: Int = 1_024
    ) {
        precondition(sessions > 0 && (1...35).contains(packed) && count > 0, "some orders")
        self.sessions = sessions
        self.packed = packed
        var random = SeededRandom(seed: 1)
        let head = Self.head(
            to: address, udpPort: udpPort, macAddress: macAddress,
            payloadByteCount: OrderEntryHeader.byteCount + packed * MemoryLayout<NewOrder>.size)
        frames = (0..<count).map { index in
            let session = 1 + UInt32(truncatingIfNeeded: random.next() % UInt64(sessions))
            let header = OrderEntryHeader(
                channel: .orders, messageCount: UInt16(packed), session: session,
                epoch: Self.epoch, sequence: 1, token: Self.token)
            var frame = head
            frame += unsafe withUnsafeBytes(of: header) { unsafe Array($0) }
            for order in 0..<packed {
                let message = NewOrder(
                    orderID: UInt64(index * packed + order + 1), instrument: 1,
                    side: order & 1 == 0 ? .buy : .sell,
                    priceTicks: 10_000 + Int64(random.next() % 100), quantityLots: 100)
                frame += unsafe withUnsafeBytes(of: message) { unsafe Array($0) }
            }
            return frame
        }
    }

    /// Ethernet, IPv4 and UDP, without checksums of UDP.
    private static func head(
        to address: UInt32, udpPort: UInt16, macAddress: MACAddress, payloadByteCount: Int
    ) -> [UInt8] {
        var frame = (0..<6).map { macAddress[$0] } + [0x02, 0, 0, 0, 0, 1, 0x08, 0x00]
        func append16(_ value: Int) {
            frame.append(UInt8(truncatingIfNeeded: value >> 8))
            frame.append(UInt8(truncatingIfNeeded: value))
        }
        let client = UInt32(truncatingIfNeeded: source >> 16)
        var words = [0x4500, 28 + payloadByteCount, 0, 0x4000, 0x4011, 0]
        words += [client, address].flatMap { [Int($0 >> 16), Int($0 & 0xFFFF)] }
        var sum = words.reduce(0, +)
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        words[5] = ~sum & 0xFFFF
        for word in words + [Int(source & 0xFFFF), Int(udpPort), 8 + payloadByteCount, 0] {
            append16(word)
        }
        return frame
    }
}
