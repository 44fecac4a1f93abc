// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Engine
internal import Platform
internal import Wire

// The state that a shard goes on from: of a snapshot, or a new engine for the whole log.
extension ShardRecovery {
    /// The engine to go on with: of a snapshot if there is one, with `windowRecordCount` records
    /// behind it if there is one so old, so that they fill the window of reports. Throws when the
    /// log needs a snapshot and has none, and when the limits are not the configuration's.
    func engine(
        _ configured: EngineLimits, windowRecordCount: UInt64, node: NUMANode?
    ) throws -> Engine {
        if let fold = try restore(windowRecordCount: windowRecordCount, node: node),
            let engine = fold.takeEngine()
        {
            try compare(engine.limits, configured)
            position = fold.position
            return engine
        }
        guard found.firstSequence == 1 else {
            let passed = skipped.map { "; passed over: \($0.error)" }.joined()
            throw JournalError.damaged(
                JournalDamage(
                    file: JournalFormat.segmentName(firstSequence: 1), offset: 0, sequence: 1,
                    what: "it and all before sequence \(found.firstSequence) is missing, and no "
                        + "snapshot of \(found.firstSequence - 1) or later can be used\(passed)")
            ).located(in: folder, shard: shard)
        }
        return try Engine(limits: firstLimits(configured), node: node)
    }

    private func restore(windowRecordCount: UInt64, node: NUMANode?) throws -> LogFold? {
        let usable = try usableSnapshots()
        let wanted = found.lastSequence - min(windowRecordCount, found.lastSequence)
        // The newest with a full window behind it; or else the one with most of it.
        let order = usable.filter { $0 <= wanted } + usable.filter { $0 > wanted }.reversed()
        for sequence in order {
            do throws(SnapshotError) {
                return try LogFold.restore(snapshots, sequence: sequence, node: node)
            } catch {
                skipped.append(SkippedSnapshot(sequence: sequence, error: error))
            }
        }
        return nil
    }

    /// The snapshots of this log from which it can be gone on, by their headers, newest first. What
    /// else is there is noted. Throws when one is whole and of more than the log has: then durable
    /// records are lost.
    private func usableSnapshots() throws -> [UInt64] {
        var usable: [UInt64] = []
        var lost: UInt64?
        var newestRules: UInt32?
        for sequence in try snapshots.sequences() {
            do throws(SnapshotError) {
                let place = try snapshots.loadHeader(sequence: sequence).position
                if sequence > found.lastSequence {
                    _ = try snapshots.load(sequence: sequence)
                    lost = lost ?? sequence
                    continue
                }
                // Those before the first segment are of no use, and no damage either.
                guard sequence >= found.firstSequence - 1 else { continue }
                try checkBelongs(place)
                usable.append(sequence)
                newestRules = max(newestRules ?? 0, place.rulesVersion)
            } catch {
                skipped.append(SkippedSnapshot(sequence: sequence, error: error))
            }
        }
        if let lost { throw ahead(lost) }
        // Each is good: it is this build that cannot go on from it.
        if let newestRules { try check(rules: newestRules) }
        return usable
    }

    private func checkBelongs(_ place: SnapshotPosition) throws(SnapshotError) {
        var cause = "it is not of this log: the record behind it does not go on from it"
        do throws(JournalError) {
            if try place.belongs(to: found, in: storage) { return }
        } catch { cause = "\(error)" }
        throw .refused(path: snapshots.path(sequence: place.sequence), cause: cause)
    }

    private func ahead(_ sequence: UInt64) -> JournalError {
        JournalError.damaged(
            JournalDamage(
                file: found.segments.last?.name ?? JournalFormat.segmentName(firstSequence: 1),
                offset: 0, sequence: found.lastSequence + 1,
                what: "the log ends with \(found.lastSequence), and "
                    + "snapshots/\(SnapshotStore.name(sequence: sequence)) was made of one that "
                    + "went to \(sequence) at least")
        ).located(in: folder, shard: shard)
    }

    /// The limits that the log was begun with, or else those of the configuration.
    private func firstLimits(_ configured: EngineLimits) throws -> EngineLimits {
        guard found.lastSequence > 0 else { return configured }
        var first: EngineLimits?
        try JournalRecovery.forEachCommand(storage, found, from: 1, through: 2) { _, continuation in
            first = continuation.map { EngineLimits(continuation: $0) }
        }
        try compare(first, configured)
        return first ?? configured
    }

    /// The configuration says the same as the log but for the price levels: they were counted from
    /// the instruments of that day.
    private func compare(_ logged: EngineLimits?, _ configured: EngineLimits) throws {
        var wanted = configured
        wanted.ladderTickCapacity = logged?.ladderTickCapacity ?? 0
        guard logged == wanted else {
            let differences = logged.map { Self.differences($0, wanted) } ?? "none are in it"
            throw Self.problem(
                "engine",
                "the log of shard \(shard) was begun with other limits: \(differences). Put them "
                    + "back, or begin a new journal in another folder")
        }
    }

    static func differences(_ logged: EngineLimits, _ configured: EngineLimits) -> String {
        let pairs: [(String, UInt32, UInt32)] = [
            ("engine.orderCapacity", logged.orderCapacity, configured.orderCapacity),
            ("sessions.capacity", logged.sessionCapacity, configured.sessionCapacity),
            ("engine.instrumentCapacity", logged.instrumentCapacity, configured.instrumentCapacity),
            (
                "engine.sessionOpenOrdersMax", logged.sessionOpenOrdersMax,
                configured.sessionOpenOrdersMax
            ),
        ]
        return pairs.filter { $0.1 != $0.2 }.map { "\($0.0) \($0.1) there, \($0.2) here" }
            .joined(separator: ", ")
    }
}
