// SPDX-License-Identifier: Apache-2.0
internal import NICGateway
internal import Synchronization
internal import Wire

/// A command of an operator: one record, or two.
struct OperatorCommand: Sendable {
    /// What is asked, with the operator in it.
    var record: LogRecord
    /// Its second record, if it has one.
    var continuation: LogRecord?

    init(_ record: LogRecord, _ continuation: LogRecord? = nil) {
        self.record = record
        self.continuation = continuation
    }

    /// Defines an instrument.
    init(defining instrument: Configuration.Instrument, by operatorID: UInt32) {
        let detail = InstrumentDetail(
            symbol: instrument.symbol, priceDecimals: instrument.priceDecimals,
            quantityDecimals: instrument.quantityDecimals)
        self.init(
            .defineInstrument(
                instrument: instrument.number, lowestPriceTicks: instrument.lowestPriceTicks,
                highestPriceTicks: instrument.highestPriceTicks,
                quantityLotsMax: instrument.quantityLotsMax, operatorID: operatorID),
            detail.continuation)
    }
}

/// Where operators leave a command for the log of one shard, and hear what came of it: between the
/// thread that writes the log and whoever asks. One command at a time.
///
/// Threading: `takeWish`, `tell` and `forget` belong to the thread that writes the log; the rest to
/// all.
final class CommandDesk: Sendable {
    private enum State {
        case idle
        /// Not looked at yet.
        case wished(OperatorCommand)
        /// About to be in the log, or there and not committed.
        case logged
        case answered(CommandAnswer)
    }

    private let state = Mutex(State.idle)
    /// So that the thread that writes the log takes no lock for nothing.
    private let hasWish = Atomic<Bool>(false)

    /// Whether one may be asked for: none is on its way.
    var isFree: Bool {
        state.withLock { state in
            switch state {
            case .wished, .logged: false
            case .idle, .answered: true
            }
        }
    }

    /// What came of the one that was asked for last; nil before it is committed.
    var answer: CommandAnswer? {
        state.withLock { state in
            guard case .answered(let answer) = state else { return nil }
            return answer
        }
    }

    /// Asks for a command to be written; it was free.
    func ask(_ command: OperatorCommand) {
        state.withLock { $0 = .wished(command) }
        // Release: pairs with the acquire in `takeWish`. The command is there.
        hasWish.store(true, ordering: .releasing)
    }

    /// Takes a wish back. False when it is in the log, or about to be.
    func withdraw() -> Bool {
        state.withLock { state in
            guard case .wished = state else { return false }
            state = .idle
            return true
        }
    }

    /// The command that is wished for, which is to be written.
    func takeWish() -> OperatorCommand? {
        // Acquire: pairs with the release in `ask`.
        guard hasWish.load(ordering: .acquiring) else { return nil }
        hasWish.store(false, ordering: .relaxed)
        return state.withLock { state in
            guard case .wished(let command) = state else { return nil }
            state = .logged
            return command
        }
    }

    /// What was taken is committed.
    func tell(_ answer: CommandAnswer) { state.withLock { $0 = .answered(answer) } }

    /// Of what was taken in an epoch that is over nobody hears any more.
    func forget() {
        state.withLock { state in
            if case .logged = state { state = .idle }
        }
    }
}
