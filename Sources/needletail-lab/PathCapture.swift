// SPDX-License-Identifier: Apache-2.0
import Glibc
import NICGateway
import Wire

/// A capture of the path bench's datagrams, and what it takes to play it lap after lap.
///
/// The file holds the logons of all sessions, an order flow, and a mass cancel of each session, so
/// that every lap begins with an empty book. Each lap the sequences go on where the last one ended.
///
/// SAFETY: the hook runs on the thread that polls the queue, which alone touches `position`; the
/// object outlives the port. A frame is touched after its length was found to hold a header.
@safe final class PathCapture: ReceiveHook, @unchecked Sendable {
    private static let burst = 32
    /// Bursts of repeated logons behind the real ones: time for their answers before orders come.
    private static let quietBursts = 4

    private var frames: [[UInt8]] = []
    private var messagesPerLap: [UInt32]
    private let logonFrames: Int
    private var tokens: [UInt32]
    private var position = 0
    /// Bursts to poll until every session is open.
    var logonBursts: Int { logonFrames / Self.burst }
    /// Commands of a lap.
    var commandsPerLap: Int { messagesPerLap.reduce(0) { $0 + Int($1) } }
    /// Frames of a lap.
    var frameCount: Int { frames.count }

    init(
        profile: OrderFlow.Profile, seed: UInt64, sessions: Int, packed: Int, datagrams: Int
    ) throws {
        messagesPerLap = Array(repeating: 0, count: sessions + 1)
        tokens = Array(repeating: 0, count: sessions + 1)
        let padded = (sessions + Self.burst - 1) / Self.burst * Self.burst
        logonFrames = padded + Self.quietBursts * Self.burst
        for index in 0..<logonFrames {
            frames.append(PathFrames.logon(session: UInt32(min(index + 1, sessions))))
        }
        let flow = try PathFrames(
            profile: profile, seed: seed, tokens: tokens, packed: packed,
            orders: datagrams * packed)
        for index in 0..<flow.store.count {
            let frame = unsafe Array(flow.store[index])
            messagesPerLap[Int(PathFrames.session(of: frame))] += UInt32(packed)
            frames.append(frame)
        }
        for session in 1...UInt32(sessions) {
            frames.append(
                PathFrames.massCancel(
                    session: session, sequence: messagesPerLap[Int(session)] + 1))
            messagesPerLap[Int(session)] += 1
        }
    }

    /// Writes the classic capture format: microseconds, Ethernet.
    func write(to path: String) throws {
        guard let file = unsafe fopen(path, "wb") else {
            throw PortError(code: errno, description: "cannot write \(path)")
        }
        defer { unsafe fclose(file) }
        func put(_ words: [UInt32]) {
            unsafe words.withUnsafeBytes { _ = unsafe fwrite($0.baseAddress, 1, $0.count, file) }
        }
        put([0xA1B2_C3D4, 0x0004_0002, 0, 0, 65_535, 1])
        for (index, frame) in frames.enumerated() {
            put([UInt32(index / 1_000_000), UInt32(index % 1_000_000)])
            put([UInt32(frame.count), UInt32(frame.count)])
            unsafe frame.withUnsafeBytes { _ = unsafe fwrite($0.baseAddress, 1, $0.count, file) }
        }
    }

    /// Keeps the token that a session was given.
    func setToken(_ token: UInt32, session: UInt32) { tokens[Int(session)] = token }

    /// Whether every session has its token.
    var isLoggedOn: Bool { tokens.dropFirst().allSatisfy { $0 != 0 } }

    /// Rewrites tokens, and the sequences of later laps.
    func received(
        _ burst: UnsafeMutablePointer<PacketPointer>, count: Int, queue: PortQueue
    ) -> Int {
        var kept = 0
        let headerOffset = PathFrames.headerOffset
        for index in 0..<count {
            let packet = unsafe Packet(burst[index])
            let lap = position / frames.count
            let isLogon = position % frames.count < logonFrames
            position += 1
            if isLogon && lap > 0 {
                queue.free(packet)
                continue
            }
            unsafe burst[kept] = packet.mbuf
            kept += 1
            if isLogon { continue }
            let start = unsafe UnsafeMutableRawPointer(packet.data) + headerOffset
            var header = unsafe start.loadUnaligned(as: OrderEntryHeader.self)
            header.token = tokens[Int(header.session)]
            header.sequence &+= UInt32(lap) &* messagesPerLap[Int(header.session)]
            unsafe start.storeBytes(of: header, as: OrderEntryHeader.self)
        }
        return kept
    }
}
