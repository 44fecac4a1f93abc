// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A frame that the gateway sent, taken apart; nil for what is not a sound UDP frame.
public struct SentFrame {
    /// As it went out.
    public let frame: [UInt8]
    /// Its tags.
    public let vlanTags: [UInt16]
    /// Address of the receiver.
    public let destinationAddress: UInt32
    /// Port of the receiver.
    public let destinationPort: UInt16
    /// Port of the gateway.
    public let sourcePort: UInt16
    /// The order entry datagram.
    public let datagram: [UInt8]

    /// Takes a frame apart and checks lengths and the header's checksum.
    public init?(_ frame: [UInt8]) {
        var offset = 12
        var tags: [UInt16] = []
        while [0x8100, 0x88A8].contains(big16(frame, offset)) {
            tags.append(UInt16(big16(frame, offset + 2)))
            offset += 4
        }
        guard big16(frame, offset) == 0x0800 else { return nil }
        offset += 2
        let total = big16(frame, offset + 2)
        guard frame[offset] == 0x45, frame[offset + 9] == 17, frame.count == offset + total,
            internetChecksum(Array(frame[offset..<offset + 20])) == 0,
            big16(frame, offset + 24) == total - 20
        else { return nil }
        self.frame = frame
        vlanTags = tags
        destinationAddress = big32(frame, offset + 16)
        sourcePort = UInt16(big16(frame, offset + 20))
        destinationPort = UInt16(big16(frame, offset + 22))
        datagram = Array(frame[(offset + 28)...])
    }

    /// The head of the datagram.
    public var header: OrderEntryHeader { value(datagram, at: 0) }
    /// The type of its first message; 0 in a heartbeat.
    public var type: MessageType {
        MessageType(rawValue: datagram.count > 48 ? datagram[48] : 0)
    }
    /// Its one notice.
    public var notice: SessionNotice { value(datagram, at: 48) }
    /// Its logon answer.
    public var accepted: LogonAccepted { value(datagram, at: 48) }

    /// The bytes of its reports, each by itself.
    public var reports: [[UInt8]] {
        guard header.channel == .reports, header.messageCount > 0 else { return [] }
        let size = type == .executionReport ? 48 : 96
        precondition(datagram.count == 48 + Int(header.messageCount) * size, "reports fill it")
        return (0..<Int(header.messageCount)).map { index in
            Array(datagram[48 + index * size..<48 + (index + 1) * size])
        }
    }

    /// Its public reports.
    public var publicReports: [PublicReport] {
        guard header.channel == .publicReports else { return [] }
        precondition(datagram.count == 48 + Int(header.messageCount) * 64, "reports fill it")
        return (0..<Int(header.messageCount)).map { value(datagram, at: 48 + $0 * 64) }
    }
}
