// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Wire

/// Little-endian or big-endian bytes of a number.
private func littleEndian<T: FixedWidthInteger>(_ number: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> T($0 * 8)) }
}
private func bigEndian<T: FixedWidthInteger>(_ number: T) -> [UInt8] {
    littleEndian(number).reversed()
}

/// An Ethernet frame with IPv4, UDP and the payload.
private func frame(port: UInt16, payload: [UInt8]) -> [UInt8] {
    let udp =
        bigEndian(port) + bigEndian(UInt16(40_000)) + bigEndian(UInt16(8 + payload.count))
        + [0, 0] + payload
    let internet: [UInt8] =
        [0x45, 0] + bigEndian(UInt16(20 + udp.count)) + [0, 0, 0, 0, 64, 17, 0, 0]
        + [10, 0, 0, 1, 239, 1, 1, 1]
    return [1, 0, 0x5E, 1, 1, 1, 2, 0, 0, 0, 0, 1, 8, 0] + internet + udp
}

/// A capture file in the classic format.
private func capture(_ frames: [[UInt8]]) -> Data {
    var file: [UInt8] =
        littleEndian(UInt32(0xA1B2_C3D4)) + littleEndian(UInt16(2)) + littleEndian(UInt16(4))
        + littleEndian(UInt64(0)) + littleEndian(UInt32(65_535)) + littleEndian(UInt32(1))
    for (index, frame) in frames.enumerated() {
        file += littleEndian(UInt32(index)) + littleEndian(UInt32(0))
        file += littleEndian(UInt32(frame.count)) + littleEndian(UInt32(frame.count)) + frame
    }
    return Data(file)
}

private func header(
    _ channel: Channel, count: UInt16, sequence: UInt32 = 12, flags: UInt16 = 0
) -> [UInt8] {
    bytes(
        of: OrderEntryHeader(
            channel: channel, messageCount: count, session: 5, epoch: 3, sequence: sequence,
            receivedThrough: channel == .publicReports ? 1 : 8, committedThrough: 7, token: 0xABCD,
            flags: flags))
}

/// What tshark says about frames: one row for each, by field; nil where there is no tshark.
private func dissect(_ frames: [[UInt8]], fields: [String]) throws -> [[String: String]]? {
    guard let tshark = program("tshark") else {
        print("skipped: tshark is not on this machine (Debian: apt-get install tshark)")
        return nil
    }
    return try withScratchFolder { folder in
        try capture(frames).write(to: folder.appendingPathComponent("test.pcap"))
        let script = packageRoot.appendingPathComponent("docs/formats/needletail.lua").path
        let result = try run(
            tshark,
            ["-n", "-X", "lua_script:\(script)", "-r", "test.pcap", "-T", "fields"]
                + ["-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=;"]
                + fields.flatMap { ["-e", $0] }, in: folder)
        try #require(result.status == 0, "\(result.errors)")
        #expect(!result.errors.contains("Lua"), "\(result.errors)")
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
        try #require(lines.count == frames.count + 1)
        return lines.dropLast().map { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
            return Dictionary(uniqueKeysWithValues: zip(fields, cells.map(String.init)))
        }
    }
}

/// `0x31`, `-5`, `12` as the bits of a field of so many bytes.
private func bits(_ text: String?, byteCount: Int) -> UInt64? {
    guard let text else { return nil }
    let number: UInt64?
    if text.hasPrefix("0x") {
        number = UInt64(text.dropFirst(2), radix: 16)
    } else if text.hasPrefix("-") {
        number = Int64(text).map { UInt64(bitPattern: $0) }
    } else {
        number = UInt64(text)
    }
    return number.map { byteCount == 8 ? $0 : $0 & (1 << UInt64(byteCount * 8) - 1) }
}

private let messages: [(name: String, channel: Channel)] = [
    ("NewOrder", .orders), ("CancelOrder", .orders), ("ReplaceOrder", .orders),
    ("ReduceOrder", .orders), ("MassCancel", .orders), ("MassCancelByAccount", .orders),
    ("NewOrderExtended", .orders), ("Logout", .orders), ("ExecutionReport", .reports),
    ("ExtendedExecutionReport", .reports), ("Logon", .control), ("ResendRequest", .control),
    ("LogonAccepted", .control),
    ("LogonRejected", .control), ("GapReport", .control), ("ResendUnavailable", .control),
    ("SessionEnded", .control), ("EpochChanged", .control), ("PublicReport", .publicReports),
]

private func fieldName(_ field: Field) -> String? {
    let name = String(field.name.split(separator: ".").last ?? "")
    return name.hasPrefix("reserved") ? nil : "needletail.\(snakeCase(name))"
}

