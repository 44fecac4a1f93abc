// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Wire

/// Where each set of numbers is documented, and the prefix of its constants in needletail.h.
private let documented: [(type: String, page: String, section: String, prefix: String)] = [
    ("CommandKind", "log-record", "Command kinds", "COMMAND"),
    ("RecordFlags", "log-record", "Record flags", "RECORD_FLAG"),
    ("KillTarget", "log-record", "Kill targets", "KILL"),
    ("TradingState", "trading-states", "Trading states", "TRADING_STATE"),
    ("BandAction", "price-bands", "Actions", "BAND_ACTION"),
    ("SelfTradePrevention", "order-entry", "Self-trade prevention", "SELF_TRADE"),
    ("Side", "order-entry", "Sides", "SIDE"),
    ("OrderType", "order-entry", "Order types", "ORDER_TYPE"),
    ("TimeInForce", "order-entry", "Times in force", "TIME_IN_FORCE"),
    ("EventKind", "events", "Event kinds", "EVENT"),
    ("EventAttributes", "events", "Event attributes", "ATTRIBUTE"),
    ("Channel", "order-entry", "Channels", "CHANNEL"),
    ("MessageType", "order-entry", "Message types", "MESSAGE"),
    ("Reason", "order-entry", "Reasons", "REASON"),
    ("PublicKind", "public-stream", "Public kinds", "PUBLIC"),
]

/// Rows of the tables under a heading, up to the next heading: cells without blanks around.
private func tableRows(page: String, section: String) throws -> [[String]] {
    var inside = false
    var result: [[String]] = []
    for line in try text("docs/formats/\(page).md").split(separator: "\n") {
        if line.hasPrefix("#") {
            inside = line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces) == section
        } else if inside, line.hasPrefix("|") {
            result.append(
                line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) })
        }
    }
    return result
}

private func integer(_ text: String) -> Int? {
    text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
}

@Suite struct `The documents` {
    @Test(arguments: documented.indices)
    func `list every number of the sources with its name, and no other`(index: Int) throws {
        let entry = documented[index]
        let source = try #require(try namedNumbers()[entry.type])
        let rows = try tableRows(page: entry.page, section: entry.section).compactMap { cells in
            integer(cells[0]).map {
                NamedNumber(name: cells[1].replacingOccurrences(of: "`", with: ""), number: $0)
            }
        }
        #expect(Set(rows) == Set(source), "docs/formats/\(entry.page).md, \(entry.section)")
        #expect(rows.count == source.count)
    }

    @Test func `know every set of numbers of the sources`() throws {
        #expect(Set(try namedNumbers().keys) == Set(documented.map(\.type)))
    }

    @Test func `draw every field of every structure at its offset`() throws {
        let pages = ["log-record", "events", "order-entry", "public-stream"]
        for golden in try Golden.all() {
            let found = try pages.map { try tableRows(page: $0, section: golden.name) }
                .first { !$0.isEmpty }
            let rows = try #require(found, "no page has a section \(golden.name)")
            // A nested structure is one row: `order` for `order.type`, `order.side`, …
            var fields: [Field] = []
            for field in golden.fields {
                let name = String(field.name.split(separator: ".")[0])
                if let last = fields.last, last.name == name {
                    fields[fields.count - 1] = Field(
                        name: name, offset: last.offset,
                        byteCount: last.byteCount + field.byteCount)
                } else {
                    fields.append(
                        Field(name: name, offset: field.offset, byteCount: field.byteCount))
                }
            }
            let drawn = rows.compactMap { cells -> Field? in
                guard let offset = Int(cells[0]), let count = Int(cells[1]) else { return nil }
                let name = cells[2].replacingOccurrences(of: "`", with: "")
                return Field(name: name, offset: offset, byteCount: count)
            }
            #expect(drawn == fields, "\(golden.name)")
        }
    }

