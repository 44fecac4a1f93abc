// SPDX-License-Identifier: Apache-2.0
import Engine
import Pipeline
import ShardRig
import Wire

/// Folds the records of a log once more, on an engine of its own, and writes every session's
/// reports in the plainest way: what the gateway should have sent.
///
/// SAFETY: `slots` has `capacity` events from `init` to `deinit`.
@safe final class Refold {
    private static let capacity = 1_024
    private let slots: UnsafeMutablePointer<Event>
    private var outbox: EventOutbox
    private var engine: Engine
    /// Every event, in order.
    private(set) var events: [Event] = []
    /// The long form of the reports of each session, from number 1 on.
    private(set) var reports: [UInt32: [ExtendedExecutionReport]] = [:]

    var stateHash: UInt64 { engine.stateHash }

    init(_ configuration: Configuration, _ records: [LogRecord]) throws {
        unsafe slots = .allocate(capacity: Self.capacity)
        outbox = unsafe EventOutbox(slots: slots, capacity: Self.capacity, position: 1)
        engine = try Engine(limits: configuration.engineLimits(shard: 0))
        var index = 0
        while index < records.count {
            let record = records[index]
            let continuation = record.isPair ? records[index + 1] : nil
            index += record.isPair ? 2 : 1
            report(fold(record, continuation), of: record)
        }
    }

    deinit { unsafe slots.deallocate() }

    private func fold(_ record: LogRecord, _ continuation: LogRecord?) -> [Event] {
        var found: [Event] = []
        var start = outbox.position
        var isComplete = engine.apply(record, continuation: continuation, into: &outbox)
        while true {
            for position in start..<outbox.position {
                found.append(unsafe slots[Int(position) % Self.capacity])
            }
            if isComplete { break }
            start = outbox.position
            isComplete = engine.resume(into: &outbox)
        }
        events += found
        return found
    }

    private func report(_ events: [Event], of record: LogRecord) {
        for (index, event) in events.enumerated() where event.kind.isReported {
            var reference = event.reference
            var liquidity: UInt8 = 0
            let isTrade = event.kind == .traded
            if isTrade {
                let isAggressor = event.attributes.contains(.aggressor)
                reference = events[isAggressor ? index - 1 : index + 1].disclosedReference
                liquidity = UInt8(ascii: isAggressor ? "R" : "A")
            }
            let number = UInt32(reports[event.session]?.count ?? 0) + 1
            let core = ExecutionReport(
                executionType: event.kind,
                attributes: EventAttributes(rawValue: event.attributes.rawValue & 15),
                reason: isTrade ? .none : Reason(rawValue: UInt8(event.detail)),
                sequence: number, orderID: event.orderID, reference: reference,
                priceTicks: event.priceTicks, quantityLots: event.quantityLots,
                timestampNanos: record.timestampNanos)
            reports[event.session, default: []].append(
                ExtendedExecutionReport(
                    core: core, instrument: event.instrument, account: event.account,
                    leavesLots: event.leavesLots, executedLots: event.executedLots,
                    commandSequence: record.sequence, tradeIndex: isTrade ? event.detail : 0,
                    liquidity: liquidity))
        }
    }
}
