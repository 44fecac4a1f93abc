// SPDX-License-Identifier: Apache-2.0
import OrderEntryClient
import Platform

/// Sessions in an open loop, with and without a flood beside them, in alternating stretches.
///
/// One thread does everything, so the flood takes no core away from the others in the middle of an
/// order; and answers count from the kernel's stamp of their arrival. So what grows under the flood
/// grew in the gateway.
struct PingPace {
    private static let floodFactor = 10

    private let options: Ping
    private let sessions: [PingSession]
    private let flooder: PingSession?
    private var random: SeededRandom
    /// From sending, and from the moment meant: without a flood, and beside one.
    private var sent = [PingTrips(capacity: 0), PingTrips(capacity: 0)]
    private var meant = [PingTrips(capacity: 0), PingTrips(capacity: 0)]

    init(_ options: Ping) throws(ClientError) {
        self.options = options
        random = SeededRandom(seed: options.seed)
        var sessions: [PingSession] = []
        for index in 0..<UInt32(options.sessions) {
            sessions.append(
                try PingSession(
                    gateway: options.gateway, number: options.firstSession + index,
                    instrument: options.instrument, stampsArrivals: true))
        }
        self.sessions = sessions
        guard options.flood else {
            flooder = nil
            return
        }
        let flooder = try PingSession(
            gateway: options.gateway, number: options.firstSession + UInt32(options.sessions),
            instrument: options.instrument, stampsArrivals: false)
        guard flooder.messagesPerSecond > 0 else {
            throw ClientError(
                "--flood: the gateway sets no limit; configure sessions.messagesPerSecond")
        }
        self.flooder = flooder
    }

    mutating func run() throws(ClientError) {
        _ = try stretch(seconds: 0.2, isFlooded: false)  // warm
        var ratios: [Double] = []
        for round in 1...options.rounds {
            let quiet = try stretch(seconds: options.seconds, isFlooded: false)
            print("round \(round)  quiet    \(quiet.sent.line)")
            sent[0].append(quiet.sent)
            meant[0].append(quiet.meant)
            guard flooder != nil else { continue }
            let flooded = try stretch(seconds: options.seconds, isFlooded: true)
            print("round \(round)  flooded  \(flooded.sent.line)")
            sent[1].append(flooded.sent)
            meant[1].append(flooded.meant)
            let before = quiet.sent.percentile(permille: 990)
            ratios.append(
                Double(flooded.sent.percentile(permille: 990)) / Double(max(1, before)))
        }
        summarize(ratios)
        let missing = sessions.reduce(0) { $0 + $1.sentCount - $1.answeredCount }
        if missing > 0 { throw ClientError("\(missing) messages without an answer") }
    }

    private func summarize(_ ratios: [Double]) {
        print("all      quiet    from sending \(sent[0].line)")
        print("all      quiet    from the moment meant \(meant[0].line)")
        let refused = sessions.reduce(0) { $0 + $1.refusedCount }
        let total = sessions.reduce(0) { $0 + $1.sentCount }
        if let flooder {
            print("all      flooded  from sending \(sent[1].line)")
            print("all      flooded  from the moment meant \(meant[1].line)")
            let whole =
                Double(sent[1].percentile(permille: 990))
                / Double(max(1, sent[0].percentile(permille: 990)))
            print(
                "p99 flooded / quiet: \(whole.text(2)) over all; by round "
                    + ratios.map { $0.text(2) }.joined(separator: " "))
            print(
                "flooder: limit \(flooder.messagesPerSecond)/s, sent \(flooder.sentCount) "
                    + "messages, reports \(flooder.answeredCount)")
        }
        print("others: \(total) messages, refused \(refused)")
    }

    /// One stretch, and its last answers.
    private mutating func stretch(
        seconds: Double, isFlooded: Bool
    ) throws(ClientError) -> (sent: PingTrips, meant: PingTrips) {
        let gap = 1_000_000_000 / UInt64(options.rate)
        let start = PingSocket.nowNanos() + 1_000_000
        let end = start + UInt64(seconds * 1e9)
        var due = start
        var turn = 0
        let floodGap =
            1_000_000_000 * UInt64(PingSession.floodPacked)
            / max(1, UInt64(flooder?.messagesPerSecond ?? 1) * UInt64(Self.floodFactor))
        var floodDue = start
        var trips = (
            sent: PingTrips(capacity: options.rate), meant: PingTrips(capacity: options.rate)
        )
        var now = PingSocket.nowNanos()
        // A fifth of a second more for the last answers, and for the gateway to come to rest.
        while now < end + 200_000_000 {
            if isFlooded, let flooder, floodDue <= now, floodDue < end {
                flooder.flood()
                floodDue += floodGap
            }
            if due <= now, due < end {
                let session = sessions[turn % sessions.count]
                session.send(session.prepare(), due: due)
                turn += 1
                // Between none and two gaps: messages of all sessions meet at random.
                due += random.next() % (2 * gap)
            }
            for session in sessions { try receive(session, &trips) }
            flooder?.takeFloodAnswers()
            now = PingSocket.nowNanos()
        }
        return trips
    }

    private func receive(
        _ session: PingSession, _ trips: inout (sent: PingTrips, meant: PingTrips)
    ) throws(ClientError) {
        let byteCount = session.socket.receiveStamped()
        guard byteCount > 0 else { return }
        let arrival = session.socket.arrivalNanos
        guard arrival > 0 else { throw ClientError("the kernel does not stamp arrivals") }
        _ = try session.takeReports(byteCount) { dueNanos, sentNanos in
            trips.sent.append(arrival &- sentNanos)
            trips.meant.append(arrival &- dueNanos)
        }
    }
}
