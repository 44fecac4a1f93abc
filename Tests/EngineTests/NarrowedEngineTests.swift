// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable @_spi(Testing) import Engine

@Suite struct `An engine for more price levels than its log was begun with` {
    @Test func `is narrowed to what the log says, and is the same as one made so`() throws {
        var large = smallLimits
        large.ladderTickCapacity += 300
        var narrowed = try Rig(large)
        narrowed.engine.narrow(ladderTickCapacity: smallLimits.ladderTickCapacity)
        var small = try Rig(smallLimits)
        let detail = InstrumentDetail(symbol: "T", priceDecimals: 0, quantityDecimals: 0)
        var commands = [
            Command(
                .epochStart(
                    epoch: 1, rulesVersion: 2, lastCarriedSequence: 0, indexSeed: 1, shard: 0,
                    host: 0), smallLimits.continuation)
        ]
        // The second is more than the log has room for.
        for (number, levels) in [(1, 4_000), (2, 1_001), (3, 1_000)] as [(UInt32, Int64)] {
            commands.append(
                Command(
                    .defineInstrument(
                        instrument: number, lowestPriceTicks: 1, highestPriceTicks: levels,
                        quantityLotsMax: 9, operatorID: 1), detail.continuation))
        }
        var kinds: [EventKind] = []
        for command in commands {
            let events = narrowed.apply(command)
            #expect(events.map(bytes) == small.apply(command).map(bytes))
            kinds += events.map(\.kind)
        }
        #expect(
            kinds == [.epochStarted, .instrumentDefined, .controlRejected, .instrumentDefined])
        let images = (narrowed.engine.encodeImage(), small.engine.encodeImage())
        #expect(images.0 == images.1)
    }

    @Test func `is not narrowed behind its first command, or made larger`() async {
        await #expect(processExitsWith: .failure) {
            var rig = try Rig(smallLimits)
            _ = rig.apply(
                Command(
                    .epochStart(
                        epoch: 1, rulesVersion: 3, lastCarriedSequence: 0, indexSeed: 1, shard: 0,
                        host: 0), smallLimits.continuation))
            rig.engine.narrow(ladderTickCapacity: 1)
        }
        await #expect(processExitsWith: .failure) {
            var rig = try Rig(smallLimits)
            rig.engine.narrow(ladderTickCapacity: smallLimits.ladderTickCapacity + 1)
        }
    }
}
