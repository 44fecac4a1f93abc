// SPDX-License-Identifier: Apache-2.0
internal import Hardware
internal import Platform
internal import Synchronization

/// A measurement on a thread of its own: how far it is, and what it brings back.
///
/// SAFETY: `result` is written by the thread before `hasEnded`, and read behind it.
final class MeasuringThread<Value: Sendable>: @unchecked Sendable {
    private let elapsedNanos = Atomic<UInt64>(0)
    private let shallStop = Atomic(false)
    private let hasEnded = Atomic(false)
    fileprivate var result: Result<Value, any Error>?

    /// Whether it shall end.
    var isStopping: Bool { shallStop.load(ordering: .relaxed) }
    /// How long it has measured so far.
    func note(_ nanos: UInt64) { elapsedNanos.store(nanos, ordering: .relaxed) }

    fileprivate var isDone: Bool { hasEnded.load(ordering: .acquiring) }
    fileprivate var nanos: UInt64 { elapsedNanos.load(ordering: .relaxed) }
    fileprivate func stop() { shallStop.store(true, ordering: .relaxed) }
    fileprivate func end(_ result: Result<Value, any Error>) {
        self.result = result
        hasEnded.store(true, ordering: .releasing)
    }
}

extension Qualification {
    /// Runs `body` on a core (nil = any) while the person sees `show` of the nanoseconds that it
    /// notes; it is told when it shall end.
    func measure<Value: Sendable>(
        on cpu: Int?, _ watch: StickyWatch, show: (UInt64) -> String,
        _ body: @escaping @Sendable (MeasuringThread<Value>) throws -> Value
    ) -> Result<Value, any Error> {
        let run = MeasuringThread<Value>()
        do {
            let thread = try PinnedThread(name: "nt-measure", cpu: cpu) {
                run.end(Result { try body(run) })
            }
            while !run.isDone {
                watch.show(show(run.nanos))
                if watch.pause(milliseconds: 50) { run.stop() }
            }
            thread.join()
        } catch {
            return .failure(error)
        }
        guard let result = run.result else { preconditionFailure("what is done has a result") }
        return result
    }
}

extension LatencyDistribution {
    /// A line for people.
    func row(_ name: String) -> String {
        "  \(name)  \(figures.joined(separator: "  "))\n"
    }

    /// The same for programs.
    var value: JSONValue {
        .object([("count", .number(Int(clamping: count)))] + quantileValues)
    }
}
