// SPDX-License-Identifier: Apache-2.0

/// A connection on which each side writes into the other's registered memory. Nothing else is
/// exchanged on it but a hello and its answer at the beginning.
///
/// `VerbsChannel` and `TCPChannel` are the real ones. An implementation may be driven by calls
/// alone: it needs no thread and no clock, for `pump` is called over and over.
///
/// The active side: `register`, `connect`, `takeAnswer` until it is there, then writes. The passive
/// one: `register`, `accept` or `reject`, then writes. Both: `pump` at each turn, `close` at last.
///
/// Threading: one thread at a time. Registered memory outlives `close`.
public protocol MirrorChannel: AnyObject {
    /// `rdma` or `tcp`.
    var transport: MirrorTransport { get }
    /// What it runs over and to whom, as `rxe0 port 1 to 10.9.0.1:7471`.
    var description: String { get }
    /// So long records wait for more while others are on their way, nanoseconds: many times what a
    /// write takes of both hosts' time beside what its bytes take. 0 = that is nothing.
    var gatherNanos: UInt64 { get }

    /// Registers memory as region 0, 1 or 2 and answers the key by which the peer names it.
    @unsafe func register(
        region: Int, _ base: UnsafeMutableRawPointer, byteCount: Int, isWrittenByPeer: Bool
    ) throws(MirrorError) -> UInt32
    /// Asks the peer. May wait for it, at most the time-out that the channel was made with.
    func connect(_ hello: MirrorHello) throws(MirrorError)
    /// The peer's answer, a refusal too; nil while there is none.
    func takeAnswer() throws(MirrorError) -> MirrorAnswer?
    /// Answers the request that this channel came from.
    func accept(_ answer: MirrorAnswer) throws(MirrorError)
    /// Refuses it. The channel is closed after that.
    func reject(_ answer: MirrorAnswer)

    /// Writes out of a region into the peer's memory, soon: at the latest at the next `pump`. The
    /// memory stays as it is until the completion of this write or of a later one; only a
    /// `isSignalled` write has one. At most ``MirrorWrites/limit`` writes are under way.
    @unsafe func write(
        region: Int, from memory: UnsafeRawPointer, byteCount: Int, to address: UInt64,
        key: UInt32, token: UInt64, isSignalled: Bool
    ) throws(MirrorError)
    /// Takes the next completion, if there is one. Throws when it is of a write that has failed.
    func takeCompletion() throws(MirrorError) -> UInt64?
    /// Moves what waits, both ways, without waiting itself. False when there was nothing to do.
    func pump() throws(MirrorError) -> Bool
    /// Moves what waits to be sent, without waiting itself: so much of `pump` behind some writes.
    func push() throws(MirrorError)
    /// Throws once the connection is over. May make a system call.
    func checkPeer() throws(MirrorError)

    /// Takes the peer's right to write away: from the return on nothing of it is placed any more.
    func fence(_ method: Fence) throws(MirrorError)
    /// Tells the peer that this is the end, as far as it can still be told.
    func disconnect()
    /// Ends it: from here on registered memory is neither read nor written. Nothing is called after
    /// it, but it may be called again.
    func close()
}

extension MirrorChannel {
    /// Where what is written leaves by itself, or both ways are one.
    public func push() throws(MirrorError) { _ = try pump() }
}

/// Where requests for channels come in.
///
/// Threading: one thread.
public protocol MirrorAcceptor: AnyObject {
    /// What it listens at.
    var description: String { get }
    /// Becomes readable when somebody connects; nil where one has to look.
    var descriptor: Int32? { get }
    /// The next request with its hello; nil when there is none. Does not wait. Throws when one had
    /// to be dropped; others may follow.
    func takeRequest() throws(MirrorError) -> (channel: any MirrorChannel, hello: MirrorHello)?
}

extension MirrorAcceptor {
    /// One has to look.
    public var descriptor: Int32? { nil }
}

/// How writes are numbered on a channel.
public enum MirrorWrites {
    /// Writes that may be under way: each counts until the completion of it or of a later one.
    public static var limit: Int { 32 }
    /// A completion is asked for so often: so four of them cover all that may be under way.
    public static var signalInterval: UInt64 { UInt64(limit) / 4 }
    /// A number below `limit` that no other write under way has.
    static func slot(_ write: UInt64) -> Int { Int(truncatingIfNeeded: write % UInt64(limit)) }
}
