// SPDX-License-Identifier: Apache-2.0
import Glibc
import Platform
import Wire

@testable @_spi(Testing) import Engine

/// A command of one or two records.
struct Command {
    var record: LogRecord
    var continuation: LogRecord?

    init(_ record: LogRecord, _ continuation: LogRecord? = nil) {
        self.record = record
        self.continuation = continuation
    }
}

/// An engine with an event ring and dense sequences, as the pipeline would give them.
///
/// SAFETY: `ring` has `ringCapacity` events from `init` to `deinit`.
@safe struct Rig: ~Copyable {
    static let ringCapacity = 1024
    private let ring: UnsafeMutablePointer<Event>
    private var outbox: EventOutbox
    private var nextSequence: UInt64 = 1
    var engine: Engine
    var slices = 0

    init(_ limits: EngineLimits, sliceEvents: Int = 256) throws {
        unsafe ring = .allocate(capacity: Self.ringCapacity)
        outbox = unsafe EventOutbox(slots: ring, capacity: Self.ringCapacity, position: 1)
        engine = try Engine(limits: limits, sliceEvents: sliceEvents)
    }

    /// Goes on with an engine that was at `upcomingSequence`.
    init(_ engine: consuming Engine, upcomingSequence: UInt64) {
        unsafe ring = .allocate(capacity: Self.ringCapacity)
        outbox = unsafe EventOutbox(slots: ring, capacity: Self.ringCapacity, position: 1)
        self.engine = engine
        nextSequence = upcomingSequence
    }

    deinit { unsafe ring.deallocate() }

    /// Gives the command its sequence, applies it and answers its events.
    mutating func apply(_ command: Command) -> [Event] {
        var record = command.record
        record.sequence = nextSequence
        nextSequence += command.continuation == nil ? 1 : 2
        var events: [Event] = []
        var start = outbox.position
        var isComplete = engine.apply(
            record, continuation: command.continuation, into: &outbox)
        slices += 1
        while true {
            precondition(outbox.position - start <= UInt64(Engine.eventsPerSliceMax))
            for position in start..<outbox.position {
                events.append(unsafe ring[Int(position) & (Self.ringCapacity - 1)])
            }
            if isComplete { return events }
            start = outbox.position
            isComplete = engine.resume(into: &outbox)
            slices += 1
        }
    }

    /// The sequence that the next command will get.
    var upcomingSequence: UInt64 { nextSequence }
}

/// The 64 bytes of an event.
func bytes(_ event: Event) -> [UInt8] {
    unsafe withUnsafeBytes(of: event) { unsafe Array($0) }
}

/// Says how to repeat a run.
func announce(_ seed: UInt64) {
    print("re-run with: SEED=\(String(seed, radix: 16)) swift test --filter EngineTests")
}

let smallLimits = EngineLimits(
    orderCapacity: 48, sessionCapacity: 4, instrumentCapacity: 3, ladderTickCapacity: 5000,
    sessionOpenOrdersMax: 20)
