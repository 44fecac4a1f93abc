// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

private typealias Log = LogFixture

@Suite(.enabled(if: Machine.hasExecutables)) struct `The export for auditors` {
    @Test func `has the columns that its page tells of`() throws {
        let page = try page("docs/formats/export.md")
        let head = try #require(try logTool("export", Log.original.get().shard).lines.first)
        #expect(page.contains("\n\(head)\n"), "\(head)")
        let told = page.matches(of: /(?m)^\| `(\w+)` \| (?!what was)/).map { String($0.1) }
        let columns = head.split(separator: ",").map(String.init)
        #expect(Array(told.prefix(columns.count)) == columns)
    }

    @Test func `names what was asked and what became of it`() throws {
        let answer = try logTool("export", try Log.original.get().shard)
        let rows = answer.rows()
        #expect(answer.status == 0 && answer.errors == "", "\(answer.errors)")
        #expect(rows.allSatisfy { $0["shard"] == "0" && $0["outcome"]?.contains(/\d/) == false })
        let epochs = rows.filter { $0["command"] == "epochStart" }
        #expect(epochs.map { $0["epoch"] } == ["1", "2", "3"])
        for row in epochs + rows.filter({ $0["command"] == "defineInstrument" }) {
            for column in ["session", "side", "priceTicks", "quantityLots", "leavesLots"] {
                #expect(row[column] == "", "\(column) of \(row)")
            }
        }
        let logon = try #require(rows.first { $0["command"] == "logon" })
        #expect(logon["source"]?.hasPrefix("127.0.0.1:") == true && logon["quantityLots"] == "")
        #expect(logon["outcome"] == "sessionOpened" && logon["flags"] == "extendedReports")
        let trades = rows.filter { $0["outcome"] == "traded" }
        #expect(trades.map { $0["tradeID"] } == ["0-8-0", "0-8-0"])
        #expect(trades.map { $0["role"] } == ["resting", "aggressor"])
        let unknown = try #require(rows.first { $0["outcome"] == "cancelRejected" })
        #expect(unknown["side"] == "" && unknown["orderID"] == "999" && unknown["account"] == "")
        #expect(unknown["reason"] == "unknownOrder" && unknown["priceTicks"] == "")
        let reduce = try #require(rows.first { $0["outcome"] == "reduceRejected" })
        #expect(reduce["quantityLots"] == "8" && reduce["priceTicks"] == "")
    }

    @Test func `tells a new order's terms and what a replace replaces`() throws {
        let rows = try logTool("export", try Log.original.get().shard).rows()
        let postOnly = try #require(rows.first { $0["orderID"] == "18446744073709551000" })
        #expect(postOnly["flags"] == "postOnly" && postOnly["timeInForce"] == "day")
        #expect(postOnly["quantityLots"] == "1099511627776" && postOnly["type"] == "limit")
        let immediate = try #require(rows.first { $0["orderID"] == "30" })
        #expect(immediate["timeInForce"] == "immediateOrCancel")
        #expect(immediate["flags"] == "cancelOldest")
        let replaced = rows.filter { $0["command"] == "replaceOrder" }
        #expect(replaced.map { $0["outcome"] } == ["replaced", "accepted", "replaceRejected"])
        #expect(replaced.map { $0["originalOrderID"] } == ["10", "10", "20"])
        #expect(replaced.map { $0["side"] } == ["buy", "buy", "buy"])
        let done = try #require(rows.first { $0["outcome"] == "massCancelDone" })
        #expect(done["quantityLots"] == "" && done["side"] == "")
        #expect(done["details"] == "sides=buy|sell ordersCancelled=2", "\(done)")
    }

    @Test func `and the dump use the names of the pages`() throws {
        let source = try page("Sources/needletail/Log/Names.swift")
        let sections = [
            ("log-record", "Command kinds"), ("events", "Event kinds"), ("order-entry", "Reasons"),
            ("order-entry", "Order types"), ("order-entry", "Times in force"),
            ("order-entry", "Self-trade prevention"),
        ]
        for (file, heading) in sections {
            let marker = "// \(file).md, \(heading)\n"
            let table = try #require(source.components(separatedBy: marker).last)
            let code = table.prefix(upTo: try #require(table.firstRange(of: "    ]\n")).lowerBound)
            let text = try page("docs/formats/\(file).md")
            let section = try #require(text.components(separatedBy: "\n## \(heading)\n").last)
                .components(separatedBy: "\n## ")[0]
            let told = section.matches(of: /(?m)^\| (\d+) \| `(\w+)` \|/)
                .map { "\($0.1): \($0.2)" }
            let known = code.matches(of: /(\d+): "(\w+)"/).map { "\($0.1): \($0.2)" }
            #expect(!told.isEmpty && told == known, "\(file).md, \(heading)")
        }
    }

    private func page(_ path: String) throws -> String {
        try String(
            contentsOf: Machine.packageRoot.appendingPathComponent(path), encoding: .utf8)
    }
}

@Suite(.enabled(if: Machine.hasExecutables)) struct `The exit statuses in the help` {
    @Test(arguments: [("gateway", "running.md"), ("log", "recovery.md")])
    func `are those of the page`(command: String, page: String) throws {
        let help = try run([Machine.needletail, command, "--help"]).output
        let text = try String(
            contentsOf: Machine.packageRoot.appendingPathComponent("docs/operations/\(page)"),
            encoding: .utf8)
        let codes = try #require(help.components(separatedBy: "EXIT CODES").last)
            .matches(of: /(?m)^  (\d+) +\S/).map { String($0.1) }
        let told = text.matches(of: /(?m)^\| (\d+) \|/).map { String($0.1) }
        #expect(codes.count > 3 && codes == told)
    }
}

@Suite(.enabled(if: Machine.hasExecutables)) struct `The dump of a log` {
    @Test func `calls fields as they are called in each kind`() throws {
        let commands = try logTool("dump", Log.original.get().shard, "--json").objects()
        func first(_ kind: String) throws -> [String: Any] {
            try #require(commands.first { $0["kind"] as? String == kind })
        }
        #expect(commands.allSatisfy { ($0["crc32c"] as? String)?.count == 8 })
        let epoch = try first("epochStart")
        #expect(epoch["epoch"] as? Int == 1 && epoch["session"] == nil)
        #expect(epoch["indexSeed"] is NSNumber && epoch["records"] as? Int == 2)
        let limits = try #require(epoch["second"] as? [String: Any])
        #expect(limits["orderCapacity"] as? Int == 1024 && limits["sequence"] as? Int == 2)
        #expect((limits["crc32c"] as? String)?.count == 8)
        let instrument = try first("defineInstrument")
        #expect(instrument["highestPriceTicks"] as? Int == 1000)
        #expect((instrument["second"] as? [String: Any])?["symbol"] as? String == "TEST")
        let logon = try first("logon")
        #expect((logon["source"] as? String)?.hasPrefix("127.0.0.1:") == true)
        #expect(logon["heartbeatMillis"] as? Int == 1000 && logon["nonce"] is NSNumber)
        #expect(logon["flagNames"] as? [String] == ["extendedReports"])
        let replace = try first("replaceOrder")
        #expect(replace["originalOrderID"] as? Int == 10 && replace["newOrderID"] as? Int == 20)
        #expect(replace["account"] == nil && replace["instrument"] == nil)
        let order = try #require(commands.first { $0["orderID"] as? Int == 30 })
        #expect(order["timeInForce"] as? String == "immediateOrCancel")
        #expect(order["side"] as? String == "buy" && order["type"] as? String == "limit")
        #expect(order["flagNames"] as? [String] == ["cancelOldest"])
    }

    @Test func `keeps its columns apart`() throws {
        let dump = try logTool("dump", Log.original.get().shard)
        let row = try #require(dump.lines.first { $0.contains("18446744073709551000") })
        let words = row.split(separator: " ").map(String.init)
        #expect(words.contains("18446744073709551000") && words.contains("1099511627776"), "\(row)")
    }
}
