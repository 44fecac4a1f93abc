// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: bytes are lent to the C key for one call each, and are as many as it is told.
internal import CTLS
internal import Platform

/// What the watchdog of a dead primary says to its standby: docs/formats/death-notice.md.
///
/// It counts only for the connection whose nonce it carries, which nobody else was told, and which
/// never comes again: an old notice, or one of another run, says nothing.
public struct DeathNotice: Equatable, Sendable {
    /// Of every notice.
    public static var byteCount: Int { 64 }
    /// "NTDN".
    private static var magic: UInt32 { 0x4E44_544E }
    private static var version: UInt16 { 1 }
    private static var checkedByteCount: Int { 28 }
    private static var provenByteCount: Int { 32 }

    /// Who it is from, and for.
    public var identity: MirrorIdentity
    /// In which the primary spoke.
    public var epoch: UInt32
    /// Of the mirror of shard 0, as in its hello.
    public var nonce: UInt32

    /// From its parts.
    public init(identity: MirrorIdentity, epoch: UInt32, nonce: UInt32) {
        self.identity = identity
        self.epoch = epoch
        self.nonce = nonce
    }

    /// As it goes over the wire, with a proof under the key, or with zeroes where there is none.
    public func bytes(key: MirrorKey?) -> [UInt8] {
        var bytes: [UInt8] = []
        Self.put(Self.magic, &bytes)
        Self.put(Self.version, &bytes)
        Self.put(identity.host, &bytes)
        Self.put(identity.clusterHash, &bytes)
        Self.put(epoch, &bytes)
        Self.put(nonce, &bytes)
        Self.put(identity.peerHost, &bytes)
        Self.put(UInt16(0), &bytes)
        Self.put(Self.checksum(bytes), &bytes)
        var proof = [UInt8](repeating: 0, count: Int(CTLS_PROOF_BYTES))
        if let key, unsafe !ctls_prove(key.handle, bytes, bytes.count, &proof) { return [] }
        return bytes + proof
    }

    /// Out of a datagram that came to a host; nil when it is not whole, is from another than that
    /// host's peer, or is not proven under its key.
    public init?(_ bytes: some Collection<UInt8>, to identity: MirrorIdentity, key: MirrorKey?) {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount, Self.get(bytes, 0) == Self.magic,
            Self.get(bytes, 4) == Self.version, Self.get(bytes, 26) == UInt16(0),
            Self.get(bytes, 28) == Self.checksum(Array(bytes[..<Self.checkedByteCount])),
            Self.get(bytes, 6) == identity.peerHost, Self.get(bytes, 24) == identity.host,
            Self.get(bytes, 8) == identity.clusterHash
        else { return nil }
        let proof = Array(bytes[Self.provenByteCount...])
        if let key {
            guard unsafe ctls_is_proven(key.handle, bytes, Self.provenByteCount, proof)
            else { return nil }
        } else {
            guard proof.allSatisfy({ $0 == 0 }) else { return nil }
        }
        self.identity = MirrorIdentity(
            cluster: identity.cluster, host: identity.peerHost, peerHost: identity.host)
        epoch = Self.get(bytes, 16)
        nonce = Self.get(bytes, 20)
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        unsafe CRC32C.update(0, bytes.span.bytes)
    }

    private static func put(_ number: some FixedWidthInteger, _ bytes: inout [UInt8]) {
        for place in 0..<number.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: number >> (8 * place)))
        }
    }

    private static func get<Number: FixedWidthInteger>(_ bytes: [UInt8], _ offset: Int) -> Number {
        (0..<Number.bitWidth / 8).reduce(0) { $0 | Number(bytes[offset + $1]) << (8 * $1) }
    }
}
