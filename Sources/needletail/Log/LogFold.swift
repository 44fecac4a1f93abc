// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Engine
internal import Wire

/// An engine over a log on disk: out of a snapshot, or made when the log's first epoch says with
/// which limits.
///
/// SAFETY: `events` has `capacity` values from `init` to `deinit`; the outbox masks its position.
@safe final class LogFold {
    private static let capacity = 4_096
    private let events: UnsafeMutablePointer<Event>
    private var outbox: EventOutbox
    private var engine: Engine?
    private(set) var commandCount: UInt64 = 0
    private(set) var eventCount: UInt64 = 0
    /// Where in the log the engine is.
    private(set) var position: SnapshotPosition
    private(set) var problem: String?

    /// At the beginning of a shard's log.
    init(shard: UInt32) {
        position = SnapshotPosition(
            shard: shard, epoch: 0, rulesVersion: 0, sequence: 0, recordCRC32C: 0,
            timestampNanos: 0)
        unsafe events = .allocate(capacity: Self.capacity)
        unsafe events.initialize(repeating: Event(kind: .nothing), count: Self.capacity)
        outbox = unsafe EventOutbox(slots: events, capacity: Self.capacity, position: 0)
    }

    deinit { unsafe events.deallocate() }

    /// At the newest snapshot of a store that is whole and not behind `until`; otherwise at the
    /// beginning. What was passed over is said in `skipped`.
    convenience init(
        _ store: SnapshotStore, until: UInt64, skipped: inout [SkippedSnapshot]
    ) throws(SnapshotError) {
        self.init(shard: store.shard)
        guard let snapshot = try store.loadNewest(sequenceMax: until, skipped: &skipped) else {
            return
        }
        do throws(EngineImageError) {
            // Bytes of UInt8 have no padding to leak.
            engine = try unsafe Engine.decodeImage(snapshot.image.span.bytes)
            position = snapshot.header.position
        } catch {
            problem = "snapshot at \(snapshot.header.position.sequence): \(error)"
        }
    }

    /// Writes the state down, and reads it again: only then it counts.
    func save(in store: SnapshotStore) throws(SnapshotError) {
        guard let image = engine?.encodeImage() else { return }
        try store.save(image: image, stateHash: stateHash, at: position)
        _ = try store.load(sequence: position.sequence)
    }

    /// Applies one command; `see` gets its events in order.
    func apply(_ record: LogRecord, _ continuation: LogRecord?, see: (Event) -> Void) {
        guard problem == nil else { return }
        if engine == nil {
            guard record.kind == .epochStart, let continuation else {
                problem = "the log does not begin with an epoch's start"
                return
            }
            do { engine = try Engine(limits: EngineLimits(continuation: continuation)) } catch {
                problem = "\(error)"
                return
            }
        }
        var chain = position.chain
        guard chain.take(record), continuation.map({ chain.take($0) }) ?? true else {
            problem = "the log does not go on behind sequence \(position.sequence)"
            return
        }
        var isComplete = engine!.apply(record, continuation: continuation, into: &outbox)
        drain(see)
        while !isComplete {
            isComplete = engine!.resume(into: &outbox)
            drain(see)
        }
        commandCount += 1
        let last = continuation ?? record
        position.sequence = last.sequence
        position.recordCRC32C = last.crc32c
        position.timestampNanos = record.timestampNanos
        if record.kind == .epochStart {
            position.epoch = record.session
            position.rulesVersion = record.sessionSequence
        }
    }

    var stateHash: UInt64 { engine?.stateHash ?? 0 }
    var openOrders: UInt32 { engine?.openOrders ?? 0 }
    var broken: String? { engine?.checkInvariants() }

    private func drain(_ see: (Event) -> Void) {
        eventCount += outbox.position
        for index in 0..<Int(outbox.position) { see(unsafe events[index]) }
        outbox.position = 0
    }
}
