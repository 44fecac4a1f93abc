// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// The engine that an image holds.
func restore(
    _ image: [UInt8], limits: EngineLimits? = nil, sliceEvents: Int = 256,
    bounds: StepBounds = StepBounds()
) throws(EngineImageError) -> Engine {
    try Engine.decodeImage(
        image.span.rawBytes, limits: limits, sliceEvents: sliceEvents, bounds: bounds)
}

extension Span where Element == UInt8 {
    /// SAFETY: bytes are bytes.
    var rawBytes: RawSpan {
        @_lifetime(copy self) get { unsafe bytes }
    }
}

@Suite struct `An image of the engine` {
    @Test(arguments: 0..<6 as Range<UInt64>)
    func `gives an engine that goes on as the original and as the naive one`(
        round: UInt64
    ) throws {
        let seed = TestSeed.run &+ round
        print("round \(round):", terminator: " ")
        announce(seed)
        var flow = RandomFlow(seed: seed, limits: smallLimits, rules: UInt32(round % 3) + 1)
        var random = SeededRandom(seed: ~seed)
        // In every other round commands take few steps, and much is left over.
        let bounds =
            round < 3 ? StepBounds() : StepBounds(own: 2, behind: 1, behindTime: UInt32(round))
        var original = try Rig(smallLimits, bounds: bounds)
        var restored = try Rig(smallLimits, bounds: bounds)
        var naive = NaiveEngine(limits: smallLimits, bounds: bounds)
        var leftOver = 0
        var queue = flow.opening()[...]
        var snapshots = 0
        for number in 0..<4000 {
            if random.below(40) == 0 {
                // The copy's own copy: what a restored engine writes is what the original does.
                let image = restored.engine.encodeImage()
                #expect(image == original.engine.encodeImage())
                let sliceEvents = 1 + Int(random.below(256))
                let engine = try restore(
                    image, limits: smallLimits, sliceEvents: sliceEvents, bounds: bounds)
                if engine.backlogSize > 0 { leftOver += 1 }
                #expect(engine.encodeImage() == image)
                #expect(engine.checkInvariants() == nil)
                #expect(engine.stateHash == original.engine.stateHash)
                #expect(engine.digest() == original.engine.digest())
                restored = Rig(engine, upcomingSequence: original.upcomingSequence)
                snapshots += 1
            }
            let command = queue.popFirst() ?? flow.next()
            var record = command.record
            record.sequence = original.upcomingSequence
            let expected = naive.apply(record, command.continuation).map(bytes)
            let found = restored.apply(command).map(bytes)
            guard found == expected, original.apply(command).map(bytes) == expected else {
                Issue.record("command \(number) \(record): the events differ")
                return
            }
        }
        #expect(snapshots > 20)
        #expect(leftOver > 0 || round % 3 != 2 || round < 3, "nothing was ever left over")
        #expect(restored.engine.stateHash == original.engine.stateHash)
        #expect(restored.engine.digest() == original.engine.digest())
    }

    @Test func `of an engine never used gives an engine never used`() throws {
        let engine = try Engine(limits: smallLimits)
        let image = engine.encodeImage()
        #expect(image.count == 256)
        let restored = try restore(image)
        #expect(restored.limits == smallLimits)
        #expect(restored.encodeImage() == image)
        #expect(restored.checkInvariants() == nil)
    }

