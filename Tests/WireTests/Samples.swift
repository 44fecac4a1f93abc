// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

// Most fields of a sample hold the bytes `offset + 1, offset + 2, …`, so every field differs from
// every other and a misplaced byte says where it came from. Golden/*.hex were written apart from
// this code.

private func u16(_ offset: UInt16) -> UInt16 { (offset + 1) | (offset + 2) << 8 }
private func u32(_ offset: UInt32) -> UInt32 {
    UInt32(u16(UInt16(offset))) | UInt32(u16(UInt16(offset + 2))) << 16
}
private func u64(_ offset: UInt32) -> UInt64 { UInt64(u32(offset)) | UInt64(u32(offset + 4)) << 32 }
private func i64(_ offset: UInt32) -> Int64 { Int64(bitPattern: u64(offset)) }

/// A structure made by its public initialiser, under the name of its golden file.
struct Sample: CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let roundTrip: @Sendable ([UInt8]) -> [UInt8]
    var testDescription: String { name }

    init<T: BitwiseCopyable>(_ structure: T, as name: String? = nil) {
        self.name = name ?? "\(T.self)"
        bytes = WireTests.bytes(of: structure)
        roundTrip = { WireTests.bytes(of: value(T.self, from: $0)) }
    }
}

let samples: [Sample] = recordSamples + orderSamples + reportSamples + sessionSamples

private func stamped(_ record: LogRecord) -> LogRecord {
    var record = record
    record.sequence = u64(0)
    record.timestampNanos = u64(8)
    record.crc32c = u32(60)
    return record
}

private func continuation() -> OrderContinuation {
    var second = OrderContinuation()
    second.sequence = u64(0)
    second.triggerPriceTicks = i64(8)
    second.peakLots = u64(16)
    second.minimumLots = u64(24)
    second.expirySeconds = u32(32)
    second.algorithmID = u32(36)
    second.clientTagLow = u64(40)
    second.clientTagMiddle = u32(48)
    second.clientTagHigh = u16(52)
    second.capacity = UInt8(ascii: "A")
    second.triggerCondition = 2
    second.crc32c = u32(60)
    return second
}

private func replaceRecord() -> LogRecord {
    var record = LogRecord(
        kind: .replaceOrder, session: u32(16), sessionSequence: u32(20), orderID: u64(24),
        priceTicks: i64(32), quantityLots: u64(40))
    record.originalOrderID = u64(48)
    return stamped(record)
}

private let bust = TradeBust(
    tradeSequence: u64(24), tradeIndex: u16(48), instrument: u32(52), priceTicks: i64(32),
    quantityLots: u64(40), isOfAuction: true, restingSide: .sell,
    resting: BustedSide(
        orderID: u64(8), otherReference: u64(16), session: u32(24), account: u32(28)),
    aggressor: BustedSide(
        orderID: u64(32), otherReference: u64(40), session: u32(48), account: u32(52)))

private let recordSamples = [
    Sample(
        stamped(
            LogRecord(
                kind: .newOrder, session: u32(16), sessionSequence: u32(20), orderID: u64(24),
                priceTicks: i64(32), quantityLots: u64(40), account: u32(48), instrument: u32(52),
                attributes: OrderAttributes(side: .sell, timeInForce: .goodTillCancel),
                flags: RecordFlags.postOnly | SelfTradePrevention.cancelOldest.flags))),
    Sample(continuation()),
    Sample(
        stamped(
            LogRecord.epochStart(
                epoch: u32(16), rulesVersion: u32(20), lastCarriedSequence: u64(24),
                indexSeed: u64(32), shard: u32(48), host: u32(52))), as: "EpochStart"),
    Sample(
        stamped(
            EngineLimits(
                orderCapacity: u32(16), sessionCapacity: u32(20), instrumentCapacity: u32(24),
                ladderTickCapacity: u32(28), sessionOpenOrdersMax: u32(32)
            ).continuation), as: "EngineLimits"),
    Sample(
        stamped(
            LogRecord.defineInstrument(
                instrument: u32(52), lowestPriceTicks: i64(32), highestPriceTicks: i64(40),
                quantityLotsMax: u64(24), operatorID: u32(16))), as: "DefineInstrument"),
    Sample(
        stamped(
            InstrumentDetail(symbol: "NEEDLETAILUSDX", priceDecimals: 2, quantityDecimals: 8)
                .continuation), as: "InstrumentDetail"),
    Sample(
        stamped(LogRecord.activateRules(version: u32(24), operatorID: u32(16))),
        as: "ActivateRules"),
    Sample(
        stamped(
            LogRecord.logon(
                session: u32(16), nonce: u64(24), token: u32(48), heartbeatMillis: u32(52),
                source: u64(40),
                flags: RecordFlags.cancelOnDisconnect | RecordFlags.extendedReports)),
        as: "LogonRecord"),
    Sample(replaceRecord(), as: "ReplaceRecord"),
    Sample(stamped(bust.record(operatorID: u32(16))), as: "BustRecord"),
    Sample(stamped(bust.continuation), as: "BustedSides"),
    Sample(
        Event(
            kind: .traded, attributes: [.sell, .aggressor, .last], detail: u16(62),
            session: u32(48), account: u32(52), instrument: u32(56), orderID: u64(0),
            reference: u64(8), priceTicks: i64(16), quantityLots: u64(24), leavesLots: u64(32),
            executedLots: u64(40))),
]

