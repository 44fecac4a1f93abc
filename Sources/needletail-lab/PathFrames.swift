// SPDX-License-Identifier: Apache-2.0
import NICGateway
import Platform
import Wire

/// The datagrams of a path bench, built once, with the right sequences and tokens.
///
/// SAFETY: messages are plain integers without padding; a frame is read only after its length was
/// found to hold what is read.
struct PathFrames {
    static let gatewayAddress: UInt32 = 0x0A4D_0002
    /// Where the order entry header begins: behind Ethernet, IPv4 and UDP.
    static let headerOffset = 42
    private static let clientAddress: UInt32 = 0x0A4D_0001
    private static let firstGatewayPort: UInt16 = 7000
    private static let clientPort: UInt16 = 9000

    let store: FrameStore
    let orderCount: Int
    let restingOrders: Int

    init(
        profile: OrderFlow.Profile, seed: UInt64, tokens: [UInt32], packed: Int, orders: Int,
        shard: Int = 0
    ) throws {
        let sessions = tokens.count - 1
        var flow = try OrderFlow(
            profile: profile, sessions: sessions, seed: seed, instrument: UInt32(shard) + 1)
        var random = SeededRandom(seed: seed ^ 0x5EED)
        var sequences = [UInt32](repeating: 1, count: sessions + 1)
        let count = max(1, orders / packed)
        store = FrameStore(capacityBytes: count * (42 + 48 + 40 * packed + 64))
        for _ in 0..<count {
            let session = 1 + Int(random.next() % UInt64(sessions))
            var messages: [UInt8] = []
            for _ in 0..<packed { messages += flow.next(session: session) }
            let header = OrderEntryHeader(
                channel: .orders, messageCount: UInt16(packed), session: UInt32(session), epoch: 1,
                sequence: sequences[session], token: tokens[session])
            sequences[session] += UInt32(packed)
            store.append(Self.frame(header, messages, shard: shard))
        }
        orderCount = count * packed
        restingOrders = flow.restingOrders
    }

    /// A logon of a session from the address that its orders come from.
    static func logon(session: UInt32, shard: Int = 0) -> [UInt8] {
        let header = OrderEntryHeader(
            channel: .control, messageCount: 1, session: session, epoch: 0, sequence: 0)
        let logon = Logon(
            nonce: UInt64(session), nextReportSequence: 0, heartbeatMillis: 60_000, flags: 0)
        return frame(header, unsafe withUnsafeBytes(of: logon) { unsafe Array($0) }, shard: shard)
    }

    /// A mass cancel of everything that a session has open.
    static func massCancel(session: UInt32, sequence: UInt32) -> [UInt8] {
        let header = OrderEntryHeader(
            channel: .orders, messageCount: 1, session: session, epoch: 1, sequence: sequence)
        let cancel = MassCancel(requestID: 1)
        return frame(header, unsafe withUnsafeBytes(of: cancel) { unsafe Array($0) })
    }

    /// The session of one of these frames.
    static func session(of frame: [UInt8]) -> UInt32 {
        unsafe frame.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: headerOffset, as: OrderEntryHeader.self).session
        }
    }

    /// Session and token of a frame with a `LogonAccepted`.
    static func token(in frame: [UInt8]) -> (session: UInt32, token: UInt32)? {
        guard
            frame.count >= headerOffset + OrderEntryHeader.byteCount
                + MemoryLayout<LogonAccepted>.size,
            frame[headerOffset + OrderEntryHeader.byteCount] == MessageType.logonAccepted.rawValue
        else { return nil }
        return unsafe frame.withUnsafeBytes { bytes in
            let header = unsafe bytes.loadUnaligned(
                fromByteOffset: headerOffset, as: OrderEntryHeader.self)
            let accepted = unsafe bytes.loadUnaligned(
                fromByteOffset: headerOffset + OrderEntryHeader.byteCount, as: LogonAccepted.self)
            return (header.session, accepted.token)
        }
    }

    private static func frame(
        _ header: OrderEntryHeader, _ messages: [UInt8], shard: Int = 0
    ) -> [UInt8] {
        let payload = unsafe withUnsafeBytes(of: header) { unsafe Array($0) } + messages
        var frame: [UInt8] = [0x02, 0x4E, 0x0A, 0x4D, 0x00, 0x02, 0x02, 0, 0, 0, 0, 1, 0x08, 0x00]
        func append16(_ value: Int) {
            frame.append(UInt8(truncatingIfNeeded: value >> 8))
            frame.append(UInt8(truncatingIfNeeded: value))
        }
        append16(0x4500)
        append16(28 + payload.count)
        append16(0)
        append16(0x4000)
        append16(0x4011)
        append16(0)
        for address in [clientAddress, gatewayAddress] {
            append16(Int(address >> 16))
            append16(Int(address & 0xFFFF))
        }
        append16(Int(clientPort))
        append16(Int(firstGatewayPort) + shard)
        append16(8 + payload.count)
        append16(0)
        return frame + payload
    }
}
