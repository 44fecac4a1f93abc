// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: `question` and `reply` are the asker's while `state` is idle or answered, and those of
// the engine's thread while it is taken; who changes `state` hands them over. One asker at a time.
internal import Engine
internal import Platform
internal import Synchronization

/// Questions to the engine of one shard, between the thread that owns it and whoever asks. One
/// question at a time.
///
/// Threading: `isAsked` and `answer` belong to the engine's thread, `ask` to all others, which take
/// turns and wait.
final class EngineDesk: @unchecked Sendable {
    /// An answer, and the last record that was applied before it.
    struct Reply {
        var sequence: UInt64 = 0
        var answer = EngineAnswer()
    }

    private static let idle: UInt8 = 0
    private static let asked: UInt8 = 1
    private static let taken: UInt8 = 2
    private static let answered: UInt8 = 3
    private static let waitNanos: UInt64 = 1_000_000_000
    private static let napNanos: UInt64 = 200_000

    private var question = EngineQuestion.room
    private var reply = Reply()
    private let state = Atomic<UInt8>(EngineDesk.idle)
    private let turn = Mutex(())

    init() {}

    /// Whether somebody waits: the one look that it costs when nobody does.
    @inline(__always) var isAsked: Bool { state.load(ordering: .relaxed) == Self.asked }

    /// Answers what was asked, by the state behind a record.
    func answer(from engine: borrowing Engine, at sequence: UInt64) {
        // Acquire: pairs with the release in `ask`. The question is there.
        guard
            state.compareExchange(
                expected: Self.asked, desired: Self.taken, ordering: .acquiring
            ).exchanged
        else { return }
        reply.sequence = sequence
        engine.answer(question, into: &reply.answer)
        // Release: pairs with the acquire in `ask`. The answer is there.
        state.store(Self.answered, ordering: .releasing)
    }

    /// Asks, and waits for the answer; nil when the engine's thread does not come to it in a
    /// second: then nothing is asked any more.
    func ask(_ question: EngineQuestion) -> Reply? { turn.withLock { _ in askInTurn(question) } }

    private func askInTurn(_ question: EngineQuestion) -> Reply? {
        self.question = question
        // Release: pairs with the acquire in `answer`.
        state.store(Self.asked, ordering: .releasing)
        for _ in 0..<Self.waitNanos / Self.napNanos {
            // Acquire: pairs with the release in `answer`.
            if state.load(ordering: .acquiring) == Self.answered { return take() }
            IdleStrategy.rest(nanos: Self.napNanos)
        }
        let isCalledOff = state.compareExchange(
            expected: Self.asked, desired: Self.idle, ordering: .relaxed
        ).exchanged
        guard !isCalledOff else { return nil }
        // It is being answered: that is a matter of microseconds.
        while state.load(ordering: .acquiring) != Self.answered {
            IdleStrategy.rest(nanos: Self.napNanos)
        }
        return take()
    }

    private func take() -> Reply {
        defer { state.store(Self.idle, ordering: .relaxed) }
        return reply
    }
}
