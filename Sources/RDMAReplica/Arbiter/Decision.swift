// SPDX-License-Identifier: Apache-2.0

/// Who may speak: the value of the arbiter's one key for a group of shards.
public struct Decision: Equatable, Sendable {
    /// Whether its primary speaks already.
    public enum Phase: String, Sendable {
        /// The primary acknowledges.
        case active
        /// It fences and reads what the one before it left, and is silent.
        case promoting
    }

    /// Of the group, from 1; a new one for each change of the primary.
    public var epoch: UInt32
    /// The number of a host, from 1.
    public var primary: UInt32
    /// The hosts that hold all that was acknowledged; `primary` is one of them.
    public var inSync: [UInt32]
    /// Whether the primary speaks.
    public var phase: Phase
    /// Of the host's attempt: tells whose swap it was whose outcome is unknown. Never used twice.
    public var nonce: UInt64

    /// How many hosts can be in sync.
    public static var hostCountMax: Int { 16 }

    /// From its parts.
    public init(epoch: UInt32, primary: UInt32, inSync: [UInt32], phase: Phase, nonce: UInt64) {
        self.epoch = epoch
        self.primary = primary
        self.inSync = inSync
        self.phase = phase
        self.nonce = nonce
    }

    /// Why it cannot be, as a clause; nil when it can.
    public var flaw: String? {
        if epoch == 0 { return "epochs are counted from 1" }
        if primary == 0 || inSync.contains(0) { return "hosts are counted from 1" }
        if !inSync.contains(primary) { return "the primary, \(primary), is not in sync" }
        if Set(inSync).count != inSync.count { return "a host is in sync twice" }
        if inSync.count > Self.hostCountMax {
            return "\(inSync.count) hosts are in sync, \(Self.hostCountMax) are the most"
        }
        return nil
    }
}
