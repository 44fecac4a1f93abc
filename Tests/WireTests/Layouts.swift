// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// Where one stored field of a structure lies, as the compiler says.
struct Field: Equatable {
    let name: String
    let offset: Int
    let byteCount: Int
}

/// Size and fields of one structure of `Wire`, as the compiler says.
struct Layout: CustomTestStringConvertible {
    let name: String
    let byteCount: Int
    let stride: Int
    let fields: [Field]
    var testDescription: String { name }

    init<Root>(_ root: Root.Type, _ paths: [PartialKeyPath<Root>]) {
        name = "\(Root.self)"
        byteCount = MemoryLayout<Root>.size
        stride = MemoryLayout<Root>.stride
        fields = paths.map { path in
            // "\LogRecord.sequence" → "sequence"
            let name = "\(path)".split(separator: ".").dropFirst().joined(separator: ".")
            return Field(
                name: name, offset: MemoryLayout<Root>.offset(of: path) ?? -1,
                byteCount: _openExistential(type(of: path).valueType, do: size))
        }
    }
}

private func size<T>(of type: T.Type) -> Int { MemoryLayout<T>.size }

/// Every structure that leaves the process.
let layouts: [Layout] = recordLayouts + messageLayouts + sessionLayouts

private let recordLayouts = [
    Layout(
        LogRecord.self,
        [
            \.sequence, \.timestampNanos, \.session, \.sessionSequence, \.orderID, \.priceTicks,
            \.quantityLots, \.account, \.instrument, \.kind, \.attributes, \.flags, \.crc32c,
        ]),
    Layout(
        OrderContinuation.self,
        [
            \.sequence, \.triggerPriceTicks, \.peakLots, \.minimumLots, \.expirySeconds,
            \.algorithmID, \.clientTagLow, \.clientTagMiddle, \.clientTagHigh, \.capacity,
            \.triggerCondition, \.kind, \.reserved, \.flags, \.crc32c,
        ]),
    Layout(
        Event.self,
        [
            \.orderID, \.reference, \.priceTicks, \.quantityLots, \.leavesLots, \.executedLots,
            \.session, \.account, \.instrument, \.kind, \.attributes, \.detail,
        ]),
    Layout(
        PublicReport.self,
        [
            \.type, \.kind, \.side, \.reserved3, \.instrument, \.commandSequence, \.reference,
            \.aggressorReference, \.priceTicks, \.quantityLots, \.timestampNanos, \.tradeIndex,
            \.reserved58, \.reserved60,
        ]),
]

private let messageLayouts = [
    Layout(
        OrderEntryHeader.self,
        [
            \.version, \.channel, \.messageCount, \.session, \.epoch, \.keyID, \.flags, \.sequence,
            \.receivedThrough, \.committedThrough, \.token, \.tagLow, \.tagHigh,
        ]),
    Layout(
        NewOrder.self,
        [
            \.type, \.side, \.typeAndTimeInForce, \.flags, \.instrument, \.orderID, \.account,
            \.priceTicks, \.quantityLots,
        ]),
    Layout(CancelOrder.self, [\.type, \.reserved1, \.reserved2, \.instrument, \.orderID]),
    Layout(
        ReplaceOrder.self,
        [
            \.type, \.flags, \.reserved2, \.reserved4, \.originalOrderID, \.newOrderID,
            \.priceTicks, \.totalLots,
        ]),
    Layout(
        ReduceOrder.self,
        [\.type, \.reserved1, \.reserved2, \.instrument, \.orderID, \.totalLots]),
    Layout(MassCancel.self, [\.type, \.sides, \.reserved2, \.instrument, \.orderID]),
    Layout(
        MassCancelByAccount.self,
        [\.type, \.sides, \.reserved2, \.instrument, \.orderID, \.account]),
    Layout(
        NewOrderExtended.self,
        [
            \.order.type, \.order.side, \.order.typeAndTimeInForce, \.order.flags,
            \.order.instrument, \.order.orderID, \.order.account, \.order.priceTicks,
            \.order.quantityLots, \.triggerPriceTicks, \.peakLots, \.minimumLots, \.expirySeconds,
            \.algorithmID, \.clientTagLow, \.clientTagMiddle, \.clientTagHigh, \.capacity,
            \.triggerCondition,
        ]),
    Layout(Logout.self, [\.type, \.reserved1, \.reserved2, \.reserved4]),
    Layout(
        ExecutionReport.self,
        [
            \.type, \.executionType, \.attributes, \.reason, \.sequence, \.orderID, \.reference,
            \.priceTicks, \.quantityLots, \.timestampNanos,
        ]),
    Layout(
        ExtendedExecutionReport.self,
        [
            \.core.type, \.core.executionType, \.core.attributes, \.core.reason, \.core.sequence,
            \.core.orderID, \.core.reference, \.core.priceTicks, \.core.quantityLots,
            \.core.timestampNanos, \.instrument, \.account, \.leavesLots, \.executedLots,
            \.commandSequence, \.tradeIndex, \.liquidity, \.reserved, \.feeAsset, \.fee,
        ]),
]

private let sessionLayouts = [
    Layout(
        Logon.self,
        [
            \.type, \.flags, \.heartbeatMillis, \.nextReportSequence, \.nonce, \.reserved16,
            \.reserved24,
        ]),
    Layout(
        LogonAccepted.self,
        [
            \.type, \.flags, \.heartbeatMillis, \.token, \.expectedSequence, \.nextReportSequence,
            \.nonce, \.reorderWindow, \.messagesPerDatagramMax, \.messagesPerSecond,
        ]),
    Layout(SessionNotice.self, [\.type, \.reason, \.reserved, \.first, \.second, \.third]),
]
