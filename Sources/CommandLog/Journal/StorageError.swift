// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the system's text for an error is copied at once.
internal import Platform
internal import Glibc

/// What the file layer refused.
public struct StorageError: Error, Equatable, CustomStringConvertible, Sendable {
    /// What was tried: "create", "write", ….
    public let operation: String
    /// The file, or the folder, with its full path.
    public let file: String
    /// The system's number.
    public let errno: Int32
    /// What the operator can do.
    public let cure: String
    /// The shard whose log it is, where that is known.
    public internal(set) var shard: UInt32?

    /// With the three; the cure is the usual one of that number if none is given.
    public init(_ operation: String, file: String, errno: Int32, cure: String? = nil) {
        self.operation = operation
        self.file = file
        self.errno = errno
        self.cure = cure ?? Self.cure(of: errno)
    }

    /// Whether the disk is full.
    public var isOutOfSpace: Bool { errno == ENOSPC || errno == EDQUOT }

    /// Clauses for the operator: what, where, why, and the cure.
    public var description: String {
        let place = shard.map { "\(file) (shard \($0))" } ?? file
        return "cannot \(operation) \(place): \(SystemText.of(errno)); \(cure)"
    }

    internal static let cureOfBrokenDisk =
        "keep a copy of the folder, mend the disk and start again, or promote the standby; "
        + "what was acknowledged was not changed"

    private static func cure(of errno: Int32) -> String {
        switch errno {
        case ENOSPC, EDQUOT:
            "make room on that disk and start again; nothing that was acknowledged is lost"
        case EACCES, EPERM, EROFS:
            "let this user read and write there, and start again; nothing was changed"
        case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG:
            "check the folder's name; nothing was changed"
        case EISDIR:
            "a folder has the name of a file of the journal: move it away; nothing was changed"
        case EMFILE, ENFILE, ENOMEM:
            "give this process more of that, and start again; nothing was changed"
        default: cureOfBrokenDisk
        }
    }
}
