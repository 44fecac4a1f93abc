// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
public import CommandLog
internal import Glibc
public import Platform
internal import Wire

/// Where a standby waits for primaries: over RDMA, TCP, or both.
///
/// Threading: one thread; `refusals` is for all.
public final class MirrorListener {
    /// Who was turned away.
    public let refusals = MirrorRefusals()
    /// The TCP port that it got; nil without TCP.
    public let tcpPort: UInt16?
    /// What it listens at, for the start-up report.
    public var description: String { acceptors.map(\.description).joined(separator: " and ") }
    private let acceptors: [any MirrorAcceptor]

    /// Listens at a local address, host order (0 = all). With `auto` over TCP, and over RDMA where
    /// there is a device. Throws what a person can mend.
    public init(
        address: UInt32, port: UInt16, transport: MirrorTransport = .auto, key: MirrorKey? = nil,
        clock: CycleClock
    ) throws(MirrorError) {
        var acceptors: [any MirrorAcceptor] = []
        var tcpPort: UInt16?
        for candidate in transport.candidates {
            if candidate == .rdma {
                do throws(MirrorError) {
                    acceptors.append(try VerbsAcceptor(address: address, port: port))
                } catch {
                    if transport == .rdma { throw error }
                }
            } else {
                let tcp = try TCPAcceptor(
                    address: address, port: port, key: key, refusals: refusals, clock: clock)
                tcpPort = tcp.port
                acceptors.append(tcp)
            }
        }
        self.tcpPort = tcpPort
        self.acceptors = acceptors
    }

    /// Listens where somebody else has made the places: a simulation.
    public init(_ acceptors: [any MirrorAcceptor]) {
        tcpPort = nil
        self.acceptors = acceptors
    }

    /// The next primary that asks; nil when none does in the time. Throws when one had to be
    /// dropped; others may follow.
    public func next(timeoutMillis: UInt32 = 0) throws(MirrorError) -> MirrorRequest? {
        var leftMillis = timeoutMillis
        while true {
            for acceptor in acceptors {
                guard let request = try acceptor.takeRequest() else { continue }
                return MirrorRequest(request.channel, request.hello, refusals: refusals)
            }
            guard leftMillis > 0 else { return nil }
            leftMillis -= wait(atMostMillis: leftMillis)
        }
    }

    /// Until somebody connects, where the system can tell; else for a moment. Gives the time that
    /// it may have been.
    private func wait(atMostMillis millis: UInt32) -> UInt32 {
        guard acceptors.count == 1, let descriptor = acceptors[0].descriptor else {
            usleep(1_000)
            return 1
        }
        _ = cdatagrams_wait(descriptor, 0, UInt64(millis) * 1_000_000)
        return millis
    }
}

/// A primary that asks a standby for memory. Accept it or reject it.
///
/// Threading: one thread.
public final class MirrorRequest {
    /// What it says.
    public let hello: MirrorHello
    /// Over what it came and from whom.
    public var description: String { channel.description }
    private let channel: any MirrorChannel
    private let refusals: MirrorRefusals?

    /// A request that came in by `channel`.
    public init(_ channel: any MirrorChannel, _ hello: MirrorHello, refusals: MirrorRefusals? = nil)
    {
        self.channel = channel
        self.hello = hello
        self.refusals = refusals
    }

    /// Gives it memory to write records into that follow `chain`, the last that this host has; nil
    /// = it has nothing and takes what comes. `knownEpoch` is the newest one that this host knows
    /// of. `nowCycles` is the time where it is given. Throws when the primary had to be refused; it
    /// is told why.
    public func accept(
        by identity: MirrorIdentity = MirrorIdentity(), knownEpoch: UInt32 = 0,
        after chain: RecordChain? = nil, node: NUMANode? = nil, clock: CycleClock,
        nowCycles: UInt64? = nil
    ) throws(MirrorError) -> MirrorReceiver {
        try check(by: identity, knownEpoch: knownEpoch)
        let memory: ReceiverMemory
        do throws(MirrorError) {
            memory = try ReceiverMemory(
                channel, capacity: Int(hello.recordCapacity), node: node)
        } catch {
            reject(.memory, by: identity, knownEpoch: knownEpoch)
            throw error
        }
        let place =
            chain ?? RecordChain(lastSequence: hello.lastSequence, crc32c: hello.crc32c)
        try channel.accept(
            MirrorAnswer(
                ringAddress: memory.ringAddress, beatAddress: memory.beatAddress,
                lastSequence: place.lastSequence, crc32c: place.crc32c, ringKey: memory.key,
                epoch: knownEpoch, host: identity.host, oldestRules: identity.rules.oldest,
                newestRules: identity.rules.newest))
        return MirrorReceiver(
            channel, hello, memory, after: place, epoch: max(knownEpoch, hello.epoch), clock: clock,
            nowCycles: nowCycles ?? clock.nowCycles)
    }

    /// Turns a primary away that has to be refused, and throws why.
    public func check(by identity: MirrorIdentity, knownEpoch: UInt32) throws(MirrorError) {
        guard let refusal = hello.refusal(by: identity, knownEpoch: knownEpoch) else { return }
        reject(refusal, by: identity, knownEpoch: knownEpoch)
        throw MirrorError(
            code: EPROTO, "a request \(description) was refused for its \(refusal)")
    }

    /// Turns it away, and says why.
    public func reject(
        _ refusal: MirrorAnswer.Refusal, by identity: MirrorIdentity = MirrorIdentity(),
        knownEpoch: UInt32 = 0
    ) {
        refusals?.countRefused()
        channel.reject(
            MirrorAnswer(refusal: refusal.rawValue, epoch: knownEpoch, host: identity.host))
    }
}
