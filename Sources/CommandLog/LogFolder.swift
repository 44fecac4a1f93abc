// SPDX-License-Identifier: Apache-2.0
public import Platform
public import Wire

/// Whatever folds commands into state: the engine, for whoever replays, recovers or mirrors a log
/// without knowing what the commands mean.
public protocol LogFolder: ~Copyable {
    /// Applies one command, whole. `continuation` is its second record, if it has one.
    mutating func fold(_ record: LogRecord, continuation: LogRecord?)
    /// Says whether two folds of the same log agree.
    var stateHash: UInt64 { get }
}

/// A folder of the log whose whole state can be written down between two commands and taken up
/// again, so that recovery need not start at the first record.
///
/// Cold: both allocate. A folder made of an image folds all later commands as the one that wrote
/// it, has its `stateHash`, and writes the same image.
public protocol SnapshotFolder: LogFolder, ~Copyable {
    /// What is wrong with an image, in words for the operator.
    associatedtype ImageFailure: Error

    /// The state, as bytes that only this kind of folder understands.
    borrowing func encodeImage() -> [UInt8]
    /// The folder whose state `image` holds; of `limits`, if they are given. Takes memory on `node`
    /// if one is given. Throws when the image is not whole in every respect.
    static func decodeImage(
        _ image: RawSpan, limits: EngineLimits?, node: NUMANode?
    ) throws(ImageFailure) -> Self
}
