// SPDX-License-Identifier: Apache-2.0

#if NEEDLETAIL_MUTANTS
/// Bugs that are planted for `hw/scripts/mutation-check`, one at a time: each has to be found by
/// the simulator. In no other build.
public enum Mutant: String, CaseIterable, Sendable {
    /// What a completion says counts as validated by the standby.
    case completionIsValidation
    /// A primary goes solo before what it has acknowledged is on its disk.
    case soloBeforeDurable
    /// A standby is admitted that does not hold all that was acknowledged.
    case admittedEarly
    /// A standby that is not in sync takes over.
    case promotedOutOfSync
    /// A swap of which nothing is known counts as lost.
    case unknownIsLost
    /// A new primary does not take the old one's right to write.
    case noFence
    /// A standby takes records whose checksum is wrong.
    case uncheckedRecords
    /// A primary writes over records that its standby has not taken.
    case endlessWindow
    /// A sync that has failed counts as done.
    case syncErrorIgnored
    /// A mirror that has ended stays so.
    case neverReconnects
    /// A primary that stood still in the midst of a turn says what it had in hand.
    case speaksOnWaking
    /// An operator is told that a command is done when it is written.
    case answeredUncommitted
    /// A command of an operator is written twice.
    case wishWrittenTwice

    // SAFETY: set by the simulator before anything runs, in a process of one thread.
    /// The one that is planted.
    nonisolated(unsafe) public static var planted: Mutant?

    /// Whether it is.
    public var isPlanted: Bool { unsafe Mutant.planted == self }
}
#endif
