// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Wire

/// CRC-32C, one bit at a time: the definition, and so the oracle.
private func naiveCRC32C(_ seed: UInt32, _ bytes: some Sequence<UInt8>) -> UInt32 {
    var remainder = ~seed
    for byte in bytes {
        remainder ^= UInt32(byte)
        for _ in 0..<8 {
            remainder = (remainder >> 1) ^ (remainder & 1 == 1 ? 0x82F6_3B78 : 0)
        }
    }
    return ~remainder
}

/// The records of Golden/chain.txt: 64 bytes each.
private func goldenChain() throws -> [[UInt8]] {
    let all = try text("Tests/WireTests/Golden/chain.txt").split(separator: "\n")
        .filter { !$0.hasPrefix("#") }
        .flatMap { $0.split(separator: " ").compactMap { UInt8($0, radix: 16) } }
    return stride(from: 0, to: all.count, by: 64).map { Array(all[$0..<min($0 + 64, all.count)]) }
}

private let startNanos: UInt64 = 1_700_000_000_000_000_000

/// The same log through the public constructors, without checksums.
private func chainRecords() -> [LogRecord] {
    let detail = InstrumentDetail(symbol: "BTC-USD", priceDecimals: 2, quantityDecimals: 8)
    let limits = EngineLimits(
        orderCapacity: 1_000, sessionCapacity: 64, instrumentCapacity: 8,
        ladderTickCapacity: 4_096, sessionOpenOrdersMax: 100)
    var replace = LogRecord(
        kind: .replaceOrder, session: 5, sessionSequence: 3, orderID: 44, priceTicks: -6,
        quantityLots: 12)
    replace.originalOrderID = 42
    var records = [
        LogRecord.epochStart(
            epoch: 1, rulesVersion: 1, lastCarriedSequence: 0, indexSeed: 0x0123_4567_89AB_CDEF,
            shard: 7, host: 2),
        limits.continuation,
        LogRecord.defineInstrument(
            instrument: 1, lowestPriceTicks: -50, highestPriceTicks: 4_000,
            quantityLotsMax: 1_000_000, operatorID: 9),
        detail.continuation,
        LogRecord.logon(
            session: 5, nonce: 0xFEED_FACE, token: 0xABCD, heartbeatMillis: 1_000,
            source: 0x0A00_0001 << 32 | 40_000, flags: RecordFlags.cancelOnDisconnect),
        LogRecord(
            kind: .newOrder, session: 5, sessionSequence: 1, orderID: 42, priceTicks: -7,
            quantityLots: 10, account: 77, instrument: 1, attributes: OrderAttributes(side: .buy)),
        LogRecord(
            kind: .newOrder, session: 5, sessionSequence: 2, orderID: 43, priceTicks: 3_999,
            quantityLots: 25, account: 77, instrument: 1,
            attributes: OrderAttributes(side: .sell, timeInForce: .goodTillCancel),
            flags: RecordFlags.pair | SelfTradePrevention.cancelNewest.flags),
        rareHalf(), replace,
        LogRecord(
            kind: .refused, session: 5, sessionSequence: 4, orderID: 45, instrument: 1,
            flags: UInt16(Reason.throttled.rawValue)),
        LogRecord(kind: .filler),
    ]
    let nanosAfterStart: [UInt64] = [0, 0, 1, 1, 2, 3, 4, 0, 4, 5, 5]
    for index in records.indices {
        records[index].sequence = UInt64(index) + 1
        // The rare half has a trigger price where other records have their time.
        if index != 7 { records[index].timestampNanos = startNanos + nanosAfterStart[index] }
    }
    return records
}

private func rareHalf() -> LogRecord {
    var second = OrderContinuation()
    second.triggerPriceTicks = 3_990
    second.peakLots = 5
    second.minimumLots = 1
    second.expirySeconds = 1_800_000_000
    second.algorithmID = 11
    second.clientTagLow = 0x342F_372D_6B73_6564  // "desk-7/4"
    second.clientTagMiddle = 0x32  // "2"
    second.capacity = UInt8(ascii: "A")
    second.triggerCondition = 1
    return value(LogRecord.self, from: bytes(of: second))
}

@Suite struct `A chained log` {
    @Test func `is checked by an oracle that knows the check value of CRC-32C`() {
        #expect(naiveCRC32C(0, Array("123456789".utf8)) == 0xE306_9283)
    }

    @Test func `has the golden bytes`() throws {
        var chain: UInt32 = 0
        var made: [[UInt8]] = []
        for var record in chainRecords() {
            chain = naiveCRC32C(chain, bytes(of: record).prefix(LogRecord.bodyByteCount))
            record.crc32c = chain
            made.append(bytes(of: record))
        }
        let golden = try goldenChain()
        #expect(made.count == golden.count)
        for (index, pair) in zip(made, golden).enumerated() {
            #expect(hex(pair.0) == hex(pair.1), "record \(index + 1)")
        }
    }