    @Test func `with any bit changed is refused`() throws {
        let image = try Self.small()
        for bit in 0..<image.count * 8 {
            var changed = image
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: EngineImageError.self, "bit \(bit)") { _ = try restore(changed) }
        }
    }

    @Test func `cut at any length, or longer, is refused`() throws {
        let image = try Self.small()
        for count in 0..<image.count {
            let error = #expect(throws: EngineImageError.self, "\(count) bytes") {
                _ = try restore(Array(image[..<count]))
            }
            guard case .damaged(.header, _, "an image of \(count) bytes", _) = error else {
                Issue.record("\(count) bytes: \(error as Any)")
                continue
            }
        }
        #expect(throws: EngineImageError.self) { _ = try restore(image + [0]) }
    }

    /// Whoever makes checksums that fit can make another engine, but no broken one.
    @Test(arguments: ["small", "rare", "left over", "banded", "ruled", "in a call"])
    func `with any bit changed and checksums that fit is refused or whole`(
        kind: String
    ) throws {
        announce(TestSeed.run)
        let rules: UInt32 = kind == "small" ? 1 : 3
        let image =
            switch kind {
            case "small": try Self.small()
            case "rare": try Self.rare()
            case "banded": try Self.banded()
            case "ruled": try Self.ruled()
            case "in a call": try Self.inCall()
            default: try Self.leftOver()
            }
        var flow = RandomFlow(seed: TestSeed.run, limits: smallLimits, rules: rules)
        var refused = 0
        var accepted = 0
        for bit in 0..<image.count * 8 {
            var changed = image
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            Self.seal(&changed)
            let engine: Engine
            do {
                engine = try restore(changed, limits: smallLimits)
            } catch {
                refused += 1
                continue
            }
            accepted += 1
            #expect(engine.checkInvariants() == nil, "bit \(bit)")
            #expect(engine.encodeImage() == changed, "bit \(bit)")
            // Behind every reference that an image may have: what is entered later is spared by some.
            var rig = Rig(engine, upcomingSequence: 1 << 63 - 1_000)
            for _ in 0..<30 { _ = rig.apply(flow.next()) }
            #expect(rig.engine.checkInvariants() == nil, "bit \(bit), 30 commands later")
        }
        print("\(refused) refused, \(accepted) accepted")
        #expect(refused > 3000 && accepted > 1000)
    }

    @Test func `says where it is damaged and what would be right`() throws {
        let image = try Self.small()
        func says(_ changes: [Int: UInt8], sealed: Bool = true) -> String {
            var changed = image
            for (byteOffset, byte) in changes { changed[byteOffset] = byte }
            if sealed { Self.seal(&changed) }
            do {
                _ = try restore(changed)
                return "nothing"
            } catch {
                return error.description
            }
        }
        let orders = 256 + 2 * 64 + 4 * 64
        #expect(says([:]) == "nothing")
        #expect(
            says([8: 2]) == "byte 8 of the engine's image (header): format version 2; "
                + "it must be 1")
        #expect(
            says([orders + 32: 200]) == "byte \(orders + 32) of the engine's image (orders): "
                + "executed 200; it must be below the total, 10")
        #expect(
            says([256: 2]) == "byte 320 of the engine's image (instruments): number 2; "
                + "it must be above 2 and not above the limit, 3")
        #expect(says([orders: 1], sealed: false).contains("(orders): bytes \(orders) ..< "))
    }

    @Test func `of other limits than those asked for is refused`() throws {
        var other = smallLimits
        other.orderCapacity += 1
        #expect(throws: EngineImageError.self) { _ = try restore(Self.small(), limits: other) }
    }

    @Test func `is the same bytes as ever`() throws {
        let found = hexLines(try Self.small())
        let golden = try String(contentsOf: goldenFile, encoding: .utf8)
        #expect(golden == found, "\(found)")
        let bytes = golden.split(separator: "\n").flatMap { line in
            line.split(separator: " ").dropFirst().compactMap { UInt8($0, radix: 16) }
        }
        let engine = try restore(bytes)
        #expect(engine.checkInvariants() == nil)
        #expect(engine.openOrders == 5)
        #expect(engine.encodeImage() == bytes)
    }

    @Test func `is refused when an order is linked to itself`() throws {
        var image = try Self.rare()
        func word(_ byteOffset: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(image[byteOffset + $1]) << (8 * $1) }
        }
        let (start, count) = (word(208), word(216))
        let rows = (0..<count).map { start + 64 * $0 }
        let linked = rows.filter { word($0) == 1 && word($0 + 56) != 0 }
        #expect(linked.count == 2)
        for row in linked { image[row + 56] = image[row + 4] + 1 }
        Self.seal(&image)
        let error = #expect(throws: EngineImageError.self) { _ = try restore(image) }
        #expect("\(error!)".contains("a partner at"), "\(error!)")
    }

    @Test func `is made between commands only`() async {
        await #expect(processExitsWith: .failure) {
            var engine = try Engine(limits: smallLimits, sliceEvents: 1)
            engine.pending.phase = .match
            _ = engine.encodeImage()
        }
    }

    /// Two instruments, four sessions, five orders: partly filled, reduced, replaced, at one price.
    static func small() throws -> [UInt8] {
        var desk = try Desk(smallLimits, lowest: 1, highest: 1000)
        let define = LogRecord.defineInstrument(
            instrument: 2, lowestPriceTicks: -40, highestPriceTicks: 200, quantityLotsMax: 9,
            operatorID: 1)
        _ = desk.rig.apply(Command(define, LogRecord(kind: .continuation)))
        _ = desk.order(1, 5, .buy, 100, 10, timeInForce: .goodTillCancel)
        _ = desk.order(2, 5, .buy, 100, 10, flags: RecordFlags.postOnly)
        _ = desk.order(1, 6, .sell, 103, 10, flags: SelfTradePrevention.cancelOldest.flags)
        _ = desk.order(1, 7, .buy, 99, 8, account: 77)
        _ = desk.order(3, 1, .sell, 100, 4)
        _ = desk.replace(1, 6, with: 8, 102, total: 6)
        _ = desk.order(2, 9, .sell, 102, 3)
        _ = desk.send(LogRecord(kind: .logout, session: 3))
        return desk.rig.engine.encodeImage()
    }

    /// Under rules 3: hidden orders behind displayed ones, an iceberg that was shown anew, orders
    /// that expire, one that slid, stops, one that trails, one that is linked, and accounts that
    /// are stopped.
    static func rare() throws -> [UInt8] {
        var desk = try Desk(smallLimits, lowest: 1, highest: 1000, rules: 3)
        var time = LogRecord(kind: .timeAdvance)
        time.timestampNanos = 77_000_000_000
        _ = desk.rig.apply(Command(time))
        _ = desk.order(1, 1, .buy, 100, 10, flags: RecordFlags.hidden)
        _ = desk.order(2, 1, .buy, 100, 10)
        _ = desk.order(2, 2, .buy, 100, 6, flags: RecordFlags.hidden)
        _ = desk.rare(3, 1, .sell, 104, 9) { $0.peakLots = 2 }
        _ = desk.rare(3, 2, .sell, 104, 9, timeInForce: .goodTillTime) { $0.expirySeconds = 90 }
        _ = desk.rare(1, 2, .buy, 99, 9, timeInForce: .goodTillTime) {
            $0.expirySeconds = 80
            $0.peakLots = 3
        }
        _ = desk.order(4, 1, .buy, 104, 3)
        _ = desk.order(4, 2, .buy, 110, 5, flags: RecordFlags.postOnly | RecordFlags.slide)
        _ = desk.rare(4, 3, .buy, 0, 5, type: .stop) { $0.triggerPriceTicks = 120 }
        _ = desk.rare(3, 3, .sell, 0, 5, type: .trailingStop) { $0.minimumLots = 4 | 2 << 32 }
        _ = desk.rare(2, 3, .buy, 130, 5, type: .stopLimit, flags: RecordFlags.linked) {
            $0.triggerPriceTicks = 125
            $0.peakLots = 1
        }
        _ = desk.rig.apply(
            Command(
                .setInstrumentState(instrument: 1, .halted, phaseSeconds: 70, operatorID: 9)))
        for account in [900, 40] as [UInt64] {
            _ = desk.rig.apply(
                Command(.killSwitch(.account, number: account, stops: true, operatorID: 9)))
        }
        return desk.rig.engine.encodeImage()
    }

    /// Market orders of both sides beside limit orders, and accounts in trade groups.
    static func inCall() throws -> [UInt8] {
        var desk = try Desk(smallLimits, lowest: 1, highest: 1000, rules: 3)
        for record in [
            .setInstrumentState(instrument: 1, .auction, operatorID: 9),
            .setTradeGroup(account: 3, group: 7, operatorID: 9),
            .setTradeGroup(account: 9, group: 1, operatorID: 9),
        ] as [LogRecord] {
            #expect(desk.rig.apply(Command(record))[0].kind != .controlRejected)
        }
        for (session, id, side) in [(1, 1, .buy), (2, 1, .sell), (1, 2, .buy)]
            as [(UInt32, UInt64, Side)]
        {
            let order = LogRecord(
                kind: .newOrder, session: session, orderID: id, quantityLots: 4, account: session,
                instrument: 1, attributes: OrderAttributes(side: side, type: .market))
            #expect(desk.send(order).map(\.kind) == [.accepted])
        }
        _ = desk.order(1, 3, .buy, 101, 4)
        _ = desk.order(2, 3, .sell, 100, 4)
        return desk.rig.engine.encodeImage()
    }

    /// Price bands of two instruments, of which one is in a call that an order has begun.
    static func banded() throws -> [UInt8] {
        var desk = try Desk(smallLimits, lowest: 1, highest: 1000, rules: 3)
        let define = LogRecord.defineInstrument(
            instrument: 2, lowestPriceTicks: -40, highestPriceTicks: 200, quantityLotsMax: 9,
            operatorID: 1)
        _ = desk.rig.apply(Command(define, LogRecord(kind: .continuation)))
        let relative = PriceBands(
            staticWidth: 500, dynamicWidth: 300, isInBasisPoints: true, action: .auction,
            auctionSeconds: 30)
        for record in [
            .setPriceBands(instrument: 1, relative, operatorID: 9),
            .setPriceBands(instrument: 2, PriceBands(dynamicWidth: 7), operatorID: 9),
            .setInstrumentState(instrument: 1, .open, referencePriceTicks: 100, operatorID: 9),
        ] as [LogRecord] {
            #expect(desk.rig.apply(Command(record))[0].kind != .controlRejected)
        }
        _ = desk.order(1, 1, .sell, 101, 4)
        _ = desk.order(1, 2, .sell, 110, 4)
        _ = desk.order(2, 1, .buy, 120, 6)
        var time = LogRecord(kind: .timeAdvance)
        time.timestampNanos = 77_000_000_000
        _ = desk.rig.apply(Command(time))
        return desk.rig.engine.encodeImage()
    }

    /// Order rules of two instruments, a tick table that one of them names, and one that is not
    /// whole.
    static func ruled() throws -> [UInt8] {
        var desk = try Desk(smallLimits, lowest: 1, highest: 1000, rules: 3)
        let define = LogRecord.defineInstrument(
            instrument: 2, lowestPriceTicks: -40, highestPriceTicks: 200, quantityLotsMax: 9,
            operatorID: 1)
        _ = desk.rig.apply(Command(define, LogRecord(kind: .continuation)))
        func row(_ table: UInt32, _ number: UInt32, from: Int64, step: UInt32) -> LogRecord {
            .setTickTableRow(
                TickTableRow(
                    table: table, number: number, of: 2,
                    TickRow(fromTicks: from, stepTicks: step)), operatorID: 9)
        }
        for record in [
            row(2, 1, from: -10, step: 1), row(2, 2, from: 100, step: 10),
            row(5, 1, from: 0, step: 7),
            .setOrderRules(
                instrument: 1,
                OrderRules(lotStep: 10, quantityLotsMin: 20, valueMax: 1 << 33, tickTable: 2),
                operatorID: 9),
            .setOrderRules(instrument: 2, OrderRules(quantityLotsMin: 2), operatorID: 9),
        ] as [LogRecord] {
            #expect(desk.rig.apply(Command(record))[0].kind == .controlApplied)
        }
        #expect(desk.order(1, 1, .sell, 110, 40)[0].kind == .accepted)
        return desk.rig.engine.encodeImage()
    }

    /// One piece of work of each kind that a command can leave over.
    static func leftOver() throws -> [UInt8] {
        var desk = try Desk(
            smallLimits, lowest: 1, highest: 1000, rules: 3,
            bounds: StepBounds(own: 1, behind: 1, behindTime: 1))
        _ = desk.rig.apply(
            Command(
                .logon(
                    session: 2, nonce: 1, token: 1, heartbeatMillis: 1, source: 1,
                    flags: RecordFlags.cancelOnDisconnect)))
        for id in 1...6 as ClosedRange<UInt64> {
            for session in 1...4 as ClosedRange<UInt32> {
                _ = desk.rare(
                    session, id, .buy, Int64(100 - id), 5, timeInForce: .goodTillTime
                ) { $0.expirySeconds = id < 3 ? 70 : 90 }
                _ = desk.order(session, id + 10, .sell, Int64(200 + id), 5, account: 6)
            }
        }
        var time = LogRecord(kind: .timeAdvance)
        time.timestampNanos = 77_000_000_000
        _ = desk.rig.apply(Command(time))
        _ = desk.send(LogRecord(kind: .massCancel, session: 1, orderID: 9, instrument: 1))
        _ = desk.send(LogRecord(kind: .logout, session: 2))
        for (target, number) in [(.session, 3), (.account, 6)] as [(KillTarget, UInt64)] {
            _ = desk.rig.apply(
                Command(.killSwitch(target, number: number, stops: true, operatorID: 9)))
        }
        _ = desk.rig.apply(
            Command(.rollBusinessDay(to: BusinessDay(rawValue: 20_000), operatorID: 9)))
        #expect(desk.rig.engine.backlogSize == 6)
        return desk.rig.engine.encodeImage()
    }

    /// Makes all checksums fit, and the state hash that the header states.
    static func seal(_ image: inout [UInt8]) {
        func word(_ byteOffset: Int, _ count: Int) -> UInt64 {
            (0..<count).reduce(0) { $0 | UInt64(image[byteOffset + $1]) << UInt64(8 * $1) }
        }
        func set(_ byteOffset: Int, _ value: UInt32) {
            for index in 0..<4 {
                image[byteOffset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index))
            }
        }
        for (section, stride) in [64, 64, 64, 4, 64].enumerated() {
            let row = 144 + 16 * section
            let start = word(row, 8)
            let end = start &+ word(row + 8, 4) * UInt64(stride)
            guard start <= end, end <= UInt64(image.count) else { continue }
            set(row + 12, crc32c(image[Int(start)..<Int(end)]))
        }
        set(252, crc32c(image[..<252]))
    }

    static func crc32c(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        CRC32C.update(0, bytes.span.rawBytes)
    }
}