private func header() -> OrderEntryHeader {
    var header = OrderEntryHeader(
        channel: .orders, messageCount: u16(2), session: u32(4), epoch: u32(8), sequence: u32(16),
        receivedThrough: u32(20), committedThrough: u32(24), token: u32(28),
        flags: OrderEntryHeader.resentFlag)
    header.keyID = u16(12)
    header.tagLow = u64(32)
    header.tagHigh = u64(40)
    return header
}

private func publicHeader() -> OrderEntryHeader {
    var header = OrderEntryHeader(
        channel: .publicReports, messageCount: u16(2), session: u32(4), epoch: u32(8), sequence: 0)
    header.keyID = u16(12)
    header.publicSequence = u64(16)
    header.committedThrough = u32(24)
    header.token = u32(28)
    header.tagLow = u64(32)
    header.tagHigh = u64(40)
    return header
}

private let newOrder = NewOrder(
    orderID: u64(8), instrument: u32(4), side: .sell, priceTicks: i64(24), quantityLots: u64(32),
    account: u64(16), orderType: .market, timeInForce: .goodTillCancel, flags: 5)

private let orderSamples = [
    Sample(header()), Sample(publicHeader(), as: "PublicHeader"), Sample(newOrder),
    Sample(CancelOrder(orderID: u64(8), instrument: u32(4))),
    Sample(
        ReplaceOrder(
            originalOrderID: u64(8), newOrderID: u64(16), priceTicks: i64(24), totalLots: u64(32),
            flags: 2)),
    Sample(ReduceOrder(orderID: u64(8), instrument: u32(4), totalLots: u64(16))),
    Sample(MassCancel(requestID: u64(8), instrument: u32(4), sides: 2)),
    Sample(
        MassCancelByAccount(
            requestID: u64(8), account: u64(16), instrument: u32(4), sides: 2)),
    Sample(Logout()),
]

private let report = ExecutionReport(
    executionType: .cancelled, attributes: [.sell, .resting], reason: .selfTradePrevented,
    sequence: u32(4), orderID: u64(8), reference: u64(16), priceTicks: -5, quantityLots: u64(32),
    timestampNanos: u64(40))

private func extendedReport() -> ExtendedExecutionReport {
    var extended = ExtendedExecutionReport(
        core: report, instrument: u32(48), account: u32(52), leavesLots: u64(56),
        executedLots: u64(64), commandSequence: u64(72), tradeIndex: u16(80),
        liquidity: UInt8(ascii: "R"))
    extended.feeAsset = u32(84)
    extended.fee = -7
    return extended
}

private let reportSamples = [
    Sample(report), Sample(extendedReport()),
    Sample(
        PublicReport(
            kind: .executed, side: .sell, instrument: u32(4), commandSequence: u64(8),
            reference: u64(16), aggressorReference: u64(24), priceTicks: i64(32),
            quantityLots: u64(40), timestampNanos: u64(48), tradeIndex: u16(56))),
]

private let sessionSamples = [
    Sample(
        Logon(nonce: u64(8), nextReportSequence: u32(4), heartbeatMillis: u16(2), flags: 3)),
    Sample(
        LogonAccepted(
            flags: 3, heartbeatMillis: u16(2), token: u32(4), expectedSequence: u32(8),
            nextReportSequence: u32(12), nonce: u64(16), reorderWindow: u16(24),
            messagesPerDatagramMax: u16(26), messagesPerSecond: u32(28))),
    Sample(
        SessionNotice(
            type: .gapReport, reason: .notAuthorised, first: u32(4), second: u32(8),
            third: u32(12))),
    Sample(SessionNotice.resendRequest(from: u32(4), count: u32(8)), as: "ResendRequest"),
    Sample(
        SessionNotice.logonRejected(reason: .sessionInUse, nonce: u64(8)), as: "LogonRejected"),
    Sample(
        SessionNotice.gapReport(expectedSequence: u32(4), received: u32(8)), as: "GapReport"),
    Sample(
        SessionNotice.resendUnavailable(firstAvailable: u32(4), requested: u32(8)),
        as: "ResendUnavailable"),
    Sample(
        SessionNotice.sessionEnded(
            reason: .timedOut, lastReportSequence: u32(4), expectedSequence: u32(8)),
        as: "SessionEnded"),
    Sample(
        SessionNotice.epochChanged(expectedSequence: u32(4), nextReportSequence: u32(8)),
        as: "EpochChanged"),
]
