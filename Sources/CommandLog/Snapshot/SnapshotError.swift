// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// Why a snapshot was not written or not read. Writing one is never needed to go on: the log is
/// there.
public enum SnapshotError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the system refused: `action` is a verb, `number` its errno.
    case system(path: String, action: String, number: Int32)
    /// Something in the file is not what it must be; `byteOffset` counts from its start.
    case damaged(path: String, byteOffset: Int, found: String, right: String)
    /// The image is whole and the folder refused it; its words.
    case refused(path: String, cause: String)
    /// A test stopped the work here, as a crash would.
    case stopped

    /// One sentence for the operator.
    public var description: String {
        switch self {
        case .system(let path, let action, let number):
            "cannot \(action) \(path): \(SystemText.of(number))"
        case .damaged(let path, let byteOffset, let found, let right):
            "\(path), byte \(byteOffset): \(found); it must be \(right)"
        case .refused(let path, let cause):
            "\(path): \(cause)"
        case .stopped:
            "stopped by a test"
        }
    }
}
