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
    /// Events of the longest slice so far.
    var longestSlice = 0

    init(
        _ limits: EngineLimits, sliceEvents: Int = 256, bounds: StepBounds = StepBounds()
    ) throws {
        unsafe ring = .allocate(capacity: Self.ringCapacity)
        outbox = unsafe EventOutbox(slots: ring, capacity: Self.ringCapacity, position: 1)
        engine = try Engine(limits: limits, sliceEvents: sliceEvents, bounds: bounds)
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
            longestSlice = max(longestSlice, Int(outbox.position - start))
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

/// An epoch under rules 3, instrument 1 with prices from 1 to 500, and two sessions that log on.
func openMarket(_ limits: EngineLimits) -> [Command] {
    let detail = InstrumentDetail(symbol: "T", priceDecimals: 0, quantityDecimals: 0)
    var commands = [
        Command(
            .epochStart(
                epoch: 1, rulesVersion: 3, lastCarriedSequence: 0, indexSeed: 1, shard: 0, host: 0),
            limits.continuation),
        Command(
            .defineInstrument(
                instrument: 1, lowestPriceTicks: 1, highestPriceTicks: 500,
                quantityLotsMax: 100_000, operatorID: 1), detail.continuation),
    ]
    for session in 1...2 as ClosedRange<UInt32> {
        commands.append(
            Command(
                .logon(
                    session: session, nonce: 1, token: 1, heartbeatMillis: 1, source: 1, flags: 0)))
    }
    return commands
}

/// How to repeat a run.
func repeatLine(_ seed: UInt64) -> String {
    "re-run with: SEED=\(String(seed, radix: 16)) swift test --filter EngineTests"
}

/// Says it.
func announce(_ seed: UInt64) { print(repeatLine(seed)) }

let smallLimits = EngineLimits(
    orderCapacity: 48, sessionCapacity: 4, instrumentCapacity: 3, ladderTickCapacity: 5000,
    sessionOpenOrdersMax: 20)
