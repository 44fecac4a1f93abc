// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(.enabled(if: Machine.hasExecutables)) struct `The admin commands` {
    private let port = Int.random(in: 20_000...29_999)
    private var address: String { "127.0.0.1:\(port)" }

    /// A gateway on this machine's own loop, with a journal in a folder.
    private func gateway(_ folder: ScratchFolder, extra: String = "") throws -> RunningGateway {
        let gateway = try RunningGateway(
            port: "udp:\(address)",
            configuration: RunningGateway.configuration
                .replacingOccurrences(of: "10.77.0.2", with: "127.0.0.1\nudpPort: \(port)")
                .replacingOccurrences(of: "publicStream:\n  group: 239.77.0.1\n", with: "")
                + extra + "\njournal: {folder: \(folder.path)/journal, segmentMB: 16}"
                + "\ncommit: durable\n")
        try #require(gateway.listens(), "\(gateway.output)")
        return gateway
    }

    private func tool(_ words: String...) throws -> Outcome {
        try run([Machine.needletail] + words + ["--gateway", address])
    }

    /// What a command prints; a failure where it does not succeed.
    private func shown(_ words: String...) throws -> String {
        let outcome = try run([Machine.needletail, "admin"] + words + ["--gateway", address])
        #expect(outcome.status == 0, "\(words): \(outcome.output)")
        return outcome.output
    }

    private func expectRefused(
        _ status: Int32, _ sentence: String, _ words: String..., line: Int = #line
    ) throws {
        let outcome = try run([Machine.needletail, "admin"] + words + ["--gateway", address])
        #expect(
            outcome.status == status && outcome.output.contains(sentence),
            "line \(line): \(outcome.status) \(outcome.output)")
    }

    @Test func `show what a gateway holds, and define an instrument that a start still knows`()
        throws
    {
        let folder = try ScratchFolder()
        let gateway = try gateway(folder)
        for order in ["5@8500000", "2@8500000", "1@8499999"] {
            #expect(try tool("send", "--buy", order, "--account", "7").status == 0)
        }
        #expect(
            try tool("send", "--sell", "9@8500010", "--peak", "4", "--id", "50").status == 0)
        #expect(
            try shown("instruments") == """
                gateway of no pair
                  number  symbol  shard  state  lowest   highest  largest        bid      ask
                  1       TEST    0      open   8000000  9000000  1099511627776  8500000  8500010

                """)
        #expect(
            try shown("book", "TEST", "--depth", "1").hasSuffix(
                """
                  bid orders  bid lots  bid      ask      ask lots  ask orders
                  2           7         8500000  8500010  9         1

                """))
        #expect(try shown("book", "1", "--depth", "2", "--json").contains(#""priceTicks":8499999"#))
        let order = try shown("order", "1", "50")
        #expect(order.contains("order 50 of session 1") && order.contains("peak        4 lots"))
        #expect(order.contains("leaves      9 lots") && order.contains("displayed   4 lots"))
        let sessions = try shown("sessions", "--json")
        #expect(
            sessions.hasPrefix(
                #"{"session":1,"shard":0,"isLoggedOn":false,"isKilled":false,"nextSequence":"#),
            "\(sessions)")
        #expect(sessions.contains(#""openOrders":4}"#), "\(sessions)")
        #expect(!gateway.output.contains("asks: admin sessions"), "what only looks is not noted")

        let defined = try shown("add-instrument", "2", "GOLD", "1", "500", "--price-decimals", "1")
        #expect(defined.hasPrefix("instrument 2 GOLD is defined, by record "), "\(defined)")
        let line = try #require(defined.firstMatch(of: #/configuration: (\{.*\})/#)).output.1
        #expect(try tool("send", "--buy", "3@400", "--instrument", "2").status == 0)
        #expect(try shown("book", "GOLD").contains("  1           3         400"))
        #expect(gateway.output.contains("asks: admin add-instrument number=2 symbol=GOLD"))
        #expect(try gateway.stop().status == 0)
        let exported = try run(
            [Machine.needletail, "log", "export", "\(folder.path)/journal/shard-0"])
        #expect(
            exported.output.split(separator: "\n").contains {
                $0.contains("symbol=GOLD") && $0.contains("operatorID=\(getuid()) ")
            }, "\(exported.output.suffix(3_000))")

        // With the configuration of before, and with the line that it was given.
        for extra in ["", "\n  - " + line] {
            let again = try self.gateway(folder, extra: extra)
            #expect(
                again.output.contains("that the configuration does not name (2)") == extra.isEmpty,
                "\(again.output)")
            #expect(try shown("book", "GOLD").contains("  1           3         400"))
            #expect(try again.stop().status == 0)
        }
    }

    @Test func `show a trade, and declare it void once`() throws {
        let folder = try ScratchFolder()
        let gateway = try gateway(folder)
        #expect(try tool("send", "--sell", "5@8500000", "--account", "7").status == 0)
        #expect(try tool("send", "--buy", "3@8500000", "--account", "8").status == 0)
        let exported = try run(
            [Machine.needletail, "log", "export", "\(folder.path)/journal/shard-0"])
        let id = try #require(exported.output.firstMatch(of: #/,(0-\d+-0),/#)?.output.1)
        let trade = try shown("trade", String(id))
        #expect(
            trade.hasPrefix("trade \(id): 3 lots of instrument 1 TEST at 8500000 ticks, "),
            "\(trade)")
        #expect(trade.contains("\n  buy   session 1, account 8, order "), "\(trade)")
        #expect(trade.contains("\n  sell  session 1, account 7, order "), "\(trade)")
        let void = try shown("bust", String(id))
        #expect(void == "void:\n" + trade)
        try expectRefused(1, "trade \(id) is void already", "bust", String(id))
        try expectRefused(1, "made no trade 7", "bust", id.dropLast() + "7")
        try expectRefused(64, "such as 0-4711-2", "bust", "9")
        #expect(gateway.output.contains("asks: admin bust trade=\(id)"))
        #expect(try gateway.stop().status == 0)
        let audit = try run(
            [Machine.needletail, "log", "export", "\(folder.path)/journal/shard-0"])
        let lines = audit.output.split(separator: "\n").filter { $0.contains(",busted,") }
        #expect(lines.count == 2 && lines.allSatisfy { $0.contains(",\(id),") }, "\(lines)")
    }

    @Test func `halt an instrument, and hold an auction in it`() throws {
        let folder = try ScratchFolder()
        let gateway = try gateway(folder)
        #expect(try shown("state", "TEST", "halted") == "instrument 1 TEST is halted\n")
        let halted = try tool("send", "--buy", "5@8500000", "--account", "7")
        #expect(halted.status == 1, "\(halted.output)")
        #expect(
            try shown("state", "1", "pre-open", "--reference-ticks", "8500001")
                == "instrument 1 TEST is pre-open\n")
        for (side, order, account) in [
            ("--buy", "5@8500002", "7"), ("--sell", "3@8500000", "8"), ("--sell", "9@8500003", "8"),
        ] {
            let sent = try tool("send", side, order, "--account", account)
            #expect(sent.status == 0, "\(sent.output)")
        }
        #expect(try shown("instruments").contains("  1       TEST    0      pre-open  8000000"))
        let book = try shown("book", "TEST", "--depth", "1")
        #expect(book.contains("  1           5         8500002  8500000  3         1"), "\(book)")
        #expect(
            try shown("state", "TEST", "open") == """
                instrument 1 TEST is open
                its auction trades 3 lots at 8500001 ticks

                """)
        let after = try shown("book", "TEST", "--depth", "1")
        #expect(after.contains("  1           2         8500002  8500003  9         1"), "\(after)")
        #expect(gateway.output.contains("asks: admin state symbol=TEST state=halted"))
        try expectRefused(64, "open-ish: it takes closed, pre-open", "state", "TEST", "open-ish")
        try expectRefused(1, "there is no instrument NONE", "state", "NONE", "open")
        try expectRefused(
            1, "reference 1 is none of the prices", "state", "1", "open", "--reference-ticks", "1")
    }

    @Test func `band an instrument, whose orders begin an auction that an operator must end`()
        throws
    {
        let folder = try ScratchFolder()
        let gateway = try gateway(folder)
        #expect(try shown("bands", "TEST") == "instrument 1 TEST has no price bands\n")
        #expect(
            try shown(
                "bands", "TEST", "--static", "100", "--dynamic", "50", "--auction-seconds", "1")
                    == """
                    instrument 1 TEST: static 100 ticks, dynamic 50 ticks
                      what would trade outside begins an auction of 1 seconds

                    """)
        _ = try shown("state", "TEST", "open", "--reference-ticks", "8500000")
        for (side, account) in [("--sell", "7"), ("--buy", "8")] {
            let sent = try tool("send", side, "3@8500200", "--account", account)
            #expect(sent.status == 0, "\(sent.output)")
        }
        #expect(try shown("instruments").contains("  1       TEST    0      auction  8000000"))
        #expect(try shown("bands", "1").contains("static reference 8500000 ticks"))
        try expectRefused(
            1, "would trade outside of its static price band", "state", "TEST", "open")
        #expect(
            try shown("state", "TEST", "open", "--reference-ticks", "8500150").contains(
                "its auction trades 3 lots at 8500200 ticks"))
        #expect(try shown("bands", "1").contains("static reference 8500200 ticks"))
        // Outside of the dynamic band, inside of the static one: nobody need end this one.
        for (side, account) in [("--sell", "7"), ("--buy", "8")] {
            let sent = try tool("send", side, "3@8500260", "--account", account)
            #expect(sent.status == 0, "\(sent.output)")
        }
        #expect(
            eventually(withinSeconds: 30) {
                (try? shown("bands", "1"))?.contains("static reference 8500260 ticks") == true
            })
        #expect(try shown("instruments").contains("  1       TEST    0      open"))
        #expect(
            try shown("bands", "TEST", "--none")
                == "instrument 1 TEST has no price bands\n")
        try expectRefused(64, "take --none", "bands", "TEST", "--static", "0")
        _ = try gateway.stop()
    }

    @Test func `bind an instrument's orders to a tick table and to whole lots`() throws {
        let folder = try ScratchFolder()
        let gateway = try gateway(folder)
        #expect(try shown("order-rules", "TEST") == "instrument 1 TEST has no order rules\n")
        #expect(try shown("tick-table", "2") == "tick table 2 has no rows\n")
        try expectRefused(
            1, "tick table 2 is not there", "order-rules", "TEST", "--tick-table", "2")
        let table = try shown("tick-table", "2", "--row", "-100:5", "--row", "8500000:50")
        #expect(
            table == """
                tick table 2, used by 0 instruments
                  from     step
                  -100     5
                  8500000  50

                """)
        #expect(
            try shown(
                "order-rules", "TEST", "--lot-step", "10", "--value-max", "1000000000",
                "--tick-table", "2")
                    == """
                    instrument 1 TEST: quantities in steps of 10 lots, worth at most 1000000000, \
                    prices of tick table 2

                    """)
        for (order, answer) in [
            ("30@8500010", "invalid tick"), ("35@8500050", "invalid lot"),
            ("200@8500050", "order value too large"), ("30@8500050", "accepted"),
        ] {
            let sent = try tool("send", "--buy", order)
            #expect(sent.output.contains(answer), "\(sent.output)")
        }
        #expect(try shown("tick-table", "2").contains("used by 1 instruments"))
        try expectRefused(1, "is named by 1 instruments", "tick-table", "2", "--row", "0:1")
        try expectRefused(
            64, "a row begins with a whole multiple", "tick-table", "3", "--row", "7:5")
        try expectRefused(64, "take --none", "order-rules", "TEST", "--lot-step", "0")
        #expect(
            try shown("order-rules", "TEST", "--none") == "instrument 1 TEST has no order rules\n")
        _ = try gateway.stop()
    }

    @Test func `say what is wrong with what they are asked`() throws {
        let folder = try ScratchFolder()
        try expectRefused(69, "no such gateway is running on this host", "instruments")
        let gateway = try gateway(folder)
        try expectRefused(1, "there is no instrument NONE", "book", "NONE")
        try expectRefused(1, "there is no instrument 2:", "book", "2")
        try expectRefused(64, "depth=21: it takes 1…20", "book", "TEST", "--depth", "21")
        try expectRefused(64, "number=0: it takes 1…1048576", "book", "0")
        try expectRefused(1, "session 1 has no open order 9", "order", "1", "9")
        try expectRefused(64, "session=0: it takes", "order", "0", "9")
        try expectRefused(1, "instrument 1 already", "add-instrument", "1", "GOLD", "1", "2")
        try expectRefused(1, "is called TEST already", "add-instrument", "2", "TEST", "1", "2")
        try expectRefused(1, "number 65 is above 64", "add-instrument", "65", "GOLD", "1", "2")
        try expectRefused(64, "highest=1 is below", "add-instrument", "2", "GOLD", "2", "1")
        try expectRefused(
            64, "symbol=TWO WORDS: a symbol", "add-instrument", "2", "TWO WORDS", "1", "2")
        try expectRefused(64, "Missing expected argument", "add-instrument", "2")
        try expectRefused(64, "Usage: needletail admin", "bust", "7")
        #expect(!gateway.output.contains("lowest=2 highest=1"), "what is none is not asked")
    }

    /// The tool where somebody else may run it, and how to be somebody else; nil where one cannot.
    private static let stranger: (command: [String], folder: ScratchFolder)? = {
        guard let folder = try? ScratchFolder() else { return nil }
        let copy = folder.path + "/needletail"
        try? FileManager.default.copyItem(atPath: Machine.needletail, toPath: copy)
        try? FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: folder.path)
        let command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", copy]
        return (try? run(command + ["--version"]).status) == 0 ? (command, folder) : nil
    }()

    @Test(.enabled(if: stranger != nil, "needs root, and libraries that everybody may read"))
    func `are for root and the gateway's own user alone`() throws {
        let folder = try ScratchFolder()
        let gateway = try gateway(folder)
        let other = try #require(Self.stranger).command
        for words in [["sessions"], ["kill", "session", "1"]] {
            let outcome = try run(other + ["admin"] + words + ["--gateway", address])
            #expect(outcome.status == 69, "\(outcome.output)")
            #expect(
                outcome.output.contains("run this as root, or as the user of the gateway"),
                "\(outcome.output)")
        }
        #expect(!gateway.output.contains("asks: admin kill"))
    }
}
