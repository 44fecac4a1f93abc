// SPDX-License-Identifier: Apache-2.0
internal import OrderEntryClient
internal import Wire

/// `replay --golden`: every trade and every resting order, exactly.
struct GoldenReplay {
    let options: Replay
    let folder: String

    func run() throws {
        let golden: GoldenSet
        do throws(ClientError) {
            golden = try GoldenSet(
                orders: TextFile.read(folder + "/orders.csv"),
                ledger: TextFile.read(folder + "/expected_ledger.csv"),
                orderBook: TextFile.read(folder + "/expected_orderbook.csv"),
                instrument: options.instrument)
        } catch { throw failure(error, Exit.badInput) }
        var book = ReportBook()
        var trades: [GoldenSet.Settlement] = []
        let deliver: (SessionReport) -> Void = { report in
            if let trade = book.apply(report) { trades.append(.init(trade)) }
        }
        var link = try ReplayLink.open(options, deliver: deliver)
        for command in golden.commands {
            try link.send(deliver: deliver) { link in
                switch command {
                case .place(let order): link.submit(order)
                case .cancel(let cancel): link.submit(cancel)
                }
            }
        }
        try link.finish(deliver: deliver) { book.commandCount }
        try report(golden, trades, book, link.counters)
    }

    private func report(
        _ golden: GoldenSet, _ trades: [GoldenSet.Settlement], _ book: ReportBook,
        _ counters: SessionCounters
    ) throws {
        let same = zip(trades, golden.settlements).prefix { $0 == $1 }.count
        let resting = book.orders.values.sorted { $0.orderID < $1.orderID }
        let expected = Dictionary(uniqueKeysWithValues: golden.resting.map { ($0.orderID, $0) })
        let right = resting.filter { expected[$0.orderID] == $0 }.count
        // The right ones first, then what should be there: 616/616 says both.
        let isMatch =
            same == golden.settlements.count && trades.count == same
            && resting == golden.resting && book.contradictions == 0 && counters.reportsLost == 0
        print(
            "\(same)/\(golden.settlements.count) trades · "
                + "\(right)/\(golden.resting.count) resting orders · "
                + (isMatch ? "match OK" : "MISMATCH"))
        let rejects = book.rejects.sorted { $0.key < $1.key }
            .map { "\($0.value) × \(Reason(rawValue: $0.key).text)" }.joined(separator: ", ")
        print("rejected: \(rejects.isEmpty ? "none" : rejects)")
        printNetwork(counters)
        guard !isMatch else { return }
        if book.rejects[Reason.priceOutOfRange.rawValue] != nil {
            let prices = golden.commands.compactMap { command in
                if case .place(let order) = command { order.priceTicks } else { nil }
            }
            print(
                "the gateway's instrument \(options.instrument) must have prices from "
                    + "\(prices.min() ?? 0) to \(prices.max() ?? 0) ticks")
        }
        print("reports that contradict each other: \(book.contradictions)")
        if trades.count != golden.settlements.count {
            print("\(trades.count) trades came, \(golden.settlements.count) are recorded")
        }
        if same < min(trades.count, golden.settlements.count) {
            print(
                "trade \(same + 1): \(trades[same]) came, \(golden.settlements[same]) is recorded")
        }
        for order in resting where expected[order.orderID] != order {
            print("rests, and should not like this: \(order)")
        }
        throw Exit.mismatch
    }
}

/// What the network did, when it did anything.
func printNetwork(_ counters: SessionCounters) {
    print(
        "reports lost \(counters.reportsLost) · network: \(counters.messagesResent) messages "
            + "resent, \(counters.resendRequests) resend requests, "
            + "\(counters.reportsDuplicated) duplicates dropped, "
            + "\(counters.reportsOutOfOrder) came early")
}
