// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Pipeline
import Platform

/// `needletail admin add-instrument`.
struct AdminAddInstrument: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add-instrument",
        abstract: "Define an instrument while the gateway runs.",
        discussion: """
            On the primary, or on a gateway in no pair. It is a command in the log, with the \
            number of the user who asks, and is answered when it is committed. What is defined \
            cannot be changed. Add the line that the answer shows to the configuration, on both \
            hosts of a pair. docs/operations/admin.md says what is refused, and the cure.

            EXAMPLES
              needletail admin add-instrument 6 BITCOIN
              needletail admin add-instrument 7 GOLD 100000 300000
              needletail admin add-instrument 8 SPREAD --largest 5000 -- -500 500

            EXIT CODES
              0   it is defined
              1   refused: a standby, a number or a symbol that is taken, or no room
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "As orders name it: 1 to engine.instrumentCapacity.") var number: UInt32
    @Argument(help: "As people name it: up to 16 visible ASCII characters.") var symbol: String
    @Argument(help: "Lowest price that an order may have, ticks.")
    var lowest = Configuration.Instrument.lowestPriceTicksDefault
    @Argument(help: "Highest price, ticks.")
    var highest = Configuration.Instrument.priceTicks.upperBound
    @Option(help: "Largest quantity of one order, lots.")
    var largest = Configuration.Instrument.quantityLotsMaxDefault
    @Option(help: "Decimals of a price in ticks.") var priceDecimals: UInt8 = 2
    @Option(help: "Decimals of a quantity in lots.") var quantityDecimals: UInt8 = 0
    @Option(help: "The shard that trades it.") var shard: UInt32 = 0

    private var request: AdminRequest {
        .addInstrument(
            Configuration.Instrument(
                number: number, symbol: symbol, lowestPriceTicks: lowest,
                highestPriceTicks: highest, quantityLotsMax: largest,
                priceDecimals: priceDecimals, quantityDecimals: quantityDecimals, shard: shard))
    }

    func validate() throws { try request.validate() }

    func run() throws {
        guard let defined = try target.admin(request).instrument else { throw Exit.unavailable }
        print("instrument \(number) \(symbol) is defined, by record \(defined.sequence)")
        print("add it to the configuration: {\(line)}")
        if !defined.isKept { print("without a journal it is gone when the gateway ends") }
    }

    /// As an entry of `instruments`.
    private var line: String {
        [
            "number: \(number)", "symbol: \(JSONValue.text(symbol).text())",
            "lowestPriceTicks: \(lowest)", "highestPriceTicks: \(highest)",
            "quantityLotsMax: \(largest)", "priceDecimals: \(priceDecimals)",
            "quantityDecimals: \(quantityDecimals)", "shard: \(shard)",
        ].joined(separator: ", ")
    }
}
