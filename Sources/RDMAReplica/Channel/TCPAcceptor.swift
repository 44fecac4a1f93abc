// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: each stream goes to exactly one channel, which closes it.
internal import CTLS
internal import Glibc
internal import Platform
internal import Synchronization

/// Who was turned away, counted.
///
/// Threading: any.
public final class MirrorRefusals: Sendable {
    private let unauthenticated = Atomic<UInt64>(0)
    private let malformed = Atomic<UInt64>(0)
    private let refused = Atomic<UInt64>(0)

    /// Nobody yet.
    public init() {}

    /// Peers that did not prove that they know the key.
    public var unauthenticatedCount: UInt64 { unauthenticated.load(ordering: .relaxed) }
    /// Peers that did not speak the protocol, or broke its rules.
    public var malformedCount: UInt64 { malformed.load(ordering: .relaxed) }
    /// Peers that were told why they were not taken.
    public var refusedCount: UInt64 { refused.load(ordering: .relaxed) }

    func countUnauthenticated() { unauthenticated.wrappingAdd(1, ordering: .relaxed) }
    func countMalformed() { malformed.wrappingAdd(1, ordering: .relaxed) }
    func countRefused() { refused.wrappingAdd(1, ordering: .relaxed) }
}

/// Where requests over TCP come in. Whoever connects has two seconds to prove itself and to say
/// hello; of those who have not yet, the oldest makes room.
///
/// Threading: one thread.
@safe final class TCPAcceptor: MirrorAcceptor {
    private static var waitingLimit: Int { 32 }
    private static var patienceNanos: UInt64 { 2_000_000_000 }

    let description: String
    /// Who has connected is looked at until it has said hello.
    var descriptor: Int32? { waiting.isEmpty ? listener : nil }
    /// The port that it got.
    let port: UInt16
    private let listener: Int32
    private let key: MirrorKey?
    private let refusals: MirrorRefusals
    private let clock: CycleClock
    private var waiting: [(channel: TCPChannel, sinceCycles: UInt64)] = []

    /// Listens at a local address, host order (0 = all).
    init(
        address: UInt32, port: UInt16, key: MirrorKey?, refusals: MirrorRefusals, clock: CycleClock
    ) throws(MirrorError) {
        let text = "\(IPv4Text.format(address)):\(port)"
        listener = ctls_listen(address, port)
        switch -listener {
        case ...0: break
        case EADDRINUSE:
            throw MirrorError(
                code: EADDRINUSE,
                "another process listens at \(text): end it, or take another port")
        case EADDRNOTAVAIL:
            throw MirrorError(
                code: EADDRNOTAVAIL, "\(text) is no address of this host: `ip address` shows them")
        case let code:
            throw MirrorError(code: code, "cannot listen at \(text): \(SystemText.of(code))")
        }
        self.port = ctls_listening_port(listener)
        self.key = key
        self.refusals = refusals
        self.clock = clock
        description =
            "tcp at \(IPv4Text.format(address)):\(self.port)"
            + (key == nil ? ", unauthenticated" : ", TLS 1.3 with a shared key")
    }

    deinit { ctls_stop_listening(listener) }

    func takeRequest() throws(MirrorError) -> (channel: any MirrorChannel, hello: MirrorHello)? {
        try admit()
        let now = clock.nowCycles
        var index = 0
        while index < waiting.count {
            let (channel, since) = waiting[index]
            do throws(MirrorError) {
                _ = try channel.pump()
            } catch {
                channel.close()
                waiting.remove(at: index)
                throw error
            }
            if let hello = channel.takeHello() {
                waiting.remove(at: index)
                return (channel, hello)
            }
            if clock.nanos(now &- since) > Self.patienceNanos {
                channel.giveUp()
                waiting.remove(at: index)
            } else {
                index += 1
            }
        }
        return nil
    }

    private func admit() throws(MirrorError) {
        var code: Int32 = 0
        while let stream = unsafe ctls_accept(listener, key?.handle, &code) {
            if waiting.count == Self.waitingLimit { waiting.removeFirst().channel.giveUp() }
            let channel = unsafe TCPChannel(stream, key: key, isServer: true, refusals: refusals)
            waiting.append((channel, clock.nowCycles))
        }
        if code != 0 {
            throw MirrorError(
                code: code, "\(description): no connection can be taken: \(SystemText.of(code))")
        }
    }
}
