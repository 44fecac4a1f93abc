// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import OrderEntryClient
internal import Wire

/// Recorded order flow against a running gateway, checked.
struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replay a recorded order flow against a gateway and check what comes of it.",
        discussion: """
            --golden takes a folder with orders.csv, expected_ledger.csv and \
            expected_orderbook.csv: every trade and every order that rests at the end must be the \
            recorded one.

            --lobster takes a LOBSTER sample (a zip, or MESSAGE.csv,BOOK.csv) of ten levels: all \
            levels, price and size, must equal the recorded book after every row. How rows become \
            orders is told in docs/formats/lobster.md. Reading a zip needs unzip.

            The gateway must have the instrument with a price range that holds the data (in ticks: \
            the golden set 8,343,812…8,633,267, GOOG of 2012-06-21 56,347…58,926), its book must \
            be empty of other sessions' orders, and the session must be allowed one order at a \
            time (--rate paces it). What the session itself has open is cancelled first.

            EXAMPLES
              needletail replay --golden ../shared/data/exchange_golden/small
              needletail replay --lobster LOBSTER_SampleFile_GOOG_2012-06-21_10.zip
              needletail replay --lobster message.csv,orderbook.csv --instrument 2 --rows 10000
              needletail replay --golden DIR --loss 1 --duplicate 1 --reorder 1 --seed 7
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("Folder of a golden set.", valueName: "folder"))
    var golden: String?

    @Option(help: ArgumentHelp("LOBSTER sample.", valueName: "zip|message,book"))
    var lobster: String?

    @Option(help: "The instrument at the gateway.")
    var instrument: UInt32 = 1

    @Option(help: "Messages a second, at most; 0 = what the gateway allows the session.")
    var rate: UInt64 = 0

    @Option(help: "LOBSTER: stop after this many rows.")
    var rows: Int?

    func validate() throws {
        guard (golden == nil) != (lobster == nil) else {
            throw ValidationError("Give either --golden FOLDER or --lobster FILE.")
        }
    }

    func run() throws {
        if let golden {
            try GoldenReplay(options: self, folder: golden).run()
        } else if let lobster {
            try LobsterReplay(options: self, path: lobster).run()
        }
    }
}

/// What the replays share: sends at a pace, counts the commands answered, stops at the end.
struct ReplayLink: ~Copyable {
    private var link: OrderEntryConnection
    private let startedNanos = MonotonicClock.nowNanos()
    private let messagesPerSecond: UInt64
    private(set) var sent: UInt64 = 0
    private var unpolled = 0

    /// Logs on, and clears the session's book: the first command.
    static func open(
        _ options: Replay, deliver: (SessionReport) -> Void
    ) throws -> ReplayLink {
        var link = ReplayLink(
            try options.connection.connect(extended: true, deliver: deliver), rate: options.rate)
        let clear = MassCancel(requestID: 1, instrument: options.instrument)
        try link.send(deliver: deliver) { $0.submit(clear) }
        return link
    }

    private init(_ connection: consuming OrderEntryConnection, rate: UInt64) {
        link = connection
        let granted = UInt64(link.session.granted?.messagesPerSecond ?? 0)
        // Nine tenths: the two clocks do not tick together.
        messagesPerSecond = rate > 0 ? rate : granted * 9 / 10
    }

    /// Counters of the session.
    var counters: SessionCounters { link.session.counters }
    /// Datagrams that the drill swallowed.
    var datagramsSwallowed: UInt64 { link.datagramsSwallowed }
    /// Seconds since the logon.
    var seconds: Double { Double(MonotonicClock.nowNanos() - startedNanos) / 1e9 }

    /// Submits one message, waiting for room and for its time.
    mutating func send(
        deliver: (SessionReport) -> Void, _ submit: (inout OrderEntryConnection) -> Bool
    ) throws {
        if messagesPerSecond > 0 {
            let due = startedNanos + sent * 1_000_000_000 / messagesPerSecond
            while MonotonicClock.nowNanos() < due { link.wait(untilNanos: due, deliver: deliver) }
        }
        while !submit(&link) {
            if case .ended(let reason) = link.session.phase {
                throw failure(ClientError("the session ended: \(reason.text)"), Exit.unavailable)
            }
            link.wait(untilNanos: MonotonicClock.nowNanos() + 5_000_000, deliver: deliver)
        }
        sent += 1
        unpolled += 1
        if unpolled >= 30 {
            unpolled = 0
            link.poll(deliver: deliver)
        }
    }

    /// Waits until everything is committed and answered, and logs out.
    mutating func finish(
        deliver: (SessionReport) -> Void, answered: () -> Int
    ) throws {
        var lastMoved = MonotonicClock.nowNanos()
        var last = answered()
        while answered() < Int(sent) || !link.session.isIdle {
            let now = MonotonicClock.nowNanos()
            if answered() != last {
                last = answered()
                lastMoved = now
            }
            guard now - lastMoved < 10_000_000_000 else {
                throw failure(
                    ClientError(
                        "only \(answered()) of \(sent) messages were answered, "
                            + "\(link.session.counters.reportsLost) reports are lost for good"),
                    Exit.unavailable)
            }
            link.wait(untilNanos: now + 5_000_000, deliver: deliver)
        }
        // The last command may have more reports on their way.
        link.logout(deliver: deliver)
    }
}
