// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(.enabled(if: Machine.hasExecutables)) struct `What an order may ask for` {
    /// A gateway with its journal, and clients of it.
    private final class Venue {
        let folder: ScratchFolder
        let gateway: RunningGateway
        private let port = 20_000 + Int.random(in: 0..<20_000)
        var shard: String { folder.path + "/journal/shard-0" }

        init() throws {
            folder = try ScratchFolder()
            gateway = try RunningGateway(
                port: "\(port)",
                configuration: LogFixture.configuration.replacingOccurrences(
                    of: "FOLDER", with: folder.path))
            guard gateway.listens() else { throw BenchError(description: gateway.output) }
        }

        /// The reports of one `send`: kind, lots, leaves, reason.
        func send(_ arguments: [String]) throws -> [String] {
            let sent = try run(
                [Machine.needletail, "send", "--gateway", "127.0.0.1:\(port)", "--json"]
                    + arguments)
            return try sent.output.split(separator: "\n").map { line in
                let report = try #require(
                    try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    "\(sent.output)")
                func text(_ name: String) -> String { "\(report[name] ?? "")" }
                let quantity = "\(text("quantityLots"))@\(text("priceTicks"))"
                let reason = text("reasonText")
                return "\(text("kind")) \(quantity) leaves \(text("leavesLots"))"
                    + (reason.isEmpty ? "" : ", \(reason)")
            }
        }
    }

    @Test func `is sent, and done, and told in the log by its name`() throws {
        let venue = try Venue()
        func send(_ arguments: String...) throws -> [String] {
            try venue.send(["--session", "1", "--wait", "1"] + arguments)
        }
        #expect(
            try send("--sell", "500@100", "--peak", "20") == ["accepted 500@100 leaves 500"])
        #expect(try send("--sell", "7@100", "--hidden") == ["accepted 7@100 leaves 7"])
        // It would trade, with a hidden order too.
        #expect(try send("--buy", "3@100", "--slide") == ["accepted 3@99 leaves 3"])
        let few = ["--session", "2", "--account", "2", "--wait", "1"]
        #expect(
            try venue.send(few + ["--buy", "600@100", "--ioc", "--min", "508"]) == [
                "accepted 600@100 leaves 600", "cancelled 600@100 leaves 0, minimum quantity",
            ])
        // 2,500 buys 25 lots at 100: the 20 that are shown, and 5 of the next.
        #expect(
            try venue.send(few + ["--buy", "30@market", "--quote-max", "2500", "--slippage", "4"])
                == [
                    "accepted 30@0 leaves 30", "traded 20@100 leaves 10", "traded 5@100 leaves 5",
                    "cancelled 5@0 leaves 0, market remainder",
                ])
        // Of the same account: both lose the three lots.
        let decrement = try send("--sell", "5@99", "--stp", "decrement")
        #expect(decrement.contains("prevented 3@99 leaves 2"), "\(decrement)")
        #expect(
            decrement.contains("cancelled 3@99 leaves 0, self-trade prevented"), "\(decrement)")
        let expiring = try venue.send(few + ["--buy", "5@50", "--expire-in", "1"])
        #expect(expiring.first == "accepted 5@50 leaves 5")
        let isOver = eventually(withinSeconds: 60) {
            (try? logTool("export", venue.shard))?.output.contains(",cancelled,expired,") == true
        }
        #expect(isOver)
        let later = try venue.send(few + ["--buy", "5@50", "--until", "2100-01-01T00:00:00Z"])
        #expect(later == ["accepted 5@50 leaves 5"])
        // The last trade was at 100. One at 99 triggers it, and it buys the other lot there.
        #expect(
            try venue.send(few + ["--buy", "1@market", "--take-profit", "99"]) == [
                "accepted 1@0 leaves 1"
            ])
        #expect(try send("--buy", "1@99", "--ioc").contains("traded 1@99 leaves 0"))
        #expect(
            try send("--id", "77", "--sell", "2@300") == ["accepted 2@300 leaves 2"])
        #expect(
            try send("--sell", "2@market", "--trail", "9:2", "--link", "77") == [
                "accepted 2@0 leaves 2"
            ])
        let end = try venue.gateway.stop()
        #expect(end.status == 0, "\(end.output)")

        let rows = try logTool("export", venue.shard).rows()
        let orders = rows.filter { $0["command"] == "newOrder" && $0["outcome"] == "accepted" }
        #expect(
            orders.map { "\($0["flags"] ?? "") \($0["details"] ?? "")" } == [
                " peakLots=20", "hidden ", "postOnly|slide ", " minimumLots=508",
                " slippageTicks=4 quoteMax=2500", "decrement ",
                " expirySeconds=\(orders[6]["details"]?.split(separator: "=").last ?? "")",
                " expirySeconds=4102444800", " triggerPriceTicks=99 triggerCondition=16",
                " ", " ",
                "linked linkedOrderID=77 trailOffsetTicks=9 trailStepTicks=2",
            ])
        let triggered = rows.filter { $0["outcome"] == "triggered" }
        #expect(triggered.map { $0["quantityLots"] } == ["1"])
        let expired = rows.filter { $0["command"] == "timeAdvance" }
        #expect(expired.map { $0["outcome"] } == ["cancelled", "controlApplied"])
        #expect(expired.map { $0["reason"] } == ["expired", ""])
        let dump = try logTool("dump", venue.shard).output
        #expect(dump.contains("slippageTicks=4  quoteMax=2500"), "\(dump)")
        let replay = try logTool("replay", venue.shard, "--state-hash")
        #expect(replay.status == 0 && end.output.contains(replay.lines[0]), "\(end.output)")
    }

    @Test(arguments: [
        ("--buy 1@5 --ioc --fok", "--ioc and --fok exclude each other"),
        ("--buy 1@5 --hidden --slide", "--hidden and --slide exclude each other"),
        ("--buy 9@5 --hidden --peak 3", "--hidden and --peak exclude each other"),
        ("--buy 1@5 --expire-in 5 --until 2100-01-01T00:00:00Z", "exclude each other"),
        ("--buy 1@5 --until 2001-01-01T00:00:00Z", "--until: that time is over"),
        ("--buy 1@5 --until tomorrow", "The value 'tomorrow' is invalid"),
        ("--buy 1@5 --expire-in 0", "--expire-in 0: at least 1"),
        ("--buy 1@5 --expire-in 5 --ioc", "--expire-in is for orders that rest: not with --ioc"),
        ("--buy 1@market --hidden", "--hidden is for orders that rest: not with 1@market"),
        ("--buy 9@5 --fok --peak 3", "--peak is for orders that rest: not with --fok"),
        ("--buy 9@5 --peak 10", "--peak 10: of 9@5 from 1 to 9 are shown"),
        ("--sell 1000@5 --peak 3", "--peak 3: of 1000@5 from 4 to 1000 are shown"),
        ("--buy 9@5 --min 3", "add --ioc"),
        ("--buy 9@5 --ioc --min 10", "--min 10 is more than the lots of 9@5"),
        ("--buy 9@5 --slippage 3", "--slippage is for orders at market: not with 9@5"),
        ("--buy 9@5 --quote-max 30", "--quote-max is for orders at market"),
        ("--buy 9@market --min 3 --quote-max 30", "--quote-max and --min exclude each other"),
        ("--buy 9@5 --trail 5:1", "--trail is for orders at market: not with 9@5"),
        ("--buy 9@market --stop 5 --ioc", "--stop and --ioc exclude each other"),
        ("--buy 9@5 --stop 5 --take-profit 6", "--take-profit and --stop exclude each other"),
        ("--buy 9@5 --ioc --link 3", "--link is for orders that rest: not with --ioc"),
        ("--cancel 5 --hidden", "give --buy or --sell"),
    ])
    func `is refused where it does not go together, before anything is sent`(
        arguments: String, complaint: String
    ) throws {
        // Nobody is there: it does not come to that.
        let sent = try run(
            [Machine.needletail, "send", "--gateway", "127.0.0.1:1"]
                + arguments.split(separator: " ").map(String.init))
        #expect(sent.status == 64 && sent.output.contains(complaint), "\(sent.output)")
    }
}

