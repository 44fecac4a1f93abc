// SPDX-License-Identifier: Apache-2.0
import CommandLog
import Engine
import NICGateway
import ShardRig
import Testing
import Wire

@testable import Pipeline

extension ShardRig {
    /// What the shard's history finds.
    fileprivate func find(sequence: UInt64, index: UInt16) -> TradeDesk.Finding? {
        let trades = shard.opening!.desk.trades!
        var finding: TradeDesk.Finding?
        Nap.until {
            settle()
            finding = trades.finding(of: .init(sequence: sequence, index: index))
            return finding != nil
        }
        return finding
    }
}

@Suite struct `A trade that is declared void` {
    /// A shard with a journal on which two sessions have traded: 3 lots and then 2 of one command.
    private struct Market {
        let folder = JournalFolder()
        var rig: ShardRig
        var maker = TestClient(1)
        var taker = TestClient(2)
        /// Of the command that made both trades.
        let sequence: UInt64

        init(_ change: (inout Configuration) -> Void = { _ in }) throws {
            rig = try folder.rig(.durable, change)
            for frame in [maker.logonFrame(), taker.logonFrame()] { rig.inject(frame) }
            for answer in rig.logonAnswers(2) {
                if answer.header.session == 1 {
                    maker.epoch = answer.header.epoch
                    maker.token = answer.accepted.token
                } else {
                    taker.epoch = answer.header.epoch
                    taker.token = answer.accepted.token
                }
            }
            _ = rig.exchangeDurably(
                [
                    maker.frame([
                        bytes(order(1, .sell, 100, lots: 3)), bytes(order(2, .sell, 101, lots: 9)),
                    ])
                ], reports: 2)
            _ = rig.exchangeDurably(
                [taker.frame(order(7, .buy, 101, lots: 5))], reports: 5)
            sequence = rig.logged
        }

        var desk: ShardDesk { rig.shard.opening!.desk }

        func find(_ index: UInt16, of sequence: UInt64? = nil) -> TradeDesk.Finding? {
            rig.find(sequence: sequence ?? self.sequence, index: index)
        }

        func found(_ index: UInt16) -> TradeBust? {
            guard case .trade(let bust, _) = find(index) else { return nil }
            return bust
        }

        /// What the engine and both sessions say of a bust.
        func bust(_ bust: TradeBust) -> (CommandAnswer?, [SentFrame]) {
            desk.commands.ask(OperatorCommand(bust.record(operatorID: 9), bust.continuation))
            var sent: [SentFrame] = []
            Nap.until {
                rig.settle()
                sent += rig.sent()
                return desk.commands.answer != nil
            }
            return (desk.commands.answer, sent)
        }
    }

    @Test func `is found in the journal, and told to both as it was`() throws {
        let market = try Market()
        let bust = try #require(market.found(1))
        #expect(bust.tradeSequence == market.sequence && bust.tradeIndex == 1)
        #expect(bust.priceTicks == 101 && bust.quantityLots == 2 && !bust.isOfAuction)
        #expect(bust.restingSide == .sell && bust.resting.session == 1)
        #expect(bust.resting.orderID == 2 && bust.aggressor.orderID == 7)
        #expect(bust.aggressor.session == 2)
        #expect(bust.resting.otherReference == market.sequence)
        let (answer, sent) = market.bust(bust)
        #expect(answer?.reason == Reason.none)
        for (session, orderID) in [(UInt32(1), UInt64(2)), (2, 7)] {
            let reports = sent.filter { $0.header.session == session }.flatMap(\.reports)
            let report = try #require(
                reports.last.map { value($0, at: 0, as: ExecutionReport.self) })
            #expect(report.executionType == .busted && report.orderID == orderID)
            #expect(!report.attributes.contains(.resting), "as of the trade")
            #expect(report.priceTicks == 101 && report.quantityLots == 2 && report.reason == .none)
        }
        #expect(market.bust(bust).0?.reason == .alreadyBusted)
        #expect(market.rig.shard.loop.engine.checkInvariants() == nil)
    }

    @Test func `is none where there was no trade, and says so`() throws {
        let market = try Market()
        func sentence(_ index: UInt16, of sequence: UInt64) -> String? {
            guard case .nothing(let text) = market.find(index, of: sequence) else { return nil }
            return text
        }
        let last = market.sequence
        #expect(sentence(2, of: last)?.contains("made no trade 2") == true)
        #expect(sentence(0, of: last - 1)?.contains("made no trade 0") == true)
        #expect(sentence(0, of: last + 1)?.contains("durable up to sequence \(last)") == true)
        #expect(sentence(0, of: 0)?.contains("durable up to") == true)
        #expect(sentence(0, of: 2)?.contains("made no trade 0") == true)
    }

    @Test func `is found behind a snapshot and after a start, and stays void`() throws {
        var market = try Market()
        let first = try #require(market.found(0))
        #expect(market.bust(first).0?.reason == Reason.none)
        market.rig.shard.history?.snapshots.request()
        _ = try #require(market.rig.waitForSnapshot(market.sequence))
        let second = try #require(market.found(1))
        _ = market.rig.exchangeDurably([market.maker.frame(order(9, .sell, 105))], reports: 1)
        let copy = try market.folder.copy()
        let again = try copy.rig()
        #expect(again.shard.recoveredFrom > 0)
        let found = again.find(sequence: market.sequence, index: 1)
        guard case .trade(let bust, let timestampNanos) = found else {
            Issue.record("\(found as Any)")
            return
        }
        #expect(bust == second && timestampNanos > 0)
        #expect(again.shard.loop.engine.checkInvariants() == nil)
        let desk = again.shard.opening!.desk.commands
        for (bust, reason) in [(first, Reason.alreadyBusted), (second, .none)] {
            desk.ask(OperatorCommand(bust.record(operatorID: 9), bust.continuation))
            Nap.until {
                again.settle()
                return desk.answer != nil
            }
            #expect(desk.answer?.reason == reason)
        }
    }

    @Test func `has a name that is read as it is written`() {
        #expect(TradeID("0-4711-2") == TradeID(shard: 0, sequence: 4711, index: 2))
        for text in [
            "", "0-4711", "0-4711-2-1", "0-04711-2", "a-1-2", "0-1-65536", " 0-1-2", "0-1--2",
        ] {
            #expect(TradeID(text) == nil, "\(text)")
        }
        let id = TradeID(shard: 3, sequence: .max, index: 9)
        #expect(TradeID(id.text) == id)
        #expect(try! AdminRequest(AdminRequest.bust(id).words) == .bust(id))
        #expect(try! AdminRequest(AdminRequest.trade(id).words) == .trade(id))
        #expect(AdminRequest.bust(id).isChange && !AdminRequest.trade(id).isChange)
    }
}
