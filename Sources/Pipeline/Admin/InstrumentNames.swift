// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import Wire

/// What people call the instruments of a shard: as the configuration says, or else as the log does,
/// as far as this process has read it. A snapshot has no names.
///
/// Threading: `see` belongs to the thread that writes or follows the log; the rest to all.
final class InstrumentNames: Sendable {
    /// Of one instrument.
    struct Name: Equatable, Sendable {
        var symbol: String
        /// Of a price in ticks.
        var priceDecimals: UInt8
        /// Of a quantity in lots.
        var quantityDecimals: UInt8
    }

    private let names: Mutex<[UInt32: Name]>

    /// Those of a configuration.
    init(_ configuration: Configuration, shard: UInt32) {
        var names: [UInt32: Name] = [:]
        for instrument in configuration.instruments where instrument.shard == shard {
            names[instrument.number] = Name(
                symbol: instrument.symbol, priceDecimals: instrument.priceDecimals,
                quantityDecimals: instrument.quantityDecimals)
        }
        self.names = Mutex(names)
    }

    /// Takes the name of an instrument that has none yet from its definition.
    func see(_ record: LogRecord, _ continuation: LogRecord?) {
        guard record.kind == .defineInstrument, let continuation else { return }
        let detail = InstrumentDetail(continuation: continuation)
        let name = Name(
            symbol: detail.symbol, priceDecimals: detail.priceDecimals,
            quantityDecimals: detail.quantityDecimals)
        names.withLock { names in
            if names[record.instrument] == nil { names[record.instrument] = name }
        }
    }

    /// The name of an instrument, defined or not.
    subscript(number: UInt32) -> Name? { names.withLock { $0[number] } }

    /// The instruments with a symbol, ascending, defined or not.
    func numbers(of symbol: String) -> [UInt32] {
        names.withLock { names in names.filter { $0.value.symbol == symbol }.keys.sorted() }
    }
}
