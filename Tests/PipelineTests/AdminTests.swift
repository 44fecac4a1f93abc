// SPDX-License-Identifier: Apache-2.0
import Engine
import Foundation
import Hardware
import NICGateway
import Platform
import RDMAReplica
import ShardRig
import TestSeed
import Testing
import Wire

@testable import Pipeline

/// A gateway in no pair with its threads.
private final class Alone {
    let port: NICGateway.Port
    let pipeline: Pipeline

    init(_ change: (inout Configuration) -> Void = { _ in }) throws {
        let configuration = ShardRig.configuration {
            $0.host.polling = .adaptive
            change(&$0)
        }
        port = try ShardRig.port(buffers: 2_047, queues: UInt16(configuration.shards))
        pipeline = try Pipeline(configuration, port: port)
        try pipeline.start()
    }

    deinit {
        pipeline.stop()
        port.close()
    }

    func ask(_ words: String) -> String { pipeline.admin.answer(to: words, by: 9) }

    /// All records of the log.
    var records: [LogRecord] { pipeline.records }
}

extension Pipeline {
    /// Without what tells the time.
    fileprivate var records: [LogRecord] {
        var observer = logs[0].observer(from: 1)
        var records: [LogRecord] = []
        while case .record(let record) = observer.next() {
            if record.kind != .timeAdvance { records.append(record) }
        }
        return records
    }
}

private let gold = Configuration.Instrument(
    number: 3, symbol: "GOLD", lowestPriceTicks: -50, highestPriceTicks: 500,
    quantityLotsMax: 1_000, priceDecimals: 1, quantityDecimals: 4)

@Suite(.serialized) struct `An operator` {
    private func words(_ instrument: Configuration.Instrument) -> String {
        AdminRequest.addInstrument(instrument).words
    }

    @Test func `defines an instrument while the gateway runs, and everybody sees it`() throws {
        let alone = try Alone()
        let logged = alone.records.count
        #expect(
            alone.ask(words(gold))
                == #"{"ok":true,"instrument":{"number":3,"symbol":"GOLD","shard":0,"sequence":"#
                + #"\#(logged + 1),"isKept":false}}"#)
        let record = alone.records[logged]
        #expect(record.kind == .defineInstrument && record.session == 9)
        let detail = InstrumentDetail(continuation: alone.records[logged + 1])
        #expect(detail.symbol == "GOLD" && detail.priceDecimals == 1)
        #expect(
            alone.ask("admin instruments from=3")
                == #"{"ok":true,"shard":0,"sequence":\#(logged + 2),"instruments":[{"number":3,"#
                + #""symbol":"GOLD","shard":0,"lowestPriceTicks":-50,"highestPriceTicks":500,"#
                + #""quantityLotsMax":1000,"priceDecimals":1,"quantityDecimals":4,"#
                + #""state":"open","isUncrossing":false}]}"#)
        #expect(
            alone.ask("admin book symbol=GOLD")
                == #"{"ok":true,"shard":0,"sequence":\#(logged + 2),"book":{"instrument":3,"#
                + #""symbol":"GOLD","shard":0,"bids":[],"asks":[]}}"#)
        #expect(alone.ask("admin book number=3") == alone.ask("admin book symbol=GOLD"))
    }

