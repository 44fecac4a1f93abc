// SPDX-License-Identifier: Apache-2.0
import OrderEntryClient
import Platform

/// Sessions in an open loop, with and without a flood beside them, in alternating stretches.
///
/// One thread does everything, so the flood takes no core away from the others in the middle of an
/// order; and answers count from the kernel's stamp of their arrival. So what grows under the flood
/// grew in the gateway. With other work on the machine, messages of a slice of time in which the
/// scheduler took the core from the gateway or from us are left out (and counted), when the
/// gateway's process is known.
struct PingPace {
    private static let floodFactor = 10
    private static let sliceNanos: UInt64 = 5_000_000

    /// What one message took.
    private struct Trip {
        var sentNanos: UInt64
        var fromSending: UInt64
        var fromMeant: UInt64
    }

    private let options: Ping
    private let sessions: [PingSession]
    private let flooder: PingSession?
    private var random: SeededRandom
    /// From sending, and from the moment meant: without a flood, and beside one.
    private var sent = [PingTrips(capacity: 0), PingTrips(capacity: 0)]
    private var meant = [PingTrips(capacity: 0), PingTrips(capacity: 0)]
    private let interruptions: Interruptions
    private var leftOutCount = 0

    init(_ options: Ping) throws(ClientError) {
        self.options = options
        random = SeededRandom(seed: options.seed)
        interruptions = Interruptions(gateway: options.server)
        if options.server != nil, interruptions.gatewayThreadCount == 0 {
            throw ClientError("--server \(options.server ?? 0): no gateway's threads are there")
        }
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
                "p99 flooded / quiet: \(ratios.sorted()[ratios.count / 2].text(2)) in the middle "
                    + "round, \(whole.text(2)) over all; by round "
                    + ratios.map { $0.text(2) }.joined(separator: " "))
            print(
                "flooder: limit \(flooder.messagesPerSecond)/s, sent \(flooder.sentCount) "
                    + "messages, reports \(flooder.answeredCount)")
        }
        print(
            "others: \(total) messages, refused \(refused); left out \(leftOutCount), sent while "
                + "the scheduler had taken a core away")
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
        var trips: [Trip] = []
        trips.reserveCapacity(2 * options.rate)
        var disturbed: [Bool] = []
        var now = PingSocket.nowNanos()
        _ = interruptions.longestNanos()
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
            if now >= start + UInt64(disturbed.count + 1) * Self.sliceNanos {
                let waited = interruptions.longestNanos()
                while now >= start + UInt64(disturbed.count + 1) * Self.sliceNanos {
                    disturbed.append(waited > 0)
                }
                // A wait is told when it has ended: it began in an earlier slice.
                let slices = waited == 0 ? 0 : Int(waited / Self.sliceNanos) + 2
                for slice in max(0, disturbed.count - slices)..<disturbed.count {
                    disturbed[slice] = true
                }
            }
        }
        return sift(trips, start, disturbed)
    }

    /// Without what was sent in a disturbed slice, or in the one behind it: it inherits the queue.
    private mutating func sift(
        _ trips: [Trip], _ start: UInt64, _ disturbed: [Bool]
    ) -> (sent: PingTrips, meant: PingTrips) {
        var sent = PingTrips(capacity: trips.count)
        var meant = PingTrips(capacity: trips.count)
        for trip in trips {
            let slice = Int((trip.sentNanos - start) / Self.sliceNanos)
            let near = max(0, slice - 1)...min(slice, disturbed.count - 1)
            if options.server != nil, disturbed[near].contains(true) {
                leftOutCount += 1
                continue
            }
            sent.append(trip.fromSending)
            meant.append(trip.fromMeant)
        }
        return (sent, meant)
    }

    private func receive(_ session: PingSession, _ trips: inout [Trip]) throws(ClientError) {
        let byteCount = session.socket.receiveStamped()
        guard byteCount > 0 else { return }
        let arrival = session.socket.arrivalNanos
        guard arrival > 0 else { throw ClientError("the kernel does not stamp arrivals") }
        _ = try session.takeReports(byteCount) { dueNanos, sentNanos in
            trips.append(
                Trip(
                    sentNanos: sentNanos, fromSending: arrival &- sentNanos,
                    fromMeant: arrival &- dueNanos))
        }
    }
}
