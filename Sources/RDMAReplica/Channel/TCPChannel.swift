// SPDX-License-Identifier: Apache-2.0
//
//  The one-sided write, carried out in software:
//
//      hello, answer           56 bytes each, first of all
//      then frames             address 8 · key 4 · byte count 4 · so many bytes
//      byte count 0            the end; the key says why
//
// SAFETY: `lines` holds the headers, one for each frame that may wait, and the greetings, from
// `init` to `deinit`. Payloads are read out of registered memory, which outlives the channel, and
// placed into it only within the bounds of a region that the peer may write, and not after a fence.
internal import CTLS
internal import Glibc
internal import Platform

/// A mirror's channel over TCP, in clear or under TLS with a shared key. It never waits.
///
/// A completion says that the kernel has the bytes, so that their memory may be used again; what
/// the peer has is known from what it writes back alone.
///
/// Threading: one thread at a time.
@safe final class TCPChannel: MirrorChannel, @unchecked Sendable {
    /// What `lines` has room for: frames, and behind them the greeting of each side, and what comes
    /// in.
    enum Place {
        static var headerByteCount: Int { 16 }
        static var greetingByteCount: Int { 56 }
        static var frames: Int { MirrorWrites.limit + 4 }
        static var said: Int { frames * headerByteCount }
        static var heard: Int { said + 64 }
        static var inbox: Int { heard + 64 }
        static var inboxByteCount: Int { 4_096 }
        static var discard: Int { inbox + inboxByteCount }
        static var discardByteCount: Int { 16_384 }
        static var byteCount: Int { discard + discardByteCount }
    }

    /// What a frame without bytes says.
    enum EndReason {
        static var ended: UInt32 { 1 }
        static var fenced: UInt32 { 2 }
    }

    enum Phase { case standing, greeting, deciding, open, closed }

    let transport = MirrorTransport.tcp
    /// System calls and a wake-up on either side.
    let gatherNanos: UInt64 = 100_000
    let description: String
    let peerText: String
    let stream: OpaquePointer
    let key: MirrorKey?
    let isServer: Bool
    let lines: UnsafeMutableRawPointer
    var regions = [Region?](repeating: nil, count: 3)
    var phase = Phase.standing
    /// It counts a peer that breaks the rules.
    let refusals: MirrorRefusals?

    /// What waits to be sent, in order, and how much of the first is gone.
    var outgoing: [Frame] = []
    var outgoingSent = 0
    private var outgoingCount: UInt64 = 0
    var completions: [UInt64] = []

    /// What is being received: bytes in the inbox that are no payload, and the rest of a payload.
    var filled = 0
    var target: UnsafeMutableRawPointer?
    var targetByteCount = 0
    private(set) var isFenced = false
    private var failure: MirrorError?
    /// The hello that came, or the answer.
    var isGreeted = false

    @safe struct Region {
        var base: UnsafeMutableRawPointer
        var byteCount: Int
        var key: UInt32
        var isWrittenByPeer: Bool
    }

    @safe struct Frame {
        var header: UnsafeMutableRawPointer
        var headerByteCount: Int
        var payload: UnsafeMutableRawPointer?
        var payloadByteCount: Int
        var token: UInt64
        var byteCount: Int { headerByteCount + payloadByteCount }
    }

    /// Begins to connect to an address, host order. Throws what a person can mend.
    convenience init(to address: UInt32, port: UInt16, key: MirrorKey?) throws(MirrorError) {
        var code: Int32 = 0
        guard let stream = unsafe ctls_connect(address, port, key?.handle, &code) else {
            throw Self.unreachable(code, "\(IPv4Text.format(address)):\(port)")
        }
        unsafe self.init(stream, key: key, isServer: false, refusals: nil)
    }

    @unsafe init(
        _ stream: OpaquePointer, key: MirrorKey?, isServer: Bool, refusals: MirrorRefusals?
    ) {
        unsafe self.stream = stream
        self.key = key
        self.isServer = isServer
        self.refusals = refusals
        let address = unsafe ctls_peer_address(stream)
        let port = unsafe ctls_peer_port(stream)
        peerText = "\(IPv4Text.format(address)):\(port)"
        description =
            "tcp \(isServer ? "from" : "to") \(peerText), "
            + (key == nil ? "unauthenticated" : "TLS 1.3 with a shared key")
        unsafe lines = .allocate(byteCount: Place.byteCount, alignment: 64)
        unsafe lines.initializeMemory(as: UInt8.self, repeating: 0, count: Place.byteCount)
        outgoing.reserveCapacity(Place.frames)
        completions.reserveCapacity(MirrorWrites.limit)
    }

    deinit {
        close()
        unsafe lines.deallocate()
    }

    @unsafe func register(
        region: Int, _ base: UnsafeMutableRawPointer, byteCount: Int, isWrittenByPeer: Bool
    ) -> UInt32 {
        let key = UInt32.random(in: 1...UInt32.max)
        unsafe regions[region] = Region(
            base: base, byteCount: byteCount, key: key, isWrittenByPeer: isWrittenByPeer)
        return key
    }

