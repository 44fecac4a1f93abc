// SPDX-License-Identifier: Apache-2.0
public import Platform

/// What a gateway core counts. The names are what an operator reads.
public enum GatewayCounter: Int, CaseIterable, Sendable {
    // Frames.
    case framesReceived, framesSent
    case frameTooShort, severalSegments, otherEtherType, malformedIPv4, otherAddress, fragmentedIPv4
    case otherProtocol, malformedUDP, wrongChecksum, otherPort
    case arpReplies, arpAnnouncements, echoReplies, steeredInSoftware, steeringDropped
    case framesDiscarded
    // Datagrams that change nothing.
    case datagramTooShort, wrongVersion, wrongChannel, unknownSession, sessionNotOpen
    case wrongEpoch, wrongToken, wrongSource, unknownKey, unknownMessage, sizeMismatch
    case tooManyMessages
    // Sequences.
    case datagramsTaken, commands, refused, throttled, overLimitDropped
    case duplicateMessages, duplicateDatagrams, heldDatagrams, beyondWindowDropped, gapReports
    // Sessions.
    case logons, logonsRejected, sessionsResumed, epochNotices, timeouts
    case resendRequests, resentReports, resendsUnavailable, resendsFromHistory, resentPublicReports
    // Output.
    case commandsReported, reports, publicReports, heartbeats
    // Pressure: counted once for each poll that met it.
    case logFull, transmitFull, buffersExhausted

    /// Whether it says what became of input that brought nothing, or was held up.
    public var isDrop: Bool {
        switch self {
        case .frameTooShort, .severalSegments, .otherEtherType, .malformedIPv4, .otherAddress,
            .fragmentedIPv4, .otherProtocol, .malformedUDP, .wrongChecksum, .otherPort,
            .steeringDropped, .framesDiscarded, .datagramTooShort, .wrongVersion, .wrongChannel,
            .unknownSession, .sessionNotOpen, .wrongEpoch, .wrongToken, .wrongSource, .unknownKey,
            .unknownMessage, .sizeMismatch, .tooManyMessages, .refused, .throttled,
            .overLimitDropped, .duplicateMessages, .duplicateDatagrams, .beyondWindowDropped,
            .logonsRejected, .resendsUnavailable, .logFull, .transmitFull, .buffersExhausted:
            true
        case .framesReceived, .framesSent, .arpReplies, .arpAnnouncements, .echoReplies,
            .steeredInSoftware, .datagramsTaken, .commands, .heldDatagrams, .gapReports, .logons,
            .sessionsResumed, .epochNotices, .timeouts, .resendRequests, .resentReports,
            .resendsFromHistory, .resentPublicReports, .commandsReported, .reports, .publicReports,
            .heartbeats:
            false
        }
    }
}

/// All that a gateway core counts and measures: written by its thread, readable by any.
///
/// The cells are good as long as this, for it keeps their region; a number of `values` is a case's.
public final class GatewayCounters: Sendable {
    /// Where all of it lies in a counters file.
    public struct Places: Sendable {
        let values: CounterPlace
        let sessionsOpen: CounterPlace
        let logUsedMax: CounterPlace
        let eventsReported: CounterPlace
        let eventsUsedMax: CounterPlace
        let stages: [CounterPlace]
        let commit: CounterPlace
    }

    /// How long commands waited from their timestamp until their reports were given to the driver.
    public let commitLatencies: LatencyHistogram
    private let values: CounterCell
    let sessionsOpen: CounterCell
    let logUsedMax: CounterCell
    let eventsReported: CounterCell
    let eventsUsedMax: CounterCell
    let stages: GatewayStages
    private let region: CountersRegion

    /// Plans them for a shard, as `counter.NAME`, `stage.NAME.…` and so on.
    public static func plan(shard: UInt32, _ plan: inout CountersPlan) -> Places {
        plan.beginWriter()
        let values = GatewayCounter.allCases.map { plan.add("counter.\($0)", shard: shard) }
        let sessionsOpen = plan.add("sessions.open", .gauge, shard: shard)
        let logUsedMax = plan.add("log.usedMax", .gauge, shard: shard)
        let eventsReported = plan.add("events.reported", shard: shard)
        let eventsUsedMax = plan.add("events.usedMax", .gauge, shard: shard)
        let stages = GatewayStages.names.map {
            StageMeter.add($0, shard: shard, to: &plan)
        }
        return Places(
            values: values[0], sessionsOpen: sessionsOpen, logUsedMax: logUsedMax,
            eventsReported: eventsReported, eventsUsedMax: eventsUsedMax, stages: stages,
            commit: plan.addHistogram("commit.nanos", shard: shard))
    }

    /// All zero, at the places that `plan` gave.
    public init(_ region: CountersRegion, _ places: Places) {
        self.region = region
        values = region.cell(places.values)
        sessionsOpen = region.cell(places.sessionsOpen)
        logUsedMax = region.cell(places.logUsedMax)
        eventsReported = region.cell(places.eventsReported)
        eventsUsedMax = region.cell(places.eventsUsedMax)
        let meters = places.stages.map { StageMeter(region, $0) }
        stages = GatewayStages(
            receive: meters[0], decode: meters[1], sequence: meters[2], encode: meters[3],
            transmit: meters[4])
        commitLatencies = LatencyHistogram(region, places.commit)
    }

    /// Adds, by the core's thread only: a plain addition, for no other thread writes.
    @inline(__always)
    func add(_ counter: GatewayCounter, _ count: Int = 1) {
        values.next(counter.rawValue).add(UInt64(truncatingIfNeeded: count))
    }

    /// The number now; any thread.
    public subscript(counter: GatewayCounter) -> UInt64 {
        values.next(counter.rawValue).value
    }

    /// The last event whose reports are made; any thread.
    public var eventsReportedSequence: UInt64 { eventsReported.value }

    /// Every counter that is not zero, in order of declaration.
    public var nonZero: [(name: String, value: UInt64)] {
        GatewayCounter.allCases.compactMap { counter in
            let value = self[counter]
            return value == 0 ? nil : ("\(counter)", value)
        }
    }

    /// Cycles of the counter spent on what came in, up to the log; any thread.
    public var intakeCycles: UInt64 {
        stages.receive.cycleCount &+ stages.decode.cycleCount &+ stages.sequence.cycleCount
    }
}

/// The meters of a gateway core's stages. `match` is the engine's.
struct GatewayStages: BitwiseCopyable {
    static let names = ["receive", "decode", "sequence", "encode", "transmit"]

    /// A burst from the driver, and giving the buffers back.
    let receive: StageMeter
    /// Frames to records: headers, sessions, decoding, number, time and checksum.
    let decode: StageMeter
    /// Showing the burst to the readers of the log.
    let sequence: StageMeter
    /// Events to reports.
    let encode: StageMeter
    /// Sealing datagrams and handing them to the driver.
    let transmit: StageMeter
}
