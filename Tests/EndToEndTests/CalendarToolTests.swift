// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A calendar of this very day, in a zone in which it is about noon.
private struct TodaysCalendar {
    private let offsetHours: Int
    private let start = Date()

    init() { offsetHours = 12 - Int(Date().timeIntervalSince1970) / 3_600 % 24 }

    private func local(_ seconds: Int) -> String {
        let local = Int(start.timeIntervalSince1970) + offsetHours * 3_600 + seconds
        return [local / 3_600 % 24, local / 60 % 60, local % 60]
            .map { ($0 < 10 ? "0" : "") + "\($0)" }.joined(separator: ":")
    }

    /// A date so many days from now there.
    func date(_ days: Int) -> String {
        let moment = start.addingTimeInterval(Double(offsetHours * 3_600 + days * 86_400))
        return String(moment.formatted(.iso8601).prefix(10))
    }

    /// The day has begun and collects orders, and trades so many seconds from now.
    func yaml(openSeconds: Int) -> String {
        // East of Greenwich is negative in these names.
        let sign = offsetHours < 0 ? "+" : "-"
        let zone = offsetHours == 0 ? "UTC" : "Etc/GMT\(sign)\(abs(offsetHours))"
        return """
            timeZone: \(zone)
            weekDays: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]
            roll: "\(local(-10))"
            groups:
              - name: all
                phases:
                  - {at: "\(local(-5))", state: pre-open}
                  - {at: "\(local(openSeconds))", state: open}
            """
    }
}

@Suite(.enabled(if: Machine.hasExecutables)) struct `A gateway with a calendar` {
    private let port = Int.random(in: 20_000...29_999)
    private var address: String { "127.0.0.1:\(port)" }

    private func configuration(_ folder: ScratchFolder) -> String {
        RunningGateway.configuration
            .replacingOccurrences(of: "10.77.0.2", with: "127.0.0.1\nudpPort: \(port)")
            .replacingOccurrences(of: "publicStream:\n  group: 239.77.0.1\n", with: "")
            + "\njournal: {folder: \(folder.path)/journal, segmentMB: 16}\ncommit: durable"
            + "\ncalendar: \(folder.path)/calendar.yaml\n"
    }

    private func gateway(_ folder: ScratchFolder) throws -> RunningGateway {
        let gateway = try RunningGateway(
            port: "udp:\(address)", configuration: configuration(folder))
        try #require(gateway.listens(), "\(gateway.output)")
        return gateway
    }

    private func tool(_ words: String...) throws -> Outcome {
        try run([Machine.needletail] + words + ["--gateway", address])
    }

    private func shows(_ text: String) -> Bool {
        eventually(withinSeconds: 60) {
            (try? tool("admin", "instruments").output.contains(text)) == true
        }
    }

    private func stateHash(_ output: String) throws -> String {
        String(try #require(output.firstMatch(of: #/state hash\s+([0-9a-f]+)/#)).output.1)
    }

    @Test func `opens its instruments in time, ends days, and repeats nothing after a start`()
        throws
    {
        let folder = try ScratchFolder()
        let today = TodaysCalendar()
        try today.yaml(openSeconds: 15).write(
            toFile: "\(folder.path)/calendar.yaml", atomically: true, encoding: .utf8)
        let gateway = try gateway(folder)
        #expect(shows("business day \(today.date(0))"))
        #expect(shows("  1       TEST    0      pre-open"))
        let orders = [("5@8500000", []), ("3@8499999", ["--expire-in", "86400"])]
        for (order, more) in orders {
            let sent = try run(
                [Machine.needletail, "send", "--buy", order, "--account", "7"] + more
                    + ["--gateway", address])
            #expect(sent.status == 0, "\(sent.output)")
        }
        #expect(shows("  1       TEST    0      open "))
        let rolled = try tool("admin", "roll", today.date(2))
        #expect(
            rolled.output == "business day \(today.date(2)), 1 orders cancelled\n",
            "\(rolled.output)")
        let typo = try tool("admin", "roll", "2999-01-01")
        #expect(typo.status == 1 && typo.output.contains("is more than 31 days"), "\(typo.output)")
        let next = try tool("admin", "calendar")
        #expect(next.output.hasPrefix("calendar  \(today.date(1)) "), "\(next.output)")
        let again = try tool("admin", "roll", today.date(1))
        #expect(again.status == 1 && again.output.contains("is not later"), "\(again.output)")
        let first = try gateway.stop()
        #expect(first.status == 0)
        let replayed = try run(
            [Machine.needletail, "log", "replay", "\(folder.path)/journal/shard-0"])
        #expect(try stateHash(replayed.output) == stateHash(first.output), "\(replayed.output)")

        let second = try self.gateway(folder)
        #expect(shows("business day \(today.date(2))") && shows("  1       TEST    0      open "))
        let book = try tool("admin", "book", "TEST", "--depth", "1")
        #expect(book.output.contains("  1           3         8499999"), "\(book.output)")
        // Longer than it needs to look at its calendar.
        usleep(500_000)
        #expect(try second.stop().status == 0)
        let exported = try run(
            [Machine.needletail, "log", "export", "\(folder.path)/journal/shard-0"])
        let lines = exported.output.split(separator: "\n").filter {
            $0.contains("operatorID=4294967295")
                && ($0.contains(",businessDayRolled,") || $0.contains(",tradingStateSet,"))
        }
        #expect(lines.count == 3, "\(lines)")
        #expect(lines.first?.contains("businessDay=\(today.date(0))") == true, "\(lines)")
    }

    @Test func `shows what comes next, or what is wrong with its calendar`() throws {
        let folder = try ScratchFolder()
        let today = TodaysCalendar()
        let file = "\(folder.path)/gateway.yaml"
        try configuration(folder).replacingOccurrences(of: "PORT", with: "udp:\(address)")
            .write(toFile: file, atomically: true, encoding: .utf8)
        func check(_ calendar: String) throws -> Outcome {
            try calendar.write(
                toFile: "\(folder.path)/calendar.yaml", atomically: true, encoding: .utf8)
            return try run([Machine.needletail, "gateway", "--config", file, "--check"])
        }
        let right = try check(today.yaml(openSeconds: 600))
        #expect(right.status == 0, "\(right.output)")
        let lines = right.output.split(separator: "\n").filter { $0.hasPrefix("calendar  ") }
        #expect(lines.count == 16 && lines.first?.hasSuffix("  all: open") == true, "\(lines)")
        #expect(lines[1].hasSuffix("  business day \(today.date(1))"), "\(lines)")
        let wrong = try check(today.yaml(openSeconds: 600) + "\nholidays: [tomorrow]")
        #expect(wrong.status == 78, "\(wrong.output)")
        #expect(wrong.output.contains("calendar.yaml:9: holidays: `tomorrow` is no date"))
    }
}