@Suite struct `The dissector` {
    @Test func `shows every field of every message on any port`() throws {
        let goldens = try messages.map { try Golden(name: $0.name) }
        let frames = zip(messages, goldens).map { message, golden in
            frame(port: 12_345, payload: header(message.channel, count: 1) + golden.bytes)
        }
        let names = Set(goldens.flatMap { $0.fields.compactMap(fieldName) }).sorted()
        guard let rows = try dissect(frames, fields: names) else {
            return
        }
        for (golden, row) in zip(goldens, rows) {
            for field in golden.fields {
                guard let name = fieldName(field) else { continue }
                let range = field.offset..<(field.offset + field.byteCount)
                let wanted = golden.bytes[range].reversed().reduce(UInt64(0)) {
                    $0 << 8 | UInt64($1)
                }
                #expect(
                    bits(row[name], byteCount: field.byteCount) == wanted, "\(golden.name) \(name)")
            }
        }
    }

    @Test func `shows the header, the numbering of the messages and their bits`() throws {
        let order = bytes(
            of: NewOrder(
                orderID: 42, instrument: 1, side: .sell, priceTicks: -7, quantityLots: 10,
                orderType: .market, timeInForce: .fillOrKill,
                flags: UInt8(truncatingIfNeeded: SelfTradePrevention.cancelBoth.flags) | 1))
        let cancel = bytes(of: CancelOrder(orderID: 42, instrument: 1))
        let report = try Golden(name: "PublicReport").bytes
        let frames = [
            frame(port: 7_000, payload: header(.orders, count: 2, flags: 1) + order + cancel),
            frame(port: 7_009, payload: header(.publicReports, count: 2) + report + report),
            frame(port: 7_001, payload: header(.reports, count: 0, sequence: 0xFFFF_FFFF)),
        ]
        let wanted: [[String: String]] = [
            [
                "header.version": "1", "header.channel": "1", "header.message_count": "2",
                "header.session": "5", "header.epoch": "3", "header.sequence": "12",
                "header.received_through": "8", "header.committed_through": "7",
                "header.token": "0x0000abcd", "header.flags.resent": "1",
                "message_sequence": "12;13", "order_id": "42;42", "price_ticks": "-7",
                "order_type": "1", "time_in_force": "2", "flags.post_only": "1",
                "flags.self_trade_prevention": "3", "header.public_sequence": "",
            ],
            [
                "header.channel": "4", "header.shard": "5", "header.session": "",
                "header.public_sequence": "4294967308",
                "message_sequence": "4294967308;4294967309", "kind": "2;2",
            ],
            [
                "header.channel": "2", "header.message_count": "0",
                "header.sequence": "4294967295", "message_sequence": "",
            ],
        ]
        let names = Set(wanted.flatMap(\.keys)).sorted()
        let columns = names.map { "needletail.\($0)" }
        guard let rows = try dissect(frames, fields: columns) else { return }
        for (row, wanted) in zip(rows, wanted) {
            for (name, text) in wanted {
                #expect(row["needletail.\(name)"] == text, "\(name)")
            }
        }
    }

    @Test func `marks what is malformed, by kind`() throws {
        let order = try Golden(name: "NewOrder").bytes
        let cancel = try Golden(name: "CancelOrder").bytes
        var version = header(.orders, count: 1) + order
        version[0] = 2
        var channel = header(.orders, count: 1) + order
        channel[1] = 9
        var unknown = header(.orders, count: 1) + order
        unknown[48] = 0x77
        var reserved = header(.orders, count: 1) + cancel
        reserved[48 + 1] = 1
        let cases: [(field: String, payload: [UInt8])] = [
            ("malformed.short", Array(header(.orders, count: 1).prefix(47))),
            ("malformed.version", version), ("malformed.channel", channel),
            ("malformed.type", unknown),
            ("malformed.cut", header(.orders, count: 2) + order),
            ("malformed.cut", header(.orders, count: 1) + order.dropLast()),
            ("malformed.rest", header(.orders, count: 1) + order + [0]),
            ("malformed.rest", header(.orders, count: 0) + [1]),
            ("malformed.place", header(.reports, count: 1) + order),
            ("malformed.count", header(.control, count: 0)),
            ("reserved_not_zero", reserved),
            ("", header(.orders, count: 2) + order + cancel),
        ]
        let names = Set(cases.map(\.field)).subtracting([""]).sorted().map { "needletail.\($0)" }
        let frames = cases.map { frame(port: 7_003, payload: $0.payload) }
        guard let rows = try dissect(frames, fields: names) else { return }
        for (index, (row, wanted)) in zip(rows, cases).enumerated() {
            let marked = names.filter { !(row[$0] ?? "").isEmpty }
            #expect(
                marked == (wanted.field.isEmpty ? [] : ["needletail.\(wanted.field)"]),
                "case \(index)")
        }
    }

    @Test func `leaves other protocols on other ports alone`() throws {
        let almost = header(.orders, count: 2) + (try Golden(name: "NewOrder").bytes)
        let frames = [
            frame(port: 12_345, payload: Array("GET / HTTP/1.1\r\n\r\n".utf8)),
            frame(port: 12_345, payload: [UInt8](repeating: 1, count: 100)),
            frame(port: 12_345, payload: almost),
        ]
        let columns = ["frame.protocols", "needletail.header.version"]
        guard let rows = try dissect(frames, fields: columns) else { return }
        for row in rows { #expect(row["needletail.header.version"] == "") }
    }
}
