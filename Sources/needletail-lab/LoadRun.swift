// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the system fills a local of the call.
import Glibc
import Histogram
import OrderEntryClient
import Platform

/// What one measured stretch gave.
struct LoadMeasured {
    var counts: LoadCounts
    var seconds: Double
    /// Messages that had no answer twenty seconds after the last was sent.
    var unanswered: Int
    /// A line for each session that has such ones.
    var complaints: [String]
}

/// All sessions of a load, driven by one thread.
struct LoadRun {
    private let options: LoadOptions
    private let sessions: [LoadSession]
    private var flooder: LoadSession?
    private var random: SeededRandom
    private var drift: Int64 = 0
    private var stop = StopRequest()
    private let isTerminal = isatty(STDERR_FILENO) == 1

    /// Logs all sessions on.
    init(_ options: LoadOptions) throws(ClientError) {
        self.options = options
        random = SeededRandom(seed: options.seed)
        var sessions: [LoadSession] = []
        for index in 0..<options.sessions {
            let number = options.firstSession + UInt32(index)
            let seed = options.seed &+ UInt64(index) &* 0x9E37_79B9
            sessions.append(try LoadSession(options, session: number, seed: seed))
        }
        self.sessions = sessions
    }

    /// The counters of the protocol, all sessions together.
    var protocolCounters: SessionCounters {
        var total = SessionCounters()
        for session in sessions {
            let one = session.counters
            total.messagesResent += one.messagesResent
            total.reportsDuplicated += one.reportsDuplicated
            total.reportsOutOfOrder += one.reportsOutOfOrder
            total.resendRequests += one.resendRequests
            total.gapReports += one.gapReports
            total.reportsLost += one.reportsLost
            total.datagramsSent += one.datagramsSent
            total.datagramsReceived += one.datagramsReceived
        }
        return total
    }

    /// The same stretch again, beside a session that sends at ten times its limit.
    mutating func measureFlooded() throws(ClientError) -> LoadMeasured {
        let number = options.firstSession + UInt32(options.sessions)
        let flooder = try LoadSession(
            options, session: number, seed: ~options.seed, isFlooding: true)
        guard flooder.messagesPerSecond > 0 else {
            throw ClientError(
                "--flood: the gateway sets no limit; configure sessions.messagesPerSecond")
        }
        self.flooder = flooder
        return measure(flooding: true)
    }

    /// The same again, for as long as it takes to cancel what a crowd has open, a minute at most.
    mutating func measure(beside crowd: Crowd) -> LoadMeasured {
        crowd.cancel()
        var counts = LoadCounts()
        let started = MonotonicClock.nowNanos()
        drive(60, false, &counts, isQuiet: false) { crowd.isDone }
        return measured(&counts, since: started)
    }

    /// Warms up, measures, and waits for the last answers.
    mutating func measure(flooding: Bool) -> LoadMeasured {
        var discarded = LoadCounts()
        for session in sessions { session.isMeasured = false }
        if options.warmUp > 0 { drive(options.warmUp, flooding, &discarded, isQuiet: true) }
        _ = drain(&discarded)
        for session in sessions { session.isMeasured = true }
        var counts = LoadCounts()
        counts.lost = discarded.lost
        counts.duplicated = discarded.duplicated
        counts.outOfOrder = discarded.outOfOrder
        let started = MonotonicClock.nowNanos()
        drive(options.seconds, flooding, &counts, isQuiet: false)
        return measured(&counts, since: started)
    }

    private func measured(_ counts: inout LoadCounts, since started: UInt64) -> LoadMeasured {
        let seconds = Double(MonotonicClock.nowNanos() - started) / 1e9
        let unanswered = drain(&counts)
        return LoadMeasured(
            counts: counts, seconds: seconds, unanswered: unanswered,
            complaints: sessions.compactMap(\.complaint))
    }

    /// Where the gateway shares this core, let it work.
    private static var patience: IdleStrategy { IdleStrategy(spins: 1, sleepNanosMax: 10_000) }

