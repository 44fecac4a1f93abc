// SPDX-License-Identifier: Apache-2.0
internal import OrderEntryClient
internal import Pipeline
internal import Platform

/// What a service manager is told of a running gateway, if one listens: that it is ready, how far
/// it is, and, for its watchdog, that every polling thread still turns.
///
/// The ping is not the main thread's heartbeat: it is kept back as long as one polling thread
/// stands still, and the manager then ends and restarts the gateway. Threading: the main thread.
struct ServiceReport {
    private let notifier: ServiceNotifier
    private let pipeline: Pipeline
    private let place: String
    private var turns: TurnWatch
    private var lastLookNanos: UInt64
    private var isComplaining = false

    /// Nil when no manager listens. `place`: where the gateway listens, in words.
    init?(_ pipeline: Pipeline, place: String) {
        guard let notifier = ServiceNotifier.fromEnvironment() else { return nil }
        self.notifier = notifier
        self.pipeline = pipeline
        self.place = place
        turns = TurnWatch(pipeline.threadTurns.map(\.turns))
        lastLookNanos = MonotonicClock.nowNanos()
        notifier.send(["READY=1", status])
    }

    /// A quarter of what the watchdog allows, so that one late look is not the end.
    private var intervalNanos: UInt64 { (notifier.watchdogNanos ?? 4_000_000_000) / 4 }

    private var status: String {
        let sequences = pipeline.progress.map { "\($0.sequence)" }.joined(separator: "/")
        return "STATUS=\(place); last sequence \(sequences)"
    }

    /// Ten times a second. What a person should know: once when a thread stands still, once when
    /// it turns again.
    mutating func look() -> String? {
        let now = MonotonicClock.nowNanos()
        guard now &- lastLookNanos >= intervalNanos else { return nil }
        let elapsedMillis = (now &- lastLookNanos) / 1_000_000
        lastLookNanos = now
        guard let watchdogNanos = notifier.watchdogNanos else {
            notifier.send([status])
            return nil
        }
        let still = turns.look(pipeline.threadTurns.map(\.turns))
        if still.isEmpty {
            notifier.send(["WATCHDOG=1", status])
            defer { isComplaining = false }
            return isComplaining ? "every polling thread turns again" : nil
        }
        let names = still.map { pipeline.threadTurns[$0].name }.joined(separator: ", ")
        notifier.send(["STATUS=\(names) stuck; \(place)"])
        defer { isComplaining = true }
        return isComplaining
            ? nil
            : "ALARM: \(names) has not turned for \(elapsedMillis) ms; the watchdog hears nothing "
                + "until it does, and ends this gateway after \(watchdogNanos / 1_000_000) ms."
    }

    /// The end has begun.
    func stopping() { notifier.send(["STOPPING=1", "STATUS=stopping"]) }
}