    func connect(_ hello: MirrorHello) throws(MirrorError) { say(hello) }

    func takeAnswer() throws(MirrorError) -> MirrorAnswer? {
        guard isGreeted else { return nil }
        isGreeted = false
        return unsafe (lines + Place.heard).loadUnaligned(as: MirrorAnswer.self)
    }

    /// The hello, on the side that was asked.
    func takeHello() -> MirrorHello? {
        guard isGreeted else { return nil }
        isGreeted = false
        return unsafe (lines + Place.heard).loadUnaligned(as: MirrorHello.self)
    }

    func accept(_ answer: MirrorAnswer) throws(MirrorError) {
        say(answer)
        phase = .open
        _ = try pump()
    }

    func reject(_ answer: MirrorAnswer) {
        say(answer)
        _ = try? flush()
        close()
    }

    private func say<Said: BitwiseCopyable>(_ said: Said) {
        let place = unsafe lines + Place.said
        unsafe place.storeBytes(of: said, as: Said.self)
        unsafe outgoing.append(
            Frame(
                header: place, headerByteCount: Place.greetingByteCount, payload: nil,
                payloadByteCount: 0, token: 0))
    }

    @unsafe func write(
        region: Int, from memory: UnsafeRawPointer, byteCount: Int, to address: UInt64,
        key: UInt32, token: UInt64, isSignalled: Bool
    ) throws(MirrorError) {
        if let failure { throw failure }
        precondition(outgoing.count < MirrorWrites.limit, "a write waits for room")
        precondition(byteCount > 0, "a write has a byte")
        unsafe enqueue(
            address, key, UnsafeMutableRawPointer(mutating: memory), byteCount,
            token: isSignalled ? token : 0)
    }

    @unsafe private func enqueue(
        _ address: UInt64, _ key: UInt32, _ payload: UnsafeMutableRawPointer?, _ byteCount: Int,
        token: UInt64
    ) {
        let slot = Int(truncatingIfNeeded: outgoingCount % UInt64(Place.frames))
        outgoingCount &+= 1
        let header = unsafe lines + slot * Place.headerByteCount
        unsafe header.storeBytes(of: address.littleEndian, as: UInt64.self)
        unsafe header.storeBytes(of: key.littleEndian, toByteOffset: 8, as: UInt32.self)
        unsafe header.storeBytes(
            of: UInt32(byteCount).littleEndian, toByteOffset: 12, as: UInt32.self)
        unsafe outgoing.append(
            Frame(
                header: header, headerByteCount: Place.headerByteCount, payload: payload,
                payloadByteCount: byteCount, token: token))
    }

    func takeCompletion() throws(MirrorError) -> UInt64? {
        completions.isEmpty ? nil : completions.removeFirst()
    }

    func pump() throws(MirrorError) -> Bool {
        let hasSent = try move { () throws(MirrorError) in try flush() }
        return try move { () throws(MirrorError) in try receive() } || hasSent
    }

    func push() throws(MirrorError) { _ = try move { () throws(MirrorError) in try flush() } }

    /// Once the stream stands. What fails once has failed for good.
    private func move(_ body: () throws(MirrorError) -> Bool) throws(MirrorError) -> Bool {
        if let failure { throw failure }
        do throws(MirrorError) {
            guard try establish() else { return false }
            return try body()
        } catch {
            failure = error
            throw error
        }
    }

    func checkPeer() throws(MirrorError) { if let failure { throw failure } }

    /// Both ways are one here: nothing that comes is placed any more, nor what has come and lies in
    /// the socket. The peer is told.
    func fence(_ method: Fence) throws(MirrorError) {
        guard !isFenced else { return }
        isFenced = true
        // The rest of a payload that has begun goes where all goes.
        unsafe enqueue(0, EndReason.fenced, nil, 0, token: 0)
        _ = try? flush()
    }

    func disconnect() {
        guard phase == .open, failure == nil else { return }
        unsafe enqueue(0, EndReason.ended, nil, 0, token: 0)
        _ = try? flush()
    }

    /// Lets a peer go that has not said hello in its time.
    func giveUp() {
        if phase == .standing, key != nil {
            refusals?.countUnauthenticated()
        } else {
            refusals?.countMalformed()
        }
        close()
    }

    func close() {
        guard phase != .closed else { return }
        phase = .closed
        failure = failure ?? MirrorError(code: ENOTCONN, "the connection is closed")
        unsafe ctls_close(stream)
    }

    static func unreachable(_ code: Int32, _ peer: String) -> MirrorError {
        switch code {
        case ECONNREFUSED:
            MirrorError(
                code: code,
                "nobody listens at \(peer) over TCP: start the standby there first, or correct "
                    + "the address")
        case EACCES:
            MirrorError(
                code: code,
                "\(peer) does not prove that it has the key of this mirror: put the same keyFile "
                    + "on both hosts")
        default:
            MirrorError(
                code: code,
                "\(peer) cannot be reached over TCP: \(SystemText.of(code)); check the address, "
                    + "the route, and that both hosts have the same keyFile or none")
        }
    }
}
