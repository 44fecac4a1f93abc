// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

@testable import Pipeline

@Suite struct `A request of an operator` {
    private let largest = Configuration.Instrument(
        number: 65_536, symbol: "of=OF,{}\"'\\#:09A", lowestPriceTicks: -(1 << 40),
        highestPriceTicks: 1 << 40, quantityLotsMax: 1 << 62, priceDecimals: 18,
        quantityDecimals: 18, shard: 15)

    @Test func `is read as it is written`() throws {
        let requests: [AdminRequest] = [
            .kill(.session, 7, stops: true), .kill(.account, .max, stops: false),
            .kill(.account, 0, stops: true), .addInstrument(largest),
            .addInstrument(
                .init(number: 1, symbol: "A", lowestPriceTicks: 5, highestPriceTicks: 5)),
            .state(.symbol("of"), .preOpen, referenceTicks: nil),
            .state(.number(65_536), .postClose, referenceTicks: -(1 << 40)),
            .instruments(shard: 0, from: 1), .sessions(shard: 15, from: .max),
            .book(.number(1), depth: 1), .book(.symbol("of"), depth: 20),
            .order(session: 1, orderID: .max), .roll(BusinessDay(rawValue: 20_787)),
            .calendar, .setTradeGroup(account: 0, group: .max),
            .setTradeGroup(account: .max, group: 0), .tradeGroups(shard: 15, from: .max),
            .orderRules(.number(1)), .tickTable(16),
            .setOrderRules(
                .symbol("of"),
                OrderRules(lotStep: 10, quantityLotsMin: 20, valueMax: .max, tickTable: 16)),
            .setOrderRules(.number(7), OrderRules()),
            .setTickTable(
                1,
                [
                    TickRow(fromTicks: -(1 << 40), stepTicks: 2),
                    TickRow(fromTicks: 1 << 40, stepTicks: 1),
                ]),
        ]
        for request in requests {
            let line = ControlRequest(request.words, pair: "of a pair").line
            let words = ControlRequest(line: line).words
            #expect(words == request.words && AdminControl.isMeant(by: words))
            #expect(try AdminRequest(words) == request)
            #expect(AdminControl.isReading(words) != request.isChange)
        }
    }

    @Test func `with a blank in its symbol is none`() {
        var instrument = largest
        instrument.symbol = "A release"
        for request in [AdminRequest.addInstrument(instrument), .book(.symbol("A B"), depth: 1)] {
            let error = #expect(throws: AdminRequestError.self) { try request.check() }
            #expect(error?.description.contains("a symbol is 1 to 16 visible ASCII") == true)
        }
        #expect(throws: Never.self) { try AdminRequest.addInstrument(largest).check() }
    }

    @Test func `fits a line with the longest name of a pair`() {
        let name = String(repeating: "n", count: 100)
        let rows = (0..<Int64(TickTable.rowsMax)).map {
            TickRow(fromTicks: -(1 << 40) + $0 * (1 << 31), stepTicks: 1 << 31)
        }
        for request in [AdminRequest.addInstrument(largest), .setTickTable(16, rows)] {
            let line = ControlRequest(request.words, pair: name).line
            #expect(line.utf8.count <= 1_024)
        }
    }

    @Test func `has usual values for what it need not say`() throws {
        #expect(try AdminRequest("admin book symbol=X") == .book(.symbol("X"), depth: 10))
        #expect(try AdminRequest("admin sessions") == .sessions(shard: 0, from: 1))
        let given = try AdminRequest("admin add-instrument number=3 symbol=X lowest=1 highest=2")
        let usual = Configuration.Instrument(
            number: 3, symbol: "X", lowestPriceTicks: 1, highestPriceTicks: 2)
        #expect(given == .addInstrument(usual))
    }

    @Test(arguments: [
        ("", "there is no such request"),
        ("fly 7", "there is no such request"),
        ("kill", "`account` is missing: a number, 0…18446744073709551615"),
        ("set-trade-group account=1", "`group` is missing: a number, 0…4294967295"),
        ("kill session=x", "session=x: it takes 0…18446744073709551615"),
        ("kill session=7 account=7", "there is no such request: `account` has no meaning in it"),
        ("kill session=7 released", "there is no such request: `released` has no meaning in it"),
        ("kill session=7  release", "there is no such request: `` has no meaning in it"),
        ("kill session=7 session=8", "`session` is given twice: give it once"),
        ("book depth=5", "`number` is missing: a number, 1…1048576"),
        ("book number=1 depth=21", "depth=21: it takes 1…20"),
        ("book number=1 depth=0", "depth=0: it takes 1…20"),
        ("book number=0", "number=0: it takes 1…1048576"),
        ("book symbol=", "symbol=: a symbol is 1 to 16 visible ASCII characters"),
        ("book symbol=0123456789ABCDEFG", "a symbol is 1 to 16 visible ASCII characters"),
        ("book symbol=Ä", "symbol=Ä: a symbol is 1 to 16 visible ASCII characters"),
        (
            "state number=1",
            "state=: it takes one of closed, pre-open, auction, open, halted, post-"
        ),
        ("state number=1 state=preOpen", "state=preOpen: it takes one of closed, pre-open"),
        ("state state=open", "`number` is missing"),
        ("state number=1 state=open reference=x", "reference=x: it takes -2305843009213693951…"),
        ("order session=0 id=1", "session=0: it takes 1…4294967295"),
        ("order session=1 id=0", "id=0: it takes 1…18446744073709551615"),
        ("sessions shard=16", "shard=16: it takes 0…15"),
        ("add-instrument number=1 symbol=A lowest=1", "`highest` is missing"),
        ("add-instrument number=1 symbol=A lowest=2 highest=1", "highest=1 is below lowest=2"),
        (
            "add-instrument number=1 symbol=A lowest=1 highest=1 largest=0",
            "largest=0: it takes 1…4611686018427387904"
        ),
        (
            "add-instrument number=1 symbol=A lowest=1 highest=1 priceDecimals=19",
            "priceDecimals=19: it takes 0…18"
        ),
    ])
    func `that is none says what is wrong`(words: String, sentence: String) throws {
        let error = #expect(throws: AdminRequestError.self) { try AdminRequest("admin " + words) }
        #expect(error?.description.contains(sentence) == true, "\(error!)")
        #expect(!AdminControl.isReading("admin " + words))
    }
}
