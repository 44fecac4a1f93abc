// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
public import Wire

/// Where a gateway core asks for reports that are no longer in memory, and gets them: one question
/// at a time, from whichever session asked first. Who finds it busy asks again, as after a loss.
///
/// Threading: the gateway core asks and takes; one other thread, which nobody waits for, answers.
/// SAFETY: `reports` is initialised for `GatewayLimits.reportsPerResend` from `init` to `deinit`.
/// It and the fields belong to the core while the phase is `idle` or `answered`, and to the other
/// thread while it is `asked`.
@safe public final class ReportHistory: @unchecked Sendable {
    /// A report as it was, but for its place on the wire.
    public struct Report: BitwiseCopyable, Sendable {
        /// Low bits of its number in the session.
        public var sequence: UInt32
        /// What happened.
        public var event: Event
        /// The reference that it shows: of a trade the other order's.
        public var reference: UInt64
        /// Sequence of the command.
        public var commandSequence: UInt64
        /// Its timestamp, UTC nanoseconds.
        public var timestampNanos: UInt64

        /// All of it.
        public init(
            sequence: UInt32, event: Event, reference: UInt64, commandSequence: UInt64,
            timestampNanos: UInt64
        ) {
            self.sequence = sequence
            self.event = event
            self.reference = reference
            self.commandSequence = commandSequence
            self.timestampNanos = timestampNanos
        }
    }

    /// What is asked for: all of it was committed and told before.
    public struct Question: Equatable, Sendable {
        /// Whose reports.
        public var session: UInt32
        /// Low bits of the first one's number.
        public var from: UInt32
        /// How many, 1…`GatewayLimits.reportsPerResend`.
        public var count: Int
    }

    private enum Phase: UInt8 { case idle, asked, answered }
    private let phase = Atomic<UInt8>(Phase.idle.rawValue)
    private let reports: UnsafeMutablePointer<Report>
    private var question = Question(session: 0, from: 0, count: 0)
    private var count = 0
    private var firstAvailable: UInt32?

    /// Nothing is asked.
    public init() {
        let capacity = GatewayLimits.reportsPerResend
        unsafe reports = .allocate(capacity: capacity)
        unsafe reports.initialize(
            repeating: Report(
                sequence: 0, event: Event(kind: .nothing), reference: 0, commandSequence: 0,
                timestampNanos: 0), count: capacity)
    }

    deinit { unsafe reports.deallocate() }

    // MARK: The gateway core

    /// Asks; false while another question is under way.
    func ask(_ new: Question) -> Bool {
        // Acquire: pairs with the release in `dismiss`.
        guard phase.load(ordering: .acquiring) == Phase.idle.rawValue else { return false }
        question = new
        // Release: pairs with the acquire in `asked`.
        phase.store(Phase.asked.rawValue, ordering: .releasing)
        return true
    }

    /// The question that was answered, with how many reports were found and, if none was, the first
    /// that there is; nil while there is no answer. `clear` ends it.
    @inline(__always)
    var answer: (question: Question, count: Int, firstAvailable: UInt32?)? {
        // Acquire: pairs with the release in `answer(_:firstAvailable:)`.
        guard phase.load(ordering: .acquiring) == Phase.answered.rawValue else { return nil }
        return (question, count, firstAvailable)
    }

    /// A report of the answer.
    func report(_ index: Int) -> Report {
        precondition(index < count, "a report of the answer")
        return unsafe reports[index]
    }

    /// Lets the next question come.
    func clear() { phase.store(Phase.idle.rawValue, ordering: .releasing) }

    // MARK: The other thread

    /// Ends the question without an answer: not now. The client asks again.
    public func dismiss() {
        precondition(asked != nil, "a question was asked")
        // Release: pairs with the acquire in `ask`.
        phase.store(Phase.idle.rawValue, ordering: .releasing)
    }

    /// What is asked, until it is answered; nil when nothing is.
    public var asked: Question? {
        // Acquire: pairs with the release in `ask`.
        phase.load(ordering: .acquiring) == Phase.asked.rawValue ? question : nil
    }

    /// Answers with reports that begin with the one asked for, as many as were asked for at most;
    /// or with none, and the number of the first that can be had, if there is any.
    public func answer(_ found: ArraySlice<Report>, firstAvailable: UInt32?) {
        precondition(asked != nil && found.count <= question.count, "an answer fits its question")
        for (index, report) in found.enumerated() { unsafe reports[index] = report }
        count = found.count
        self.firstAvailable = firstAvailable
        // Release: pairs with the acquire in `answer`.
        phase.store(Phase.answered.rawValue, ordering: .releasing)
    }
}