    @Test func `give the dissector a name for every number that it shows`() throws {
        let script = try text("docs/formats/needletail.lua")
        let shown = [
            "Reason": "REASONS", "EventKind": "EVENT_KINDS", "MessageType": "MESSAGE_TYPES",
            "Channel": "CHANNELS", "PublicKind": "PUBLIC_KINDS", "OrderType": "ORDER_TYPES",
            "TimeInForce": "TIMES_IN_FORCE", "SelfTradePrevention": "SELF_TRADE_PREVENTIONS",
            "Side": "SIDES",
        ]
        for (type, table) in shown {
            let start = try #require(script.range(of: "local \(table) = {\n"), "\(table)")
            let end = try #require(script[start.upperBound...].range(of: "\n}"))
            let entries = Set(
                script[start.upperBound..<end.lowerBound].split(separator: "\n").map {
                    $0.trimmingCharacters(in: .whitespaces)
                })
            let wanted = Set(
                try #require(try namedNumbers()[type]).map { number in
                    type == "MessageType"
                        ? "[0x\(number.number < 16 ? "0" : "")\(String(number.number, radix: 16))]"
                            + " = \"\(number.name)\","
                        : "[\(number.number)] = \"\(number.name)\","
                })
            #expect(entries == wanted, "\(table)")
        }
    }
}

@Suite struct `The C header` {
    /// What a C program prints about the header, and what it must print.
    private func program() throws -> (source: String, expected: String) {
        var statements: [String] = []
        var expected: [String] = []
        for golden in try Golden.all() {
            let name = "nt_\(snakeCase(golden.name))"
            statements.append("printf(\"\(name) %zu\\n\", sizeof(\(name)));")
            expected.append("\(name) \(golden.byteCount)")
            for field in golden.fields {
                let path = snakeCase(field.name)
                statements.append(
                    "printf(\"\(name).\(path) %zu %zu\\n\", offsetof(\(name), \(path)), "
                        + "sizeof(((\(name) *)0)->\(path)));")
                expected.append("\(name).\(path) \(field.offset) \(field.byteCount)")
            }
        }
        for entry in documented {
            for number in try #require(try namedNumbers()[entry.type]) {
                let name = "NT_\(entry.prefix)_\(snakeCase(number.name).uppercased())"
                statements.append("printf(\"\(name) %d\\n\", (int)\(name));")
                expected.append("\(name) \(number.number)")
            }
        }
        let constants = [
            ("NT_VERSION", Int(OrderEntryHeader.currentVersion)),
            ("NT_HEADER_FLAG_RESENT", Int(OrderEntryHeader.resentFlag)),
            ("NT_LOG_RECORD_BODY_BYTES", LogRecord.bodyByteCount),
            ("NT_LOGON_CANCEL_ON_DISCONNECT", Int(RecordFlags.cancelOnDisconnect)),
            ("NT_LOGON_EXTENDED_REPORTS", Int(RecordFlags.extendedReports)),
            ("NT_LOGON_CANCEL_ALL_ON_DISCONNECT", Int(RecordFlags.cancelAllOnDisconnect)),
            ("NT_SELF_TRADE_FLAGS(3)", Int(SelfTradePrevention.cancelBoth.flags)),
            (
                "NT_TYPE_AND_TIME_IN_FORCE(1, 3)",
                Int(
                    NewOrder(
                        orderID: 1, instrument: 1, side: .buy, priceTicks: 0, quantityLots: 1,
                        orderType: .market, timeInForce: .goodTillCancel
                    ).typeAndTimeInForce)
            ),
        ]
        for (name, number) in constants {
            statements.append("printf(\"\(name) %d\\n\", (int)\(name));")
            expected.append("\(name) \(number)")
        }
        let source = """
            #include "needletail.h"
            #include <stdio.h>
            int main(void)
            {
                \(statements.joined(separator: "\n    "))
                return 0;
            }

            """
        return (source, expected.joined(separator: "\n") + "\n")
    }

    @Test func `compiles without a warning and has the sizes, offsets and numbers of Wire`() throws
    {
        guard let compiler = WireTests.program("cc") ?? WireTests.program("clang") else {
            print("skipped: there is no C compiler (cc, clang) on this machine")
            return
        }
        let (source, expected) = try program()
        try withScratchFolder { folder in
            try source.write(
                to: folder.appendingPathComponent("layouts.c"), atomically: true, encoding: .utf8)
            let include = packageRoot.appendingPathComponent("docs/formats").path
            let build = try run(
                compiler,
                [
                    "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-I", include,
                    "layouts.c", "-o", "layouts",
                ], in: folder)
            try #require(build.status == 0, "\(build.errors)")
            let result = try run(folder.appendingPathComponent("layouts"), [], in: folder)
            #expect(result.status == 0)
            let printed = result.output.split(separator: "\n")
            for (line, wanted) in zip(printed, expected.split(separator: "\n")) {
                #expect(line == wanted)
            }
            #expect(result.output == expected)
        }
    }
}
