// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
public import Wire

/// Where a mirror stands.
public enum MirrorPhase: UInt8, Sendable {
    /// Not connected: not yet, or not any more.
    case idle
    /// Asked, and waiting for the standby's answer.
    case connecting
    /// The standby is so far behind that it gets a snapshot in the place of records.
    case bringingUp
    /// The standby gets what it has missed.
    case catchingUp
    /// It gets each record as it is published.
    case live
}

/// How far a mirror is: what other threads may know of it.
///
/// Threading: written by the mirror's thread, read by any.
public final class MirrorStatus: Sendable {
    private let phaseNumber = Atomic<UInt8>(MirrorPhase.idle.rawValue)
    private let validated: Atomic<UInt64>
    private let durable: Atomic<UInt64>
    private let left = Atomic<UInt64>(0)
    private let records = Atomic<UInt64>(0)
    private let writes = Atomic<UInt64>(0)
    private let beatNumber = Atomic<UInt64>(0)
    private let mismatch = Atomic<UInt64>(0)
    private let epoch = Atomic<UInt32>(0)
    private let peerFlags = Atomic<UInt32>(0)
    private let shorter = Atomic<Bool>(false)
    private let share = Mutex<SnapshotShare?>(nil)
    private let rules = Mutex<RulesRange?>(nil)
    private let connectionNonce = Atomic<UInt32>(0)
    private let texts = Mutex<(description: String?, failure: MirrorError?)>((nil, nil))

    init(lastSequence: UInt64) {
        validated = Atomic(lastSequence)
        durable = Atomic(0)
    }

    /// Where it stands.
    public var phase: MirrorPhase {
        MirrorPhase(rawValue: phaseNumber.load(ordering: .acquiring)) ?? .idle
    }
    /// The standby has validated all up to here and taken it into its log. Goes back only when
    /// another connection begins with a standby that has less.
    public var validatedSequence: UInt64 { validated.load(ordering: .acquiring) }
    /// All up to here is durable in the standby's journal, as it says.
    public var durableSequence: UInt64 { durable.load(ordering: .acquiring) }
    /// Records that were published and not yet written to the standby, while it catches up.
    public var recordsLeft: UInt64 { left.load(ordering: .relaxed) }
    /// Records written.
    public var recordCount: UInt64 { records.load(ordering: .relaxed) }
    /// Bytes of them.
    public var byteCount: UInt64 { recordCount &* 64 }
    /// Writes that carried them.
    public var writeCount: UInt64 { writes.load(ordering: .relaxed) }
    /// The number of the last counter that came from the standby: moves on while it lives.
    public var standbyBeat: UInt64 { beatNumber.load(ordering: .relaxed) }
    /// The first checkpoint at which the standby's state has another hash; 0 = none.
    public var mismatchSequence: UInt64 { mismatch.load(ordering: .relaxed) }
    /// The newest epoch that the standby knows of.
    public var standbyEpoch: UInt32 { epoch.load(ordering: .relaxed) }
    /// The standby's flags, as the roles define them.
    public var standbyFlags: UInt32 { peerFlags.load(ordering: .relaxed) }
    /// The standby has answered, and its log ends before the first record that could follow it.
    public var isStandbyShorter: Bool { shorter.load(ordering: .relaxed) }
    /// The rules that the standby's build folds, as its last answer said; nil before one.
    public var standbyRules: RulesRange? { rules.withLock { $0 } }
    /// How much of a snapshot the standby has; nil unless it is brought up from one.
    public var snapshot: SnapshotShare? { share.withLock { $0 } }
    /// Of the last connection: only the standby at its end knows it too; 0 = there was none.
    public var nonce: UInt32 { connectionNonce.load(ordering: .relaxed) }
    /// Why the mirror has ended, or could not begin; nil while it has not.
    public var failure: MirrorError? { texts.withLock { $0.failure } }
    /// What it runs over and to whom; nil while it is idle.
    public var description: String? { texts.withLock { $0.description } }

    /// Release: pairs with the acquire of `phase`: what goes with a phase is seen with it.
    func set(_ phase: MirrorPhase) { phaseNumber.store(phase.rawValue, ordering: .releasing) }
    func noteShorter() { shorter.store(true, ordering: .relaxed) }
    func setStandbyRules(_ new: RulesRange) { rules.withLock { $0 = new } }
    func setSnapshot(_ new: SnapshotShare?) { share.withLock { $0 = new } }
    func setLeft(_ count: UInt64) { left.store(count, ordering: .relaxed) }
    /// Release: pairs with the acquire of `validatedSequence`: what was written before is seen by
    /// whoever opens a gate for it.
    func setValidated(_ sequence: UInt64) { validated.store(sequence, ordering: .releasing) }

    func note(_ counter: MirrorCounter) {
        durable.store(counter.durableSequence, ordering: .releasing)
        mismatch.store(counter.mismatchSequence, ordering: .relaxed)
        epoch.store(counter.epoch, ordering: .relaxed)
        peerFlags.store(counter.flags, ordering: .relaxed)
        beatNumber.store(counter.number, ordering: .relaxed)
    }

    /// One thread writes: plain additions.
    func count(records added: Int) {
        records.store(recordCount &+ UInt64(added), ordering: .relaxed)
        writes.store(writeCount &+ 1, ordering: .relaxed)
    }

    func begin(_ description: String, nonce: UInt32) {
        connectionNonce.store(nonce, ordering: .relaxed)
        peerFlags.store(0, ordering: .relaxed)
        shorter.store(false, ordering: .relaxed)
        texts.withLock { $0 = (description, nil) }
        mismatch.store(0, ordering: .relaxed)
    }

    func end(_ error: MirrorError?) {
        texts.withLock { $0 = (nil, error ?? $0.failure) }
        left.store(0, ordering: .relaxed)
        setSnapshot(nil)
        set(.idle)
    }
}
