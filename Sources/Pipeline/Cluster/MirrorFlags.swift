// SPDX-License-Identifier: Apache-2.0

/// What a primary says by the flags of its beats; docs/formats/mirror.md.
struct BeatFlags: OptionSet {
    let rawValue: UInt32
    /// The decision says that the standby is in sync.
    static let admitted = BeatFlags(rawValue: 1)
    /// The standby is asked to take over: nothing more comes.
    static let handingOver = BeatFlags(rawValue: 2)
    /// What the standby has behind the record that `hashSequence` names, whose CRC `stateHash` is,
    /// was never carried over: it is to be cut off.
    static let cutBack = BeatFlags(rawValue: 4)
}
