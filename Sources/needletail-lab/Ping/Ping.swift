// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: a file is written between its `fopen` and its `fclose` in one function.
import ArgumentParser
import Glibc
import OrderEntryClient
import Platform

/// `needletail-lab ping`: round trips and nothing else.
struct Ping: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure round trips with as little client as possible.",
        discussion: """
            Closed loop (the default): an order that rests, then its cancel, and so on; each is \
            sent when the answer to the one before has come. With --echo datagrams of the same \
            sizes go to a bare echo, so only the server differs. `load` measures a whole client \
            under load; this measures a server.

            Paced (--rate): several sessions in an open loop, and with --flood one more that sends \
            at ten times its limit in every second stretch. Two times are given: from the moment a \
            message was sent, and from the moment it was meant to be sent, to the moment the \
            kernel got its answer from the gateway's side (not to when this client, busy with \
            others, read it).

            EXAMPLES
              needletail-lab ping --gateway 10.77.0.2:7000 --count 20000
              needletail-lab ping --gateway 10.77.0.2:7000 --count 20000 --echo
              needletail-lab ping --gateway 10.77.0.2:7000 --sessions 4 --rate 20000 --flood
            """)

    @Option(help: ArgumentHelp("Order entry address, or the echo's.", valueName: "address:port"))
    var gateway: SocketAddress
    @Option(help: "Round trips to measure, closed loop.")
    var count = 20_000
    @Option(help: "Round trips before those.")
    var warmUp = 2_000
    @Flag(help: "The server is a bare echo.")
    var echo = false
    @Option(help: "Messages a second of all sessions together; 0 = closed loop, one session.")
    var rate = 0
    @Option(help: "Sessions, with --rate.")
    var sessions = 4
    @Option(help: "Number of the first session.")
    var firstSession: UInt32 = 1
    @Flag(help: "With --rate: every second stretch beside a session at ten times its limit.")
    var flood = false
    @Option(help: "Stretches of each kind, with --rate.")
    var rounds = 5
    @Option(help: "Seconds of a stretch.")
    var seconds = 1.0
    @Option(help: "The instrument; its lowest price must be 1.")
    var instrument: UInt32 = 1
    @Option(
        help: ArgumentHelp(
            "With --rate: leave out what was sent while the scheduler kept this gateway, or us, "
                + "waiting for a core.", valueName: "process"))
    var server: Int32?
    @Option(help: "Seed of the pace.")
    var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Append each round trip, nanoseconds.", valueName: "file"))
    var samples: String?

    func validate() throws {
        guard count > 0, warmUp >= 0, sessions > 0, rounds > 0, seconds > 0, rate >= 0 else {
            throw ValidationError("numbers are above zero")
        }
        guard !flood || rate > 0 else { throw ValidationError("--flood needs --rate") }
    }

    func run() throws {
        do throws(ClientError) {
            if rate > 0 {
                var pace = try PingPace(self)
                try pace.run()
                return
            }
            try measure()
        } catch {
            StandardError.write("needletail-lab: \(error.description)\n")
            throw ExitCode(1)
        }
    }

    private func measure() throws(ClientError) {
        let trips: PingTrips
        if echo { trips = try echoes() } else { trips = try orders() }
        print(trips.line)
        if let samples { try trips.append(to: samples) }
    }

    private func orders() throws(ClientError) -> PingTrips {
        let session = try PingSession(
            gateway: gateway, number: firstSession, instrument: instrument, stampsArrivals: false)
        var trips = PingTrips(capacity: count)
        for index in 0..<(warmUp + count) {
            let byteCount = session.prepare()
            let start = MonotonicClock.nowNanos()
            session.send(byteCount, due: start)
            try wait(index) { () throws(ClientError) in
                let byteCount = session.socket.receive()
                guard byteCount > 0 else { return false }
                return try session.takeReports(byteCount) { _, _ in }
            }
            if index >= warmUp { trips.append(MonotonicClock.nowNanos() &- start) }
        }
        if session.refusedCount > 0 {
            throw ClientError("\(session.refusedCount) of the orders were refused")
        }
        return trips
    }

    /// The sizes of an order and of its cancel, in turn.
    private func echoes() throws(ClientError) -> PingTrips {
        let socket = try PingSocket(to: gateway, stampsArrivals: false)
        var trips = PingTrips(capacity: count)
        for index in 0..<(warmUp + count) {
            socket.write(UInt64(index), at: 0)
            let start = MonotonicClock.nowNanos()
            socket.send(index & 1 == 0 ? 88 : 64)
            try wait(index) { socket.receive() > 0 && socket.read(0, as: UInt64.self) == index }
            if index >= warmUp { trips.append(MonotonicClock.nowNanos() &- start) }
        }
        return trips
    }

    private func wait(
        _ index: Int, until isAnswered: () throws(ClientError) -> Bool
    ) throws(ClientError) {
        var polls = 0
        let start = MonotonicClock.nowNanos()
        while try !isAnswered() {
            polls += 1
            if polls & 1_023 == 0, MonotonicClock.nowNanos() &- start > 2_000_000_000 {
                throw ClientError("no answer to message \(index) in two seconds")
            }
        }
    }
}

/// Round trips, nanoseconds.
struct PingTrips {
    private var nanos: [UInt64] = []

    init(capacity: Int) { nanos.reserveCapacity(capacity) }

    mutating func append(_ trip: UInt64) { nanos.append(trip) }
    mutating func append(_ other: PingTrips) { nanos += other.nanos }

    /// For a person and for a script: `count N p50 X p90 X p99 X p99.9 X max X` in nanoseconds.
    var line: String {
        let sorted = nanos.sorted()
        guard let longest = sorted.last else { return "count 0" }
        func at(_ permille: Int) -> UInt64 {
            sorted[min(sorted.count - 1, sorted.count * permille / 1_000)]
        }
        return "count \(sorted.count) p50 \(at(500)) p90 \(at(900)) p99 \(at(990)) "
            + "p99.9 \(at(999)) max \(longest)"
    }

    /// The value at so many thousandths.
    func percentile(permille: Int) -> UInt64 {
        let sorted = nanos.sorted()
        return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * permille / 1_000)]
    }

    /// One number a line.
    func append(to path: String) throws(ClientError) {
        guard let file = unsafe fopen(path, "a") else {
            throw ClientError("\(path): cannot be written (errno \(errno))")
        }
        for trip in nanos { unsafe fputs("\(trip)\n", file) }
        unsafe fclose(file)
    }
}