    @Test func `is told why an instrument cannot be, and nothing is written`() throws {
        let alone = try Alone()
        let logged = alone.records.count
        func expect(_ sentence: String, _ change: (inout Configuration.Instrument) -> Void) {
            var instrument = gold
            change(&instrument)
            let answer = alone.ask(words(instrument))
            #expect(answer.hasPrefix(#"{"ok":false,"why":"state","#), "\(answer)")
            #expect(answer.contains(sentence), "\(answer)")
        }
        expect("there is an instrument 2 already: take another number") { $0.number = 2 }
        expect("instrument 1 is called ONE already: take another symbol") { $0.symbol = "ONE" }
        expect("number 5 is above 4, the engine.instrumentCapacity") { $0.number = 5 }
        expect("the largest quantity 1125899906842624 is above 1125899906842623") {
            $0.quantityLotsMax = 1 << 50
        }
        expect("there is no shard 1: this gateway has 0…0") { $0.shard = 1 }
        #expect(alone.ask("admin book symbol=GOLD").contains("there is no instrument GOLD"))
        #expect(alone.ask("admin book number=4").contains("there is no instrument 4"))
        #expect(alone.ask("admin sessions shard=1").contains("there is no shard 1"))
        #expect(alone.ask("admin order session=1 id=1").contains("no open order 1"))
        #expect(
            alone.ask("admin fly 1")
                == ClusterControl.refusal(
                    .unknown, "there is no such request"))
        #expect(alone.records.count == logged)
    }

    @Test func `is told before rules 3 that ranges of prices have no room`() {
        var room = EngineRoom()
        room.limits.instrumentCapacity = 4
        room.limits.orderCapacity = 1
        room.rangeTicksMax = 65_536
        var instrument = gold
        (instrument.lowestPriceTicks, instrument.highestPriceTicks) = (1, 65_536)
        #expect(InstrumentControl.refusal(of: instrument, room) == nil)
        instrument.highestPriceTicks = 65_537
        let refusal = InstrumentControl.refusal(of: instrument, room)
        #expect(refusal?.contains("GOLD has 65537 prices") == true)
        #expect(refusal?.contains("there is room for 65536 more: narrow its prices, or") == true)
    }

    @Test func `defines an instrument of any prices, and its book reaches from end to end`() throws
    {
        let alone = try Alone()
        var wide = gold
        wide.lowestPriceTicks = Configuration.Instrument.priceTicks.lowerBound
        wide.highestPriceTicks = Configuration.Instrument.priceTicks.upperBound
        #expect(alone.ask(words(wide)).hasPrefix(#"{"ok":true"#))
        let list = alone.ask("admin instruments")
        #expect(list.contains("\(wide.lowestPriceTicks),\"highestPriceTicks\":2305843009213693951"))
    }

    @Test func `sets the state of an instrument, or is told why not`() throws {
        let alone = try Alone()
        let logged = alone.records.count
        #expect(
            alone.ask("admin state symbol=TWO state=auction reference=7")
                == #"{"ok":true,"tradingState":{"instrument":2,"symbol":"TWO","shard":0,"#
                + #""state":"auction","sequence":\#(logged + 1)}}"#)
        let record = try #require(alone.records.last)
        #expect(record.kind == .setInstrumentState && record.session == 9)
        #expect(record.tradingState == .auction && record.priceTicks == 7)
        let row = alone.ask("admin instruments from=2")
        #expect(row.contains(#""state":"auction","isUncrossing":false,"referencePriceTicks":7,"#))
        #expect(row.contains(#""staticReferenceTicks":7}"#))
        let refusals = [
            ("number=3 state=open", "there is no instrument 3"),
            ("number=2 state=open reference=0", "take one of 1…1000"),
            ("number=2 state=open reference=1001", "reference 1001 is none of the prices"),
        ]
        for (words, sentence) in refusals {
            let answer = alone.ask("admin state " + words)
            #expect(answer.hasPrefix(#"{"ok":false,"why":"state","#), "\(answer)")
            #expect(answer.contains(sentence), "\(answer)")
        }
        #expect(alone.records.count == logged + 1)
        let old = try Alone { $0.rules = RulesRange(oldest: 1, newest: 2) }
        #expect(
            old.ask("admin state number=1 state=halted").contains(
                "the log is under rules 2, and there are trading states since rules 3: activate"))
    }

    @Test func `sets the price bands of an instrument, and sees them`() throws {
        let alone = try Alone()
        let logged = alone.records.count
        let bands =
            #""bands":{"staticWidth":500,"dynamicWidth":0,"unit":"basisPoints","#
            + #""action":"auction","auctionSeconds":30}"#
        #expect(
            alone.ask("admin set-bands symbol=TWO static=500 seconds=30 basisPoints")
                == #"{"ok":true,"priceBands":{"instrument":2,"symbol":"TWO","shard":0,"#
                + #""sequence":\#(logged + 1),\#(bands)}}"#)
        let record = try #require(alone.records.last)
        #expect(record.kind == .setPriceBands && record.session == 9)
        let wanted = PriceBands(
            staticWidth: 500, isInBasisPoints: true, action: .auction, auctionSeconds: 30)
        #expect(record.priceBands == wanted)
        #expect(AdminRequest.setBands(.symbol("TWO"), wanted).isChange)
        #expect(
            try AdminRequest(AdminRequest.setBands(.number(2), wanted).words)
                == .setBands(.number(2), wanted))
        #expect(alone.ask("admin bands number=2").contains(bands))
        #expect(alone.ask("admin bands symbol=TWO") == alone.ask("admin bands number=2"))
        #expect(!alone.ask("admin bands number=1").contains("bands"))
        let refusals = [
            ("number=3 static=5", "there is no instrument 3"),
            ("number=2 static=1000", "a width of instrument 2 is at most 999 ticks"),
            ("number=2 seconds=5", "without a width there is no unit and no auction"),
        ]
        for (words, sentence) in refusals {
            let answer = alone.ask("admin set-bands " + words)
            #expect(answer.hasPrefix(#"{"ok":false,"why":"state","#), "\(answer)")
            #expect(answer.contains(sentence), "\(answer)")
        }
        #expect(alone.ask(words(gold)).contains(#""ok":true"#))
        #expect(
            alone.ask("admin set-bands number=3 static=5 basisPoints").contains("take ticks"))
        #expect(
            alone.ask("admin set-bands number=2 static=10001 basisPoints").contains(
                "static=10001: it takes 0…10000"))
        #expect(alone.ask("admin set-bands number=2").contains(#""ok":true"#))
        #expect(!alone.ask("admin bands number=2").contains("staticWidth"))
        let old = try Alone { $0.rules = RulesRange(oldest: 1, newest: 2) }
        #expect(
            old.ask("admin set-bands number=1 static=5").contains(
                "the log is under rules 2, and there are price bands since rules 3: activate"))
    }

    @Test func `puts accounts into trade groups, and sees them`() throws {
        let alone = try Alone()
        for (account, group) in [(9, 3), (0, 3), (7, 4), (7, 5), (9, 0)] {
            #expect(
                alone.ask("admin set-trade-group account=\(account) group=\(group)")
                    == #"{"ok":true,"tradeGroup":{"account":\#(account),"group":\#(group)}}"#)
        }
        let record = try #require(alone.records.last)
        #expect(record.kind == .setTradeGroup && record.session == 9 && record.account == 9)
        #expect(record.tradeGroup == 0)
        let first = #"{"account":0,"group":3,"shard":0}"#
        let second = #"{"account":7,"group":5,"shard":0}"#
        let all = alone.ask("admin trade-groups")
        #expect(all.contains(#""tradeGroups":[\#(first),\#(second)]}"#), "\(all)")
        #expect(
            alone.ask("admin trade-groups from=2").contains(#""tradeGroups":[\#(second)]"#))
        #expect(alone.ask("admin trade-groups from=3").contains(#""tradeGroups":[]"#))
        for account in 100..<356 {
            _ = alone.ask("admin set-trade-group account=\(account) group=1")
        }
        let many = alone.ask("admin trade-groups")
        #expect(many.contains(#"{"account":355,"group":1,"shard":0}]"#), "\(many)")
        let old = try Alone { $0.rules = RulesRange(oldest: 1, newest: 2) }
        #expect(
            old.ask("admin set-trade-group account=1 group=1").contains(
                "the log is under rules 2, and there are trade groups since rules 3: activate"))
    }

    @Test func `sets tick tables and the order rules of an instrument, and sees them`() throws {
        let alone = try Alone()
        let rows = #""rows":[{"fromTicks":-50,"stepTicks":1},{"fromTicks":100,"stepTicks":5}]"#
        let logged = alone.records.count
        #expect(
            alone.ask("admin set-tick-table table=3 rows=-50:1,100:5")
                == #"{"ok":true,"tickTable":{"table":3,"isWhole":true,"instruments":0,\#(rows)}}"#)
        #expect(
            alone.records.dropFirst(logged).map(\.kind) == [.setTickTableRow, .setTickTableRow])
        let rules =
            #"{"lotStep":10,"quantityLotsMin":0,"valueMax":18446744073709551615,"tickTable":3}"#
        #expect(
            alone.ask("admin set-order-rules symbol=TWO lot=10 value=18446744073709551615 table=3")
                == #"{"ok":true,"orderRules":{"instrument":2,"symbol":"TWO","shard":0,"#
                + #""sequence":\#(logged + 3),"rules":\#(rules)}}"#)
        let record = try #require(alone.records.last)
        #expect(record.kind == .setOrderRules && record.session == 9)
        #expect(record.orderRules == OrderRules(lotStep: 10, valueMax: .max, tickTable: 3))
        #expect(alone.ask("admin order-rules number=2").contains(#""orderRules":\#(rules)"#))
        #expect(!alone.ask("admin order-rules number=1").contains("lotStep"))
        #expect(alone.ask("admin tick-table table=3").contains(#""instruments":1,\#(rows)"#))
        #expect(alone.ask("admin tick-table table=4").contains(#""isWhole":false,"#))
        let refusals = [
            (
                "set-tick-table table=3 rows=0:1",
                "tick table 3 is named by 1 instruments of shard 0"
            ),
            ("set-order-rules number=3 lot=5", "there is no instrument 3"),
            (
                "set-order-rules number=1 lot=\(UInt64.max)",
                "so that no order could keep these: take a smaller lot step"
            ),
            ("set-order-rules number=1 table=4", "tick table 4 is not there, or not all of it"),
        ]
        for (words, sentence) in refusals {
            let answer = alone.ask("admin " + words)
            #expect(answer.hasPrefix(#"{"ok":false,"why":"state","#), "\(answer)")
            #expect(answer.contains(sentence), "\(answer)")
        }
        #expect(alone.ask("admin set-order-rules number=2").contains(#""ok":true"#))
        #expect(alone.ask("admin set-tick-table table=3 rows=0:1").contains(#""ok":true"#))
        let old = try Alone { $0.rules = RulesRange(oldest: 1, newest: 2) }
        #expect(
            old.ask("admin set-order-rules number=1 lot=5").contains(
                "and there are order rules since rules 3: activate"))
        #expect(
            old.ask("admin set-tick-table table=1 rows=0:5").contains(
                "and there are tick tables since rules 3: activate"))
    }

    @Test func `busts nothing without a journal, and is told of requests that are none`() throws {
        let alone = try Alone()
        for request in ["admin trade", "admin bust"] {
            #expect(alone.ask(request + " trade=0-9-0").contains("this gateway has none"))
            #expect(alone.ask(request + " trade=4-9-0").contains("there is no shard 4"))
            #expect(alone.ask(request + " trade=9").contains("such as 0-4711-2"))
        }
        let old = try Alone { $0.rules = RulesRange(oldest: 1, newest: 2) }
        #expect(
            old.ask("admin bust trade=0-9-0").contains(
                "the log is under rules 2, and trades can be busted since rules 3: activate"))
    }

    @Test func `reaches every shard`() throws {
        let alone = try Alone {
            $0.shards = 2
            $0.instruments[1].shard = 1
        }
        let first = alone.ask("admin instruments")
        #expect(first.contains(#""symbol":"ONE","shard":0"#) && !first.contains("TWO"), "\(first)")
        #expect(first.hasSuffix(#","nextShard":1,"nextFrom":1}"#), "\(first)")
        let second = alone.ask("admin instruments shard=1")
        #expect(second.contains(#""symbol":"TWO","shard":1"#), "\(second)")
        #expect(!second.contains("next") && !second.contains("ONE"), "\(second)")
        #expect(alone.ask("admin book symbol=TWO").hasPrefix(#"{"ok":true,"shard":1,"#))
        // A start would refuse a number that two shards have.
        var instrument = gold
        (instrument.number, instrument.shard) = (1, 1)
        #expect(alone.ask(words(instrument)).contains("there is an instrument 1 already"))
        instrument.number = 3
        #expect(alone.ask(words(instrument)).contains(#""shard":1,"sequence":"#))
        #expect(alone.ask("admin instruments shard=1 from=3").contains("GOLD"))
        #expect(alone.ask("admin set-tick-table table=3 rows=0:5").contains(#""ok":true"#))
        #expect(alone.ask("admin set-order-rules symbol=TWO table=3").contains(#""ok":true"#))
        #expect(
            alone.ask("admin set-tick-table table=3 rows=0:1").contains("instruments of shard 1"))
        #expect(alone.ask("admin kill session=16").contains(#""isStopped":true"#))
        for shard in 0...1 {
            let sessions = alone.ask("admin sessions shard=\(shard)")
            #expect(
                sessions.contains(
                    #"[{"session":16,"shard":\#(shard),"isLoggedOn":false,"isKilled":true,"#),
                "\(sessions)")
        }
    }

    @Test func `is told when nobody answers, and nothing is left behind`() throws {
        let rig = try ShardRig()
        let desk = rig.shard.opening!.desk
        let control = AdminControl(desks: [desk], cluster: nil, isKept: false, calendar: nil)
        #expect(
            control.answer(to: "admin sessions", by: 9).hasPrefix(
                #"{"ok":false,"why":"late","error":"the engine of shard 0 did not answer"#))
        #expect(!desk.engine.isAsked)
        let logged = rig.logged
        #expect(
            control.answer(to: "admin kill session=1", by: 9).contains(
                "the log takes nothing now, so nothing was done"))
        rig.settle()
        #expect(rig.logged == logged && desk.commands.isFree)
        // One that is in the log and waits for its commit keeps the next one out.
        desk.commands.ask(OperatorCommand(defining: gold, by: 9))
        _ = desk.commands.takeWish()
        #expect(
            control.answer(to: "admin kill session=1", by: 9).contains(
                "the one before is not done yet: ask again"))
    }

    @Test func `is refused what the engine would refuse, and nothing else`() throws {
        let seed = TestSeed.run
        var random = SeededRandom(seed: seed)
        var kinds: [Bool: Int] = [:]
        for _ in 0..<8 {
            let rig = try ShardRig { $0.instrumentCapacity = 8 }
            let desk = rig.shard.opening!.desk
            for _ in 0..<24 {
                let lowest = Int64(random.below(100)) - 50
                let instrument = Configuration.Instrument(
                    number: 1 + UInt32(random.below(9)), symbol: "S", lowestPriceTicks: lowest,
                    highestPriceTicks: lowest + Int64(random.below(40_000)),
                    quantityLotsMax: 1 << 50 - random.below(2))
                var answer = EngineAnswer()
                rig.shard.loop.engine.answer(.room, into: &answer)
                let isTaken = rig.shard.loop.engine.isDefined(instrument: instrument.number)
                let isGood =
                    !isTaken && InstrumentControl.refusal(of: instrument, answer.room) == nil
                desk.commands.ask(OperatorCommand(defining: instrument, by: 9))
                for _ in 0..<100 where desk.commands.answer == nil { rig.settle() }
                let outcome = try #require(desk.commands.answer)
                #expect(
                    outcome.reason == (isGood ? .none : .invalidControl),
                    "\(instrument), seed \(seed)")
                kinds[isGood, default: 0] += 1
            }
        }
        #expect(kinds.values.allSatisfy { $0 > 8 } && kinds.count == 2, "\(kinds), seed \(seed)")
    }

    @Test func `finds it again after a start, from the log and from a snapshot`() throws {
        let folder = JournalFolder()
        var rig: ShardRig? = try folder.rig()
        let desk = rig!.shard.opening!.desk
        desk.commands.ask(OperatorCommand(defining: gold, by: 9))
        Nap.until {
            rig!.settle()
            return desk.commands.answer != nil
        }
        #expect(desk.commands.answer?.reason == Reason.none)
        for isSnapshot in [false, true] {
            if isSnapshot {
                rig!.shard.history?.snapshots.request()
                _ = try #require(rig!.waitForSnapshot(1))
            }
            rig = nil
            rig = try folder.rig()
            let isDefined = rig!.shard.loop.engine.isDefined(instrument: 3)
            #expect(isDefined)
            // A snapshot has no names.
            let name = rig!.shard.opening!.desk.names[3]
            #expect(name?.symbol == (isSnapshot ? nil : "GOLD"))
            let warnings = rig!.shard.warnings.joined()
            #expect(warnings.contains("that the configuration does not name (3): they go on"))
            rig!.settle()
        }
        // The line that the operator adds, and one that says something else.
        rig = nil
        rig = try folder.rig { $0.instruments.append(gold) }
        #expect(rig!.shard.opening!.desk.names[3]?.symbol == "GOLD")
        #expect(rig!.shard.warnings.isEmpty)
        rig!.settle()
        rig = nil
        var other = gold
        other.highestPriceTicks += 1
        let error = #expect(throws: (any Error).self) {
            try folder.rig { $0.instruments.append(other) }
        }
        #expect("\(error!)".contains("defines number 3 with prices -50 to 500"), "\(error!)")
    }

    @Test func `of a pair is heard by the primary, and shown what there is by both`() throws {
        let pair = try Pair()
        try pair.start(1)
        try pair.start(2)
        try #require(pair.becomePair(primary: 1), "\(pair.ask(1, "cluster status"))")
        let request = words(gold)
        #expect(
            pair[2].admin.answer(to: request, by: 9).contains(
                "commands are the primary's, ask there"))
        let answer = pair[1].admin.answer(to: request, by: 9)
        #expect(answer.contains(#""isKept":true"#), "\(answer)")
        for (host, role) in [(1, "primary"), (2, "standby")] {
            var book = ""
            Nap.until {
                book = pair[host].admin.answer(to: "admin book symbol=GOLD", by: 9)
                return book.hasPrefix(#"{"ok":true"#)
            }
            #expect(
                book.hasPrefix(#"{"ok":true,"host":\#(host),"role":"\#(role)","shard":0,"#),
                "\(book)")
        }
        try #require(pair.switchesOver(from: 1), "\(pair.ask(1, "cluster status"))")
        try #require(pair.speaks(2))
        #expect(
            pair[2].admin.answer(to: request, by: 9).contains("there is an instrument 3 already"))
    }

    @Test
    func `finds a standby that begins anew as it was, with the instrument in its configuration`()
        throws
    {
        let pair = try Pair()
        try pair.start(1)
        try pair.start(2)
        try #require(pair.becomePair(primary: 1), "\(pair.ask(1, "cluster status"))")
        let answer = pair[1].admin.answer(to: words(gold), by: 9)
        #expect(answer.hasPrefix(#"{"ok":true"#), "\(answer)")
        pair.stop(2)
        try FileManager.default.removeItem(atPath: pair.journal(2))
        try pair.start(2) { $0.instruments.append(gold) }
        try #require(pair.becomePair(primary: 1), "\(pair.ask(1, "cluster status"))")
        let isEqual = Nap.until {
            pair[2].progress[0].sequence == pair[1].progress[0].sequence
                && pair[2].progress[0].stateHash == pair[1].progress[0].stateHash
        }
        #expect(isEqual)
        let book = pair[2].admin.answer(to: "admin book symbol=GOLD", by: 9)
        #expect(book.hasPrefix(#"{"ok":true,"host":2,"role":"standby""#), "\(book)")
    }

    @Test func `learns why a standby with other limits cannot follow`() throws {
        let rig = try ShardRig()
        func opening(rulesInForce: UInt32) -> EpochOpening {
            EpochOpening(
                rig.configuration, shard: 0, limits: rig.shard.loop.engine.limits,
                rulesInForce: rulesInForce,
                desk: ShardDesk(
                    rules: LogRules(.build), names: InstrumentNames(rig.configuration, shard: 0),
                    engine: EngineDesk(), trades: nil),
                expiry: ExpiryAlarm(rig.shard.progress, timeSeconds: 0), isDefined: { _ in true })
        }
        let start = rig.records()[0]
        func refusal(rulesInForce: UInt32, _ change: (inout EngineLimits) -> Void) -> String? {
            var limits = rig.shard.loop.engine.limits
            change(&limits)
            return opening(rulesInForce: rulesInForce).refusal(of: start, limits.continuation)
        }
        #expect(refusal(rulesInForce: 0) { _ in } == nil)
        #expect(refusal(rulesInForce: 3) { _ in } == nil)
        // Fewer levels than there are here: of a log that was begun before an instrument came.
        #expect(refusal(rulesInForce: 0) { $0.ladderTickCapacity -= 1 } == nil)
        #expect(
            refusal(rulesInForce: 3) { $0.ladderTickCapacity -= 1 }?.contains(
                "room for 67583 prices, and this host has it for 67584") == true)
        #expect(
            refusal(rulesInForce: 0) { $0.ladderTickCapacity += 1 }?.contains(
                "set engine.priceCapacity to 67585 in its configuration") == true)
        #expect(refusal(rulesInForce: 0) { $0.ladderTickCapacity = 0 } != nil)
        #expect(
            refusal(rulesInForce: 0) { $0.orderCapacity = 99 }?.contains(
                "with other limits: engine.orderCapacity 99 there, 16384 here. Make the") == true)
    }

    @Test func `sees in the status of a standby that it cannot follow`() throws {
        let pair = try Pair()
        try pair.start(1)
        try #require(pair.waits(1, .primary(.solo)))
        try pair.start(2) { $0.orderCapacity = 8_192 }
        var status = ""
        Nap.until {
            status = pair.ask(2, "cluster status")
            return status.contains("with other limits")
        }
        #expect(
            status.contains("with other limits: engine.orderCapacity 16384 there, 8192 here"),
            "\(status)")
        #expect(pair[2].logs[0].publishedSequence == 0)
    }
}
