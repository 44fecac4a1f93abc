// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the text of `strerror` is copied at once.
internal import Glibc

/// Why the machine refused something, and what to do about it. Made on cold paths only.
public struct PlatformError: Error, Equatable, CustomStringConvertible, Sendable {
    /// What was refused.
    public enum Kind: Equatable, Sendable {
        /// No memory of any page size.
        case memory
        /// A processor or node that does not exist, or that this process may not use.
        case processor
        /// A thread could not be started.
        case thread
    }

    /// What was refused, for code to decide on.
    public let kind: Kind
    /// One clause: what was tried and what the system answered.
    public let cause: String
    /// One sentence: what would make it work.
    public let cure: String

    /// The two sentences for the operator.
    public var description: String { "\(cause). \(cure)" }

    internal init(_ kind: Kind, cause: String, errno number: Int32? = nil, cure: String) {
        self.kind = kind
        self.cause = number.map { "\(cause): \(SystemText.of($0))" } ?? cause
        self.cure = cure
    }
}
