// SPDX-License-Identifier: Apache-2.0
public import Platform

/// Why no engine was made of an image.
public enum EngineImageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Something in the image is not what it must be. `byteOffset` counts from its start; `found`
    /// and `right` are clauses for the operator.
    case damaged(section: EngineImageSection, byteOffset: Int, found: String, right: String)
    /// The machine refused the memory that its limits ask for.
    case memory(PlatformError)

    /// One or two sentences for the operator.
    public var description: String {
        switch self {
        case .damaged(let section, let byteOffset, let found, let right):
            "byte \(byteOffset) of the engine's image (\(section)): \(found); it must be \(right)"
        case .memory(let error):
            error.description
        }
    }
}
