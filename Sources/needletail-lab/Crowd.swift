// SPDX-License-Identifier: Apache-2.0
import Glibc
import OrderEntryClient
import Platform
import Synchronization
import Wire

/// One more session beside those of a load, with very many open orders, which it cancels all at
/// once. It has a thread of its own, so that what it is told takes no time from those measured.
final class Crowd: Sendable {
    private enum Stage: UInt8 {
        case entering, waiting, cancelling, done, failed
    }

    /// What became of it.
    struct Outcome {
        /// Orders cancelled, as the gateway's last report of it says.
        var cancelled: UInt64 = 0
        /// Reports that came of them.
        var reports: UInt64 = 0
        /// From the request to that report.
        var nanos: UInt64 = 0
        var problem: String?
    }

    private let stage = Atomic<UInt8>(Stage.entering.rawValue)
    private let outcome = Mutex(Outcome())
    private let gateway: SocketAddress
    private let session: UInt32
    private let instrument: UInt32
    private let middle: Int64
    private let count: UInt64

    /// So many orders in the session behind those of the load.
    init(_ options: LoadOptions, count: UInt64) {
        gateway = options.gateway
        session = options.firstSession + UInt32(options.sessions)
        instrument = options.instrument
        middle = options.middle
        self.count = count
    }

    private var now: Stage { Stage(rawValue: stage.load(ordering: .acquiring))! }

    private func go(to next: Stage) { stage.store(next.rawValue, ordering: .releasing) }

    /// Whether it has nothing more to do.
    var isDone: Bool { now == .done || now == .failed }

    /// Enters the orders; waits until they are open.
    func open() throws(ClientError) -> PinnedThread {
        let thread: PinnedThread
        do { thread = try PinnedThread(name: "crowd") { self.run() } } catch {
            throw ClientError("--mass-cancel: \(error)")
        }
        while now == .entering { usleep(1_000) }
        if let problem = outcome.withLock({ $0.problem }) { throw ClientError(problem) }
        return thread
    }

    /// Has them cancelled from now on.
    func cancel() { go(to: .cancelling) }

    /// What became of it, once it is done.
    var found: Outcome { outcome.withLock { $0 } }

    private func run() {
        do throws(ClientError) {
            let settings = SessionSettings(
                session: session, nonce: UInt64.random(in: 1...UInt64.max))
            var connection = try OrderEntryConnection(gateway: gateway, settings: settings)
            try connection.logon { _ in }
            try enter(&connection)
            go(to: .waiting)
            try cancelAll(&connection)
            connection.logout(deliver: { _ in })
            go(to: .done)
        } catch {
            outcome.withLock { $0.problem = "--mass-cancel: \(error.description)" }
            go(to: .failed)
        }
    }

    /// All of them far below the prices of the others.
    private func enter(_ connection: inout OrderEntryConnection) throws(ClientError) {
        var entered: UInt64 = 0
        var accepted: UInt64 = 0
        var refused: Reason?
        // Ids of an earlier run may still be open.
        let firstID = MonotonicClock.nowNanos() << 12
        var idle = IdleStrategy(spins: 1, sleepNanosMax: 10_000)
        while accepted < count, refused == nil {
            while entered < count, connection.session.room > 0 {
                _ = connection.submit(
                    NewOrder(
                        orderID: firstID + entered, instrument: instrument, side: .buy,
                        priceTicks: middle - 600 - Int64(entered % 400), quantityLots: 1,
                        account: UInt64(session)))
                entered += 1
            }
            let datagrams = connection.poll { report in
                if report.core.executionType == .accepted {
                    accepted += 1
                } else {
                    refused = report.core.reason
                }
            }
            idle.idle(worked: datagrams > 0)
            try check(connection)
        }
        if let refused { throw ClientError("order \(accepted + 1) of \(count): \(refused.text)") }
    }

    private func cancelAll(_ connection: inout OrderEntryConnection) throws(ClientError) {
        var idle = IdleStrategy(spins: 1, sleepNanosMax: 10_000)
        while now == .waiting {
            idle.idle(worked: connection.poll { _ in } > 0)
            try check(connection)
        }
        let started = MonotonicClock.nowNanos()
        _ = connection.submit(MassCancel(requestID: 1))
        var found = Outcome()
        var isDone = false
        while !isDone {
            let datagrams = connection.poll { report in
                switch report.core.executionType {
                case .cancelled: found.reports += 1
                case .massCancelDone:
                    found.cancelled = report.core.quantityLots
                    isDone = true
                default: found.problem = "a report that nobody asked for"
                }
            }
            idle.idle(worked: datagrams > 0)
            try check(connection)
        }
        found.nanos = MonotonicClock.nowNanos() - started
        let result = found
        outcome.withLock { $0 = result }
    }

    private func check(_ connection: borrowing OrderEntryConnection) throws(ClientError) {
        if case .ended(let reason) = connection.session.phase {
            throw ClientError("session \(session) ended: \(reason.text)")
        }
    }

    /// A line, and whether all went as it must.
    var report: (text: String, isSound: Bool) {
        let found = found
        if let problem = found.problem { return ("mass cancel  \(problem)", false) }
        let millis = (Double(found.nanos) / 1e6).text(1)
        return (
            "mass cancel \(found.cancelled) orders in \(millis) ms · \(found.reports) reports",
            found.cancelled == count && found.reports == count
        )
    }
}
