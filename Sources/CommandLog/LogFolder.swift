// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Whatever folds commands into state: the engine, for whoever replays, recovers or mirrors a log
/// without knowing what the commands mean.
public protocol LogFolder: ~Copyable {
    /// Applies one command, whole. `continuation` is its second record, if it has one.
    mutating func fold(_ record: LogRecord, continuation: LogRecord?)
    /// Says whether two folds of the same log agree.
    var stateHash: UInt64 { get }
}
