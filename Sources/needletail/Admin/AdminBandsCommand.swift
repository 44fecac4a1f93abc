// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Pipeline
import Wire

/// `needletail admin bands`.
struct AdminBandsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bands",
        abstract: "Show or set the price bands of an instrument.",
        discussion: """
            Nothing trades outside of them. The static band is around the reference that was given \
            with a trading state, or the price of the last auction; the dynamic one around the \
            last trade before an order came. What would trade outside is cancelled, or with \
            `--auction-seconds` begins an auction that ends by itself. Setting is for the primary, \
            or a gateway in no pair, and says all of it anew. docs/operations/admin.md says more.

            EXAMPLES
              needletail admin bands GOLD
              needletail admin bands GOLD --static 5000 --dynamic 500
              needletail admin bands GOLD --static 1000 --dynamic 200 --basis-points \
            --auction-seconds 120
              needletail admin bands GOLD --none

            EXIT CODES
              0   shown, or set
              1   refused: a standby, rules before 3, no such instrument, a width that it cannot
                  have, or an auction that still trades
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "A symbol, or the number of an instrument.") var instrument: String
    @Option(name: .customLong("static"), help: "Width to each side of the static reference.")
    var staticWidth: UInt32?
    @Option(name: .customLong("dynamic"), help: "Width to each side of the last trade.")
    var dynamicWidth: UInt32?
    @Flag(help: "Widths are hundredths of a percent, not ticks.") var basisPoints = false
    @Option(help: "Instead of being cancelled, begin an auction of so many seconds.")
    var auctionSeconds: UInt32?
    @Flag(help: "Take all bands away.") var none = false

    private var isSetting: Bool { staticWidth != nil || dynamicWidth != nil || none }

    private var request: AdminRequest {
        guard isSetting else { return .bands(.init(instrument)) }
        return .setBands(
            .init(instrument),
            PriceBands(
                staticWidth: staticWidth ?? 0, dynamicWidth: dynamicWidth ?? 0,
                isInBasisPoints: basisPoints, action: auctionSeconds == nil ? .cancel : .auction,
                auctionSeconds: auctionSeconds ?? 0))
    }

    func validate() throws {
        let hasWidth = staticWidth ?? 0 != 0 || dynamicWidth ?? 0 != 0
        guard hasWidth != none || !isSetting else {
            throw ValidationError("take --none, or a --static or --dynamic above 0")
        }
        guard hasWidth || !basisPoints && auctionSeconds == nil else {
            throw ValidationError("--basis-points and --auction-seconds are for bands")
        }
        try request.validate()
    }

    func run() throws {
        let answer = try target.admin(request)
        if let set = answer.priceBands {
            print(Self.text(set.instrument, set.symbol, set.bands, referenceTicks: nil))
        } else if let row = answer.instruments?.first {
            print(
                Self.text(
                    row.number, row.symbol, row.bands, referenceTicks: row.staticReferenceTicks))
        } else {
            throw Exit.unavailable
        }
    }

    private static func text(
        _ number: UInt32, _ symbol: String?, _ bands: AdminBands?, referenceTicks: Int64?
    ) -> String {
        let head = "instrument \(number)" + (symbol.map { " \($0)" } ?? "")
        let reference = referenceTicks.map { "\n  static reference \($0) ticks" } ?? ""
        guard let bands else { return head + " has no price bands" + reference }
        let unit = bands.unit == "ticks" ? "ticks" : "basis points"
        let widths = [("static", bands.staticWidth), ("dynamic", bands.dynamicWidth)]
            .filter { $0.1 != 0 }.map { "\($0.0) \($0.1) \(unit)" }.joined(separator: ", ")
        let action =
            bands.auctionSeconds == 0
            ? "what would trade outside is cancelled"
            : "what would trade outside begins an auction of \(bands.auctionSeconds) seconds"
        return "\(head): \(widths)\n  \(action)\(reference)"
    }
}
