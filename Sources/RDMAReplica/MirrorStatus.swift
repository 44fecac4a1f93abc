// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// How far a mirror is: what other threads may know of it.
///
/// Threading: written by the mirror's thread, read by any.
public final class MirrorStatus: Sendable {
    private let validated: Atomic<UInt64>
    private let records = Atomic<UInt64>(0)
    private let writes = Atomic<UInt64>(0)
    private let cause = Mutex<VerbsError?>(nil)

    init(lastSequence: UInt64) { validated = Atomic(lastSequence) }

    /// The standby has all up to here, and has checked it. Never goes back.
    public var validatedSequence: UInt64 { validated.load(ordering: .relaxed) }
    /// Records written.
    public var recordCount: UInt64 { records.load(ordering: .relaxed) }
    /// Writes that carried them.
    public var writeCount: UInt64 { writes.load(ordering: .relaxed) }
    /// Why the mirror has ended; nil while it has not.
    public var failure: VerbsError? { cause.withLock { $0 } }

    func setValidated(_ sequence: UInt64) { validated.store(sequence, ordering: .relaxed) }

    /// One thread writes: plain additions.
    func count(records added: Int) {
        records.store(recordCount &+ UInt64(added), ordering: .relaxed)
        writes.store(writeCount &+ 1, ordering: .relaxed)
    }

    func fail(_ error: VerbsError) { cause.withLock { if $0 == nil { $0 = error } } }
}