    @Test func `ends in the checksum of all bodies one behind the other`() throws {
        let golden = try goldenChain()
        let bodies = golden.flatMap { $0.prefix(LogRecord.bodyByteCount) }
        let last = value(LogRecord.self, from: try #require(golden.last))
        #expect(last.crc32c == naiveCRC32C(0, bodies))
    }

    @Test func `has the same checksums by the processor's instruction`() throws {
        var chain: UInt32 = 0
        for (index, record) in try goldenChain().enumerated() {
            chain = processorCRC32C(chain, Array(record.prefix(LogRecord.bodyByteCount)))
            #expect(chain == value(LogRecord.self, from: record).crc32c, "record \(index + 1)")
        }
    }

    @Test func `reads back with its pairs, reasons and limits`() throws {
        let records = try goldenChain().map { value(LogRecord.self, from: $0) }
        #expect(
            records.map(\.isPair)
                == [
                    true, false, true, false, false, false, true, false, false, false, false,
                ])
        #expect(records[9].refusalReason == .throttled)
        #expect(records[8].originalOrderID == 42)
        #expect(EngineLimits(continuation: records[1]).ladderTickCapacity == 4_096)
        #expect(EngineLimits(continuation: records[1]).sessionOpenOrdersMax == 100)
        let detail = InstrumentDetail(continuation: records[3])
        let name = InstrumentDetail(symbol: "BTC-USD", priceDecimals: 2, quantityDecimals: 8)
        #expect(detail == name)
        #expect(SelfTradePrevention(flags: records[6].flags) == .cancelNewest)
        #expect(records[6].attributes.timeInForce == .goodTillCancel)
    }

    @Test func `never reads a refusal as the first of a pair, whatever its reason`() {
        for reason in UInt16.min...UInt16.max {
            #expect(!LogRecord(kind: .refused, flags: reason).isPair)
        }
    }
}

@Suite struct `Packed bytes` {
    @Test func `give side, type and time in force back for every combination`() {
        for side in [Side.buy, .sell] {
            for type in UInt8(0)..<8 {
                for time in UInt8(0)..<16 {
                    let packed = OrderAttributes(
                        side: side, type: OrderType(rawValue: type),
                        timeInForce: TimeInForce(rawValue: time))
                    #expect(packed.side == side)
                    #expect(packed.type.rawValue == type)
                    #expect(packed.timeInForce.rawValue == time)
                }
            }
        }
    }

    @Test func `give each self-trade prevention back beside any other flag`() {
        let own = RecordFlags.selfTradePreventionMask | RecordFlags.decrement
        for mode in UInt8(0)..<5 {
            let flags = SelfTradePrevention(rawValue: mode).flags
            #expect(SelfTradePrevention(flags: flags | ~own).rawValue == mode)
        }
    }

    @Test func `cut a symbol after sixteen bytes and fill a short one with zeros`() {
        let long = InstrumentDetail(
            symbol: "ABCDEFGHIJKLMNOPQR", priceDecimals: 0, quantityDecimals: 0)
        #expect(long.symbolLow == 0x4847_4645_4443_4241)
        #expect(long.symbolHigh == 0x504F_4E4D_4C4B_4A49)
        let short = InstrumentDetail(symbol: "Z", priceDecimals: 0, quantityDecimals: 0)
        #expect(short.symbolLow == 0x5A && short.symbolHigh == 0)
    }

    @Test func `of the public sequence keep all 64 bits`() {
        var header = OrderEntryHeader(
            channel: .publicReports, messageCount: 0, session: 1, epoch: 1, sequence: 0)
        header.publicSequence = 0x8000_0001_FFFF_FFFE
        #expect(header.publicSequence == 0x8000_0001_FFFF_FFFE)
        #expect(header.sequence == 0xFFFF_FFFE && header.receivedThrough == 0x8000_0001)
    }

    @Test func `of a mass cancel choose one side, the other, or both`() {
        #expect(MassCancelSides(rawValue: 0).includes(.buy))
        #expect(MassCancelSides(rawValue: 0).includes(.sell))
        #expect(MassCancelSides(rawValue: 1).includes(.buy))
        #expect(!MassCancelSides(rawValue: 1).includes(.sell))
        #expect(!MassCancelSides(rawValue: 2).includes(.buy))
        #expect(MassCancelSides(rawValue: 3).includes(.sell))
    }

    @Test func `of an event keep the side apart from its other bits`() {
        let attributes: EventAttributes = [.sell, .aggressor, .pair, .last]
        #expect(attributes.side == .sell)
        #expect(EventAttributes(side: .buy).isEmpty)
        #expect(EventKind.loggedOut.isReported && !EventKind.rested.isReported)
    }
}
