// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Platform
internal import RDMAReplica

/// The mirror thread's work on one shard: connects to the standby when it is to, and serves it.
///
/// Threading: of the mirror thread.
final class ShardMirror: @unchecked Sendable {
    /// So long after an attempt the next one begins.
    private static let retryNanos: UInt64 = 100_000_000

    private let sender: MirrorSender
    private let duty: ShardDuty
    private let snapshots: MirrorSnapshots
    private let clock: CycleClock
    private var lastTryCycles: UInt64?
    private var drops: UInt32 = 0

    init(
        _ sender: MirrorSender, duty: ShardDuty, progress: EngineProgress,
        snapshots: MirrorSnapshots, clock: CycleClock
    ) {
        self.snapshots = snapshots
        self.sender = sender
        self.duty = duty
        self.clock = clock
        let status = sender.status
        sender.vitals = {
            var flags: BeatFlags = []
            // Who comes back over another connection may have lost what it was admitted with.
            let admitted = duty.admittedNonce
            if admitted != 0, admitted == status.nonce { flags.insert(.admitted) }
            if duty.leavesStandbyOut { flags.insert(.alone) }
            if duty.offersHandOver { flags.insert(.offering) }
            if duty.isDrained { flags.insert(.handingOver) }
            let checkpoint = progress.lastCheckpoint
            return MirrorVitals(
                progress: progress.pulse, toldSequence: duty.gate.toldSequence,
                hashSequence: checkpoint.sequence, stateHash: checkpoint.stateHash,
                flags: flags.rawValue,
                rules: UInt16(truncatingIfNeeded: duty.rules.place.inForce))
        }
    }

    /// Goes on for a moment. False when there was nothing to do.
    func poll() -> Bool {
        let epoch = duty.mirrorEpoch
        if epoch == 0 || drops != duty.drops {
            drops = duty.drops
            if sender.status.phase != .idle { sender.close() }
            if epoch == 0 { return false }
        }
        if sender.status.phase == .idle {
            guard isDue() else { return false }
            sender.carried = duty.carried
            // Who waits to compare may have less than the other.
            sender.snapshots = duty.wanted == .serving ? snapshots : nil
            // Why not is in its status.
            try? sender.connect(epoch: epoch)
        }
        let hasWorked = sender.poll()
        let isServed = sender.status.phase == .live || sender.status.phase == .catchingUp
        duty.gate.validated.store(isServed ? sender.status.validatedSequence : 0)
        return hasWorked
    }

    private func isDue() -> Bool {
        let now = clock.nowCycles
        #if NEEDLETAIL_MUTANTS
        if Mutant.neverReconnects.isPlanted, lastTryCycles != nil { return false }
        #endif
        if let last = lastTryCycles, clock.nanos(now &- last) < Self.retryNanos {
            return false
        }
        lastTryCycles = now
        return true
    }

    /// How long it need not be polled for, nanoseconds: records wait for more, or no standby is to
    /// be served.
    var restNanos: UInt64 { duty.mirrorEpoch == 0 ? 2_000_000 : sender.restNanos }

    /// How far it is; any thread.
    var status: MirrorStatus { sender.status }

    /// Ends it.
    func close() { sender.close() }
}
