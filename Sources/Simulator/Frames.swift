// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: plain values are read from arrays whose length was looked at before.
internal import Wire

/// Ethernet frames around a client's datagrams, and what a gateway sends.
enum Frames {
    static let gatewayAddress: UInt32 = 0x0A4D_0002
    static let gatewayPort: UInt16 = 7_000
    private static let payloadOffset = 42

    /// What a frame from a gateway is.
    enum Content {
        /// A datagram to the client of that port.
        case datagram(clientPort: UInt16, [UInt8])
        /// Says that the gateway's address is where the frame came from.
        case announcement
        /// Something else.
        case other
    }

    static func clientPort(session: UInt32) -> UInt16 { 9_000 + UInt16(session) }

    /// A UDP frame from a client to the gateway.
    static func frame(_ payload: [UInt8], session: UInt32) -> [UInt8] {
        var frame: [UInt8] = [0x02, 0x4E, 0x0A, 0x4D, 0x00, 0x02, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00]
        frame.reserveCapacity(payloadOffset + payload.count)
        append16(&frame, 0x4500)
        append16(&frame, UInt16(28 + payload.count))
        for word in [0, 0x4000, 0x4011, 0, 0x0A4D, UInt16(0x0100 + session), 0x0A4D, 0x0002] {
            append16(&frame, word)
        }
        append16(&frame, clientPort(session: session))
        append16(&frame, gatewayPort)
        append16(&frame, UInt16(8 + payload.count))
        append16(&frame, 0)
        return frame + payload
    }

    /// Asks everybody who has the gateway's address.
    static func question() -> [UInt8] {
        var frame = [UInt8](repeating: 0xFF, count: 6) + [0x02, 0, 0, 0, 0, 1, 0x08, 0x06]
        for word in [1, 0x0800, 0x0604, 1] as [UInt16] { append16(&frame, word) }
        frame += [0x02, 0, 0, 0, 0, 1, 0x0A, 0x4D, 0x01, 0x01, 0, 0, 0, 0, 0, 0]
        frame += [0x0A, 0x4D, 0x00, 0x02]
        return frame + [UInt8](repeating: 0, count: 60 - frame.count)
    }

    static func content(_ frame: [UInt8]) -> Content {
        guard frame.count >= payloadOffset else { return .other }
        switch word(frame, 12) {
        case 0x0806:
            // The sender's protocol address.
            let sender = UInt32(word(frame, 28)) << 16 | UInt32(word(frame, 30))
            return sender == gatewayAddress ? .announcement : .other
        case 0x0800 where frame[23] == 17:
            return .datagram(clientPort: word(frame, 36), Array(frame[payloadOffset...]))
        default: return .other
        }
    }

    static func value<Value: BitwiseCopyable>(
        _ bytes: [UInt8], at offset: Int, as type: Value.Type = Value.self
    ) -> Value? {
        guard offset + MemoryLayout<Value>.size <= bytes.count else { return nil }
        return unsafe bytes.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: offset, as: type)
        }
    }

    static func bytes<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] {
        unsafe withUnsafeBytes(of: value) { unsafe Array($0) }
    }

    private static func word(_ frame: [UInt8], _ offset: Int) -> UInt16 {
        UInt16(frame[offset]) << 8 | UInt16(frame[offset + 1])
    }

    private static func append16(_ frame: inout [UInt8], _ value: UInt16) {
        frame.append(UInt8(value >> 8))
        frame.append(UInt8(truncatingIfNeeded: value))
    }
}
