// SPDX-License-Identifier: Apache-2.0
internal import Engine
internal import Wire

/// An engine over a log on disk: made when the log's first epoch says with which limits.
///
/// SAFETY: `events` has `capacity` values from `init` to `deinit`; the outbox masks its position.
@safe final class LogFold {
    private static let capacity = 4_096
    private let events: UnsafeMutablePointer<Event>
    private var outbox: EventOutbox
    private var engine: Engine?
    private(set) var commandCount: UInt64 = 0
    private(set) var eventCount: UInt64 = 0
    private(set) var lastSequence: UInt64 = 0
    private(set) var problem: String?

    init() {
        unsafe events = .allocate(capacity: Self.capacity)
        unsafe events.initialize(repeating: Event(kind: .nothing), count: Self.capacity)
        outbox = unsafe EventOutbox(slots: events, capacity: Self.capacity, position: 0)
    }

    deinit { unsafe events.deallocate() }

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
        var isComplete = engine!.apply(record, continuation: continuation, into: &outbox)
        drain(see)
        while !isComplete {
            isComplete = engine!.resume(into: &outbox)
            drain(see)
        }
        commandCount += 1
        lastSequence = continuation?.sequence ?? record.sequence
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