@Suite(
    .enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"),
    .enabled(if: Machine.hasNamespaces, "needs root, iproute2 and network namespaces"))
struct `A listener to the public stream` {
    @Test func `hears of a hidden order in its trades alone, and of an iceberg's shown parts`()
        throws
    {
        let bench = try VethBench()
        let gateway = try RunningGateway(port: "af_packet:gw0", prefix: bench.gatewayPrefix)
        try #require(gateway.listens(), "\(gateway.output)")
        let listener = try Child(
            bench.clientPrefix + [Machine.needletail, "subscribe", "--interface", "cl0"]
                + ["--group", "239.77.0.1:7100", "--seconds", "120"])
        let hears = eventually(withinSeconds: 60) {
            _ = try? bench.client(["send", "--buy", "1@8000001"])
            return listener.output.contains("added")
        }
        try #require(hears, "\(listener.output)")
        for order in [
            ["--sell", "7@8500000", "--hidden"], ["--sell", "50@8500001", "--peak", "5"],
            ["--buy", "12@8500001", "--ioc"],
        ] {
            let sent = try bench.client(["send", "--wait", "1"] + order)
            #expect(sent.status == 0, "\(sent.output)")
        }
        func heard() -> [String] {
            listener.output.split(separator: "\n").compactMap { line in
                guard line.contains("@ 85") else { return nil }
                let words = line.split(separator: " ").dropFirst()
                let isNamed = line.contains("#0 ") ? "nobody" : "somebody"
                return "\(words.first ?? "") \(isNamed) \(words.suffix(3).joined(separator: " "))"
            }
        }
        _ = eventually(withinSeconds: 30) { heard().count >= 4 }
        #expect(
            heard() == [
                "added somebody 5 @ 8500001", "traded nobody 7 @ 8500000",
                "executed somebody 5 @ 8500001", "added somebody 5 @ 8500001",
            ], "\(listener.output)")
        listener.kill()
        #expect(try gateway.stop().status == 0)
    }
}
