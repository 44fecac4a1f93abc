// SPDX-License-Identifier: Apache-2.0
import Engine
import Platform
import Testing
import Wire

@Suite struct `An engine` {
    /// Applies the same random flow to the engine and to the oracle.
    static func compare(
        seed: UInt64, commands: Int, limits: EngineLimits, sliceEvents: Int, idCount: UInt64 = 40
    ) throws -> UInt64 {
        var flow = RandomFlow(seed: seed, limits: limits, idCount: idCount)
        var rig = try Rig(limits, sliceEvents: sliceEvents)
        var naive = NaiveEngine(limits: limits)
        var queue = flow.opening()[...]
        for number in 0..<commands {
            let command = queue.popFirst() ?? flow.next()
            var record = command.record
            record.sequence = rig.upcomingSequence
            let expected = naive.apply(record, command.continuation)
            let found = rig.apply(command)
            guard found.map(bytes) == expected.map(bytes) else {
                announce(seed)
                Issue.record(
                    "command \(number) \(record): expected \(expected), found \(found)")
                return 0
            }
            if number % 16 == 0, let broken = rig.engine.checkInvariants() {
                announce(seed)
                Issue.record("after command \(number) \(record): \(broken)")
                return 0
            }
        }
        #expect(rig.engine.checkInvariants() == nil)
        for session in 1...limits.sessionCapacity {
            let view = rig.engine.session(session)
            let other = naive.sessions[session] ?? NaiveEngine.Session()
            #expect(view?.expectedSequence == other.expected)
            #expect(view?.reportSequence == other.reports)
        }
        for instrument in 1...limits.instrumentCapacity {
            for side in [Side.buy, .sell] {
                var found: [UInt64] = []
                rig.engine.forEachRestingOrder(instrument: instrument, side: side) {
                    found.append($0.reference)
                }
                let orders = naive.orders.enumerated().filter {
                    $0.element.instrument == instrument && $0.element.side == side
                }
                let expected = orders.sorted { left, right in
                    let (first, second) = (left.element.price, right.element.price)
                    guard first == second else {
                        return side == .buy ? first > second : first < second
                    }
                    return left.offset < right.offset
                }
                #expect(found == expected.map(\.element.reference))
            }
        }
        return rig.engine.stateHash ^ rig.engine.digest()
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func `gives the same events as the naive one`(round: UInt64) throws {
        let seed = runSeed &+ round
        print("round \(round):", terminator: " ")
        announce(seed)
        _ = try Self.compare(seed: seed, commands: 6000, limits: smallLimits, sliceEvents: 256)
    }

    @Test func `gives the same events, hash and digest whatever the slices`() throws {
        announce(runSeed)
        let limits = EngineLimits(
            orderCapacity: 400, sessionCapacity: 4, instrumentCapacity: 3,
            ladderTickCapacity: 5000, sessionOpenOrdersMax: 300)
        let whole = try Self.compare(
            seed: runSeed, commands: 2500, limits: limits, sliceEvents: 256, idCount: 400)
        for sliceEvents in [1, 2, 3, 128] {
            let sliced = try Self.compare(
                seed: runSeed, commands: 2500, limits: limits, sliceEvents: sliceEvents,
                idCount: 400)
            #expect(sliced == whole)
        }
    }
}
