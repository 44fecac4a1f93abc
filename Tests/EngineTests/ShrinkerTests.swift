// SPDX-License-Identifier: Apache-2.0
import TestSeed
import Testing
import Wire

@testable import Engine

@Suite struct `A list of commands that goes wrong` {
    private func flow(_ count: Int, seed: UInt64 = TestSeed.run) -> [Command] {
        announce(seed)
        var flow = RandomFlow(seed: seed, limits: smallLimits)
        return flow.opening() + (0..<count).map { _ in flow.next() }
    }

    private var deafToPrevention: SideBySide {
        SideBySide(limits: smallLimits) { record in
            var record = record
            if record.kind == .newOrder { record.flags &= ~RecordFlags.selfTradePreventionMask }
            return record
        }
    }

    @Test func `is made as short as it can be`() throws {
        let pair = deafToPrevention
        let commands = flow(4000)
        let shrinker = Shrinker(limits: smallLimits) { try pair.play($0).disagreement?.number }
        let few = try shrinker.shrink(commands)
        // An instrument, logons, a resting order, one that must not trade with it.
        #expect(few.count >= 4 && few.count <= 12, "\(few)")
        #expect(try pair.play(few).disagreement?.number == few.count - 1)
        for number in few.indices {
            var fewer = few
            fewer.remove(at: number)
            #expect(try shrinker.shrink(fewer).count == fewer.count, "without \(few[number])")
        }
        #expect(try SideBySide(limits: smallLimits).play(few).disagreement == nil)
    }

    @Test func `is told in the words of a scenario`() throws {
        // Of a flow whose shortest list has words for all that matters in it.
        let report = try deafToPrevention.report(flow(4000, seed: 42), seed: 0x1A2B)
        #expect(report.contains(#/\n  \[defineInstrument, .*\]\n/#), "\(report)")
        #expect(report.contains(#/\n  [A-D] logs on/#), "\(report)")
        #expect(
            report.contains(#/\n  [A-D] (buys|sells) .* stp cancel-\w+ .*as \d+\n/#), "\(report)")
        #expect(report.contains("  line  expected  "), "\(report)")
        #expect(report.hasSuffix("re-run with: SEED=1a2b swift test --filter EngineTests"))
    }

    @Test func `keeps sequences that are right and those that are wrong`() throws {
        func order(_ id: UInt64, sequence: UInt32) -> Command {
            Command(
                LogRecord(kind: .newOrder, session: 2, sessionSequence: sequence, orderID: id))
        }
        let commands = [
            order(1, sequence: 1), order(2, sequence: 9), order(3, sequence: 2),
            order(4, sequence: 3),
        ]
        // Goes wrong where 2 and 4 are.
        let shrinker = Shrinker(limits: smallLimits) { commands in
            let ids = commands.map(\.record.orderID)
            return ids.contains(2) ? ids.firstIndex(of: 4) : nil
        }
        let few = try shrinker.shrink(commands)
        #expect(few.map(\.record.orderID) == [2, 4])
        #expect(few.map(\.record.sessionSequence) == [8, 1])
    }

    @Test func `that goes right stays as it is`() throws {
        let commands = flow(100)
        let shrinker = Shrinker(limits: smallLimits) { _ in nil }
        #expect(try shrinker.shrink(commands).map(\.description) == commands.map(\.description))
    }

    @Test func `has words for nearly everything, which do what it did`() throws {
        var speech = Speech()
        var silent = 0
        var original = try Rig(smallLimits)
        var again = try Rig(smallLimits)
        for command in flow(5000) {
            _ = original.apply(command)
            var reader = speech
            if let line = speech.line(for: command) {
                _ = again.apply(try reader.command(line))
                #expect(again.engine.stateHash == original.engine.stateHash, "\(line)")
            } else {
                _ = again.apply(command)
                silent += 1
                let isOrder = (1...7).contains(command.record.kind.rawValue)
                // Parts of a tag have no words.
                #expect(!isOrder || command.continuation != nil, "\(command)")
            }
        }
        #expect(silent < 150, "\(silent)")
        #expect(again.engine.digest() == original.engine.digest())
    }
}
