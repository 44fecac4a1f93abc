// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the text is a local of the call that filled it, and is read up to its first zero.
internal import CVerbs

/// What could not be done to mirror a log, for a person to read.
public struct MirrorError: Error, Equatable, CustomStringConvertible, Sendable {
    /// The errno value behind it, or the provider's number.
    public let code: Int32
    /// One sentence: cause and cure.
    public let description: String

    /// The same, with a clause before it that says what it was for.
    public func located(_ clause: String) -> MirrorError {
        MirrorError(code: code, "\(clause): \(description)")
    }

    /// From its parts.
    public init(code: Int32, _ description: String) {
        self.code = code
        self.description = description
    }

    init(_ error: cverbs_error) {
        var error = error
        code = error.code
        description = unsafe withUnsafeBytes(of: &error.text) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