    private mutating func drive(
        _ seconds: Double, _ flooding: Bool, _ counts: inout LoadCounts, isQuiet: Bool,
        until isOver: () -> Bool = { false }
    ) {
        let started = MonotonicClock.nowNanos()
        let end = started + UInt64(seconds * 1e9)
        var index: UInt64 = 0
        var floodIndex: UInt64 = 0
        var floodCounts = LoadCounts()
        var nextProgress = started + 1_000_000_000
        var answersBefore = 0
        var lastReportNanos = started
        var idle = Self.patience
        while true {
            let now = MonotonicClock.nowNanos()
            if now >= end || stop.isAsked(now) || isOver() { break }
            if options.pingPong {
                for session in sessions where session.outstanding == 0 {
                    if session.next(middleTicks: walk(), nanos: now) { counts.messages += 1 }
                }
            } else {
                sendDue(now, started, &index, &counts)
            }
            if flooding { flood(now, started, &floodIndex, &floodCounts) }
            var datagrams = 0
            let reportsBefore = counts.reports
            for session in sessions { datagrams += session.poll(&counts) }
            if counts.reports > reportsBefore {
                if !isQuiet { noteSilence(now - lastReportNanos, &counts) }
                lastReportNanos = now
            }
            idle.idle(worked: datagrams > 0)
            if !isQuiet && now >= nextProgress {
                progress(counts, counts.answers - answersBefore, now - started)
                answersBefore = counts.answers
                nextProgress += 1_000_000_000
            }
        }
        if isTerminal && !isQuiet { StandardError.write("\r\u{1B}[K") }
    }

    /// The reports have just come again, after so long.
    private func noteSilence(_ nanos: UInt64, _ counts: inout LoadCounts) {
        counts.silenceNanosMax = max(counts.silenceNanosMax, nanos)
        guard let threshold = options.silences, nanos >= threshold * 1_000_000 else { return }
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        let utcNanos = UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
        print("silence \(utcNanos - nanos) \((Double(nanos) / 1e6).text(3)) ms")
    }

    /// Message n belongs to session n modulo S and is meant for n / rate. One that finds no room
    /// waits, and all behind it: their latency counts on.
    private mutating func sendDue(
        _ now: UInt64, _ started: UInt64, _ index: inout UInt64, _ counts: inout LoadCounts
    ) {
        while true {
            let (high, low) = index.multipliedFullWidth(by: 1_000_000_000)
            let due = started + options.rate.dividingFullWidth((high, low)).quotient
            guard due <= now else { return }
            let session = sessions[Int(index % UInt64(sessions.count))]
            guard session.next(middleTicks: walk(), nanos: due) else { return }
            counts.messages += 1
            index += 1
        }
    }

    private mutating func flood(
        _ now: UInt64, _ started: UInt64, _ index: inout UInt64, _ counts: inout LoadCounts
    ) {
        guard let flooder else { return }
        let rate = UInt64(flooder.messagesPerSecond) * 10
        while started + index * 1_000_000_000 / rate <= now {
            index += 1
            guard flooder.next(middleTicks: options.middle, nanos: now) else { break }
        }
        _ = flooder.poll(&counts)
    }

    private mutating func walk() -> Int64 {
        let word = random.next()
        if word & 0x3F == 0 { drift += word & 0x40 == 0 ? 1 : -1 }
        drift = min(max(drift, -450), 450)
        return options.middle + drift
    }

    /// Takes the last answers; gives how many did not come in twenty seconds: a disk that is busy
    /// with others is slow and not dead.
    private func drain(_ counts: inout LoadCounts) -> Int {
        let end = MonotonicClock.nowNanos() + 20_000_000_000
        var waiting = 0
        var idle = Self.patience
        repeat {
            waiting = 0
            var datagrams = 0
            for session in sessions {
                datagrams += session.poll(&counts)
                waiting += session.outstanding
            }
            idle.idle(worked: datagrams > 0)
        } while waiting > 0 && MonotonicClock.nowNanos() < end
        return waiting
    }

    private func progress(_ counts: LoadCounts, _ answers: Int, _ elapsed: UInt64) {
        guard isTerminal else { return }
        let p99 = Double(counts.latency.valueAtPercentile(99)) / 1_000
        StandardError.write(
            "\r\u{1B}[K\(elapsed / 1_000_000_000) s · \(answers) answers/s · "
                + "p99 \(p99.text(1)) µs · \(counts.fills) fills")
    }

    /// A line for each acknowledged order: session and id.
    var acknowledgedText: String {
        sessions.enumerated().flatMap { index, session in
            (session.acknowledged ?? []).map { "\(options.firstSession + UInt32(index)) \($0)\n" }
        }.joined()
    }

    /// Logs everybody out.
    func finish() {
        for session in sessions { session.finish() }
        flooder?.finish()
    }
}
