// SPDX-License-Identifier: Apache-2.0
//
// What the two sides write into each other's memory, beside records; docs/formats/mirror.md.
//
// SAFETY: what is read as bytes is a local copy of 64 bytes, and the pointer does not leave the
// closure. `copy` reads 64 bytes at an address that its caller vouches for, word by word: a NIC may
// be writing there.
internal import CPlatform
internal import Platform

/// 64 bytes in memory that the peer writes. Nothing says that they arrive at once, so they carry
/// the connection's nonce and a check, and count only whole.
protocol MirrorLine: BitwiseCopyable {
    /// Offset 56: the connection's nonce.
    var nonce: UInt32 { get }
    /// Offset 60: CRC-32C of bytes 0..<60.
    var crc32c: UInt32 { get set }
}

extension MirrorLine {
    /// The check that belongs to the rest.
    var check: UInt32 {
        unsafe withUnsafeBytes(of: self) { bytes in
            unsafe CRC32C.chained60(0, bytes.baseAddress!)
        }
    }

    func sealed() -> Self {
        var line = self
        line.crc32c = check
        return line
    }

    /// What lies there, if it is whole and of this connection.
    @unsafe static func copy(from memory: UnsafeRawPointer, nonce: UInt32) -> Self? {
        let words = unsafe cplatform_copy_line(memory)
        let line = unsafe withUnsafeBytes(of: words) { unsafe $0.loadUnaligned(as: Self.self) }
        return line.nonce == nonce && line.crc32c == line.check ? line : nil
    }
}

/// The primary's sign of life: 64 bytes in the standby's memory.
public struct PrimaryBeat: MirrorLine, Equatable, Sendable {
    /// Offset 0: counts beats, from 1.
    public var number: UInt64 = 0
    /// Offset 8: moved on by the matching loop itself; see ``MirrorVitals``.
    public var progress: UInt64 = 0
    /// Offset 16: the last record of the primary's log.
    public var publishedSequence: UInt64 = 0
    /// Offset 24: all up to here is told: what it means to sessions and to the public has left.
    public var toldSequence: UInt64 = 0
    /// Offset 32: the record behind which the state had `stateHash`; 0 = none yet.
    public var hashSequence: UInt64 = 0
    /// Offset 40: the state's hash there.
    public var stateHash: UInt64 = 0
    /// Offset 48: the primary's epoch.
    public var epoch: UInt32 = 0
    /// Offset 52: as the primary's roles define them.
    public var flags: UInt16 = 0
    /// Offset 54: the rules that the primary's log is under; 0 = it does not say.
    public var rules: UInt16 = 0
    /// Offset 56: the connection's nonce.
    public internal(set) var nonce: UInt32 = 0
    /// Offset 60: CRC-32C of bytes 0..<60.
    public internal(set) var crc32c: UInt32 = 0
}

/// How far the standby has come, as it writes it into the primary's memory: 64 bytes.
public struct MirrorCounter: MirrorLine, Equatable, Sendable {
    /// Offset 0: the standby has validated all up to here and taken it into its own log.
    public var sequence: UInt64 = 0
    /// Offset 8: all up to here is durable in its journal.
    public var durableSequence: UInt64 = 0
    /// Offset 16: counts what it writes, from 1.
    public var number: UInt64 = 0
    /// Offset 24: the first checkpoint at which its state has another hash; 0 = none.
    public var mismatchSequence: UInt64 = 0
    /// Offset 32: the newest epoch that it knows of.
    public var epoch: UInt32 = 0
    /// Offset 36: as the standby's roles define them.
    public var flags: UInt32 = 0
    /// Offset 40: the number of the piece of a snapshot that it waits for, from 1; 0 = it takes
    /// records.
    public var wantedPiece: UInt64 = 0
    /// Offset 48: zero.
    public var reserved1: UInt64 = 0
    /// Offset 56: the connection's nonce.
    public internal(set) var nonce: UInt32 = 0
    /// Offset 60: CRC-32C of bytes 0..<60.
    public internal(set) var crc32c: UInt32 = 0
}

/// What the caller of a ``MirrorSender`` tells its standby in each beat.
public struct MirrorVitals: Equatable, Sendable {
    /// A number that the matching loop moves on, also between the slices of long work.
    public var progress: UInt64
    /// All up to here is told: what it means to sessions and to the public has left.
    public var toldSequence: UInt64
    /// The last checkpoint: the record behind which the state had `stateHash`; 0 = none yet.
    public var hashSequence: UInt64
    /// The state's hash there.
    public var stateHash: UInt64
    /// As the roles define them.
    public var flags: UInt16
    /// The rules that the log is under; 0 = it has none yet.
    public var rules: UInt16

    /// From its parts.
    public init(
        progress: UInt64 = 0, toldSequence: UInt64 = 0, hashSequence: UInt64 = 0,
        stateHash: UInt64 = 0, flags: UInt16 = 0, rules: UInt16 = 0
    ) {
        self.progress = progress
        self.toldSequence = toldSequence
        self.hashSequence = hashSequence
        self.stateHash = stateHash
        self.flags = flags
        self.rules = rules
    }
}
