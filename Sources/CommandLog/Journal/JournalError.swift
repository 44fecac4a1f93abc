// SPDX-License-Identifier: Apache-2.0
public import Platform

/// Something is wrong with what had been made durable. Nothing is repaired or cut by itself.
public struct JournalDamage: Error, Equatable, CustomStringConvertible, Sendable {
    /// The folder, with its full path.
    public internal(set) var folder = ""
    /// The shard whose log it is.
    public internal(set) var shard: UInt32 = 0
    /// The file in it.
    public let file: String
    /// Offset in the file, in bytes.
    public let offset: Int
    /// The first sequence that cannot be had.
    public let sequence: UInt64
    /// What was found, and what belongs there.
    public let what: String
    /// How to repair it.
    public let cure: String

    /// With the usual cure; the folder and the shard are filled in by whoever knows them.
    public init(file: String, offset: Int, sequence: UInt64, what: String) {
        self.file = file
        self.offset = offset
        self.sequence = sequence
        self.what = what
        cure =
            file == JournalFormat.tailName
            ? "Keep a copy of the folder. A tail of another moment would lose, unseen, what came "
                + "after it: only a standby has these records. Nothing was changed."
            : "Keep a copy of the folder, then put \(file) back from an archive (the chain tells "
                + "whether it fits), or promote the standby. Nothing was changed."
    }

    /// Three sentences for the operator.
    public var description: String {
        "\(folder)/\(file) (shard \(shard)), offset \(offset), "
            + "sequence \(sequence): \(what). \(cure)"
    }
}

/// Why a journal cannot be read or written.
public enum JournalError: Error, Equatable, CustomStringConvertible, Sendable {
    /// The start is refused.
    case damaged(JournalDamage)
    /// The file layer said no.
    case storage(StorageError)
    /// A write came back with fewer bytes than were given.
    case shortWrite(file: String, byteCount: Int, taken: Int)
    /// No memory for buffers.
    case memory(PlatformError)

    /// One line for the operator.
    public var description: String {
        switch self {
        case .damaged(let damage): damage.description
        case .storage(let error): error.description
        case .shortWrite(let file, let byteCount, let taken):
            "cannot write \(file): \(taken) of \(byteCount) bytes were taken; "
                + StorageError.cureOfBrokenDisk
        case .memory(let error): error.description
        }
    }

    /// The same, told where it happened.
    public func located(in folder: String, shard: UInt32) -> JournalError {
        switch self {
        case .damaged(var damage):
            damage.folder = folder
            damage.shard = shard
            return .damaged(damage)
        case .storage(var error):
            error.shard = shard
            return .storage(error)
        case .shortWrite, .memory: return self
        }
    }

    /// Zeroed page-aligned memory.
    internal static func pages(_ count: Int) throws(JournalError) -> HugePages {
        do {
            return try HugePages(
                byteCount: count * JournalFormat.pageByteCount, preferred: .small)
        } catch { throw .memory(error) }
    }
}
