// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import TestSeed
import Testing
import Wire

@testable @_spi(Testing) import Engine

/// The engine that an image holds.
func restore(
    _ image: [UInt8], limits: EngineLimits? = nil, sliceEvents: Int = 256
) throws(EngineImageError) -> Engine {
    try Engine.decodeImage(image.span.rawBytes, limits: limits, sliceEvents: sliceEvents)
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
        var flow = RandomFlow(seed: seed, limits: smallLimits)
        var random = SeededRandom(seed: ~seed)
        var original = try Rig(smallLimits)
        var restored = try Rig(smallLimits)
        var naive = NaiveEngine(limits: smallLimits)
        var queue = flow.opening()[...]
        var snapshots = 0
        for number in 0..<4000 {
            if random.below(40) == 0 {
                // The copy's own copy: what a restored engine writes is what the original does.
                let image = restored.engine.encodeImage()
                #expect(image == original.engine.encodeImage())
                let sliceEvents = 1 + Int(random.below(256))
                let engine = try restore(image, limits: smallLimits, sliceEvents: sliceEvents)
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
    @Test func `with any bit changed and checksums that fit is refused or whole`() throws {
        announce(TestSeed.run)
        let image = try Self.small()
        var flow = RandomFlow(seed: TestSeed.run, limits: smallLimits)
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
            var rig = Rig(engine, upcomingSequence: 1 << 40)
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
        for (section, stride) in [64, 64, 64, 4].enumerated() {
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
