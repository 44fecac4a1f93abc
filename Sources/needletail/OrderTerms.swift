// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Wire

/// What all new orders of one `send` ask for, beside side, lots and price.
struct OrderTerms: ParsableArguments {
    @Flag(help: "Cancel at once what does not trade.")
    var ioc = false

    @Flag(help: "Trade in full at once, or not at all.")
    var fok = false

    @Flag(help: "Reject what would trade at once.")
    var postOnly = false

    @Flag(help: "As --post-only, but what would trade rests one tick behind the other side.")
    var slide = false

    @Flag(help: "Show the public nothing of it; at its price it ranks behind what is shown.")
    var hidden = false

    @Option(help: ArgumentHelp("Show so much at a time: an iceberg.", valueName: "lots"))
    var peak: UInt64?

    @Option(
        name: .customLong("min"),
        help: ArgumentHelp("With --ioc: trade so much at once, or nothing.", valueName: "lots"))
    var minimum: UInt64?

    @Option(help: ArgumentHelp("Cancel it after so long.", valueName: "seconds"))
    var expireIn: UInt32?

    @Option(
        help: ArgumentHelp(
            "Cancel it at this time, like 2030-01-31T16:30:00Z.", valueName: "time"))
    var until: ExpiryText?

    @Option(help: "Self-trade prevention: none, newest, oldest, both, decrement.")
    var stp: PreventionText = .none

    @Option(
        help: ArgumentHelp(
            "At market: trade at most so far beyond the best price.", valueName: "ticks"))
    var slippage: UInt32?

    @Option(
        help: ArgumentHelp(
            "At market: spend at most so much, ticks times lots.", valueName: "amount"))
    var quoteMax: UInt64?

    @Option(
        help: ArgumentHelp(
            "Wait until a trade is so high, of a sell so low.", valueName: "ticks"))
    var stop: Int64?

    @Option(
        help: ArgumentHelp(
            "Wait until a trade is so low, of a sell so high.", valueName: "ticks"))
    var takeProfit: Int64?

    @Option(
        help: ArgumentHelp(
            "A stop that follows the market in whole steps; --stop is where it begins.",
            valueName: "offset:step"))
    var trail: TrailText?

    @Option(
        help: ArgumentHelp(
            "One cancels the other: an open order that waits, or this one does.",
            valueName: "id"))
    var link: UInt64?

    func validate() throws {
        try exclude((takeProfit != nil, "--take-profit"), (stop != nil, "--stop"))
        try exclude((takeProfit != nil, "--take-profit"), (trail != nil, "--trail"))
        for (isGiven, name) in [
            (ioc, "--ioc"), (fok, "--fok"), (postOnly, "--post-only"), (slide, "--slide"),
            (hidden, "--hidden"), (peak != nil, "--peak"), (minimum != nil, "--min"),
            (slippage != nil, "--slippage"), (quoteMax != nil, "--quote-max"),
        ] where isGiven {
            guard let waiting else { break }
            throw ValidationError("\(waiting) and \(name) exclude each other.")
        }
        for (isGiven, name) in [(hidden, "--hidden"), (peak != nil, "--peak")] {
            try exclude((link != nil, "--link"), (isGiven, name))
        }
        for (ticks, name) in [(stop, "--stop"), (takeProfit, "--take-profit")] where ticks == 0 {
            throw ValidationError("\(name) 0: any other price.")
        }
        try exclude((ioc, "--ioc"), (fok, "--fok"))
        try exclude((expireIn != nil, "--expire-in"), (until != nil, "--until"))
        for (isGiven, name) in [
            (postOnly, "--post-only"), (slide, "--slide"), (peak != nil, "--peak"),
        ] {
            try exclude((hidden, "--hidden"), (isGiven, name))
        }
        try exclude((quoteMax != nil, "--quote-max"), (minimum != nil, "--min"))
        try exclude((quoteMax != nil, "--quote-max"), (fok, "--fok"))
        for (value, name) in [
            (peak, "--peak"), (minimum, "--min"), (expireIn.map(UInt64.init), "--expire-in"),
            (slippage.map(UInt64.init), "--slippage"), (quoteMax, "--quote-max"), (link, "--link"),
        ] where value == 0 {
            throw ValidationError("\(name) 0: at least 1.")
        }
        if let until, until.seconds <= Self.nowSeconds {
            throw ValidationError("--until: that time is over.")
        }
    }

    /// For what an order waits, if it does.
    private var waiting: String? {
        trail != nil
            ? "--trail" : stop != nil ? "--stop" : takeProfit != nil ? "--take-profit" : nil
    }

    private func exclude(_ one: (Bool, String), _ other: (Bool, String)) throws {
        if one.0 && other.0 {
            throw ValidationError("\(one.1) and \(other.1) exclude each other.")
        }
    }

    /// Whether an order may ask for all of it, as docs/formats/order-matrix.md has it.
    func check(_ order: OrderText) throws {
        let isMarket = order.priceTicks == nil
        if trail != nil, !isMarket {
            throw ValidationError("--trail is for orders at market: not with \(order).")
        }
        let atOnce =
            ioc ? "--ioc" : fok ? "--fok" : isMarket && waiting == nil ? "\(order)" : nil
        for (isGiven, name) in [
            (postOnly, "--post-only"), (slide, "--slide"), (hidden, "--hidden"),
            (peak != nil, "--peak"), (expireIn != nil, "--expire-in"), (until != nil, "--until"),
            (link != nil, "--link"),
        ] where isGiven {
            guard let atOnce else { continue }
            throw ValidationError("\(name) is for orders that rest: not with \(atOnce).")
        }
        for (isGiven, name) in [(slippage != nil, "--slippage"), (quoteMax != nil, "--quote-max")]
        where isGiven && !isMarket {
            throw ValidationError("\(name) is for orders at market: not with \(order).")
        }
        if let peak {
            // Rounded up: a peak is at least a 256th of the total.
            let least = (order.lots / 256) + (order.lots % 256 == 0 ? 0 : 1)
            guard (least...Swift.max(least, order.lots)).contains(peak) else {
                throw ValidationError(
                    "--peak \(peak): of \(order) from \(least) to \(order.lots) are shown.")
            }
        }
        guard let minimum else { return }
        guard ioc || isMarket && !fok else {
            throw ValidationError("--min is for orders that trade at once: add --ioc.")
        }
        guard minimum <= order.lots else {
            throw ValidationError("--min \(minimum) is more than the lots of \(order).")
        }
    }

    /// Whether anything is given that makes sense for new orders alone.
    var isGiven: Bool {
        ioc || fok || postOnly || slide || hidden || peak != nil || minimum != nil
            || expireIn != nil || until != nil || slippage != nil || quoteMax != nil
            || stp != .none || waiting != nil || link != nil
    }

    var flags: UInt8 {
        var flags = SelfTradePrevention(rawValue: stp.number).flags
        if postOnly || slide { flags |= RecordFlags.postOnly }
        if slide { flags |= RecordFlags.slide }
        if hidden { flags |= RecordFlags.hidden }
        if link != nil { flags |= RecordFlags.linked }
        return UInt8(truncatingIfNeeded: flags)
    }

    func type(isMarket: Bool) -> OrderType {
        guard waiting != nil else { return isMarket ? .market : .limit }
        return trail != nil ? .trailingStop : isMarket ? .stop : .stopLimit
    }

    func timeInForce(_ type: OrderType) -> TimeInForce {
        if expireIn != nil || until != nil { return .goodTillTime }
        if fok { return .fillOrKill }
        // At market for the day, so that a call takes it; elsewhere what it leaves goes anyway.
        return ioc || type == .market && minimum != nil ? .immediateOrCancel : .day
    }

    /// The order with what is rare in it; nil when nothing is.
    func extended(_ order: NewOrder) -> NewOrderExtended? {
        var extended = NewOrderExtended(order: order)
        extended.peakLots = peak ?? quoteMax ?? link ?? 0
        extended.minimumLots = minimum ?? trail?.word ?? 0
        extended.triggerPriceTicks = stop ?? takeProfit ?? Int64(slippage ?? 0)
        extended.triggerCondition = takeProfit == nil ? 0 : 0x10
        extended.expirySeconds = expirySeconds ?? 0
        let isRare =
            extended.peakLots != 0 || extended.minimumLots != 0
            || extended.triggerPriceTicks != 0 || extended.expirySeconds != 0
        return isRare ? extended : nil
    }

    private var expirySeconds: UInt32? {
        // Orders expire at whole seconds: not before all of those asked for are over.
        until?.seconds
            ?? expireIn.map { UInt32(clamping: UInt64(Self.nowSeconds) + UInt64($0) + 1) }
    }

    /// UTC.
    private static var nowSeconds: UInt32 { UInt32(clamping: Int(Date().timeIntervalSince1970)) }
}

/// `2030-01-31T16:30:00Z`.
struct ExpiryText: ExpressibleByArgument {
    /// UTC, since 1970.
    var seconds: UInt32

    init?(argument: String) {
        guard let date = try? Date(argument, strategy: .iso8601),
            let seconds = UInt32(exactly: date.timeIntervalSince1970.rounded(.down))
        else { return nil }
        self.seconds = seconds
    }
}

/// `10:2`, ticks.
struct TrailText: ExpressibleByArgument {
    /// The offset in its low half and the step in its high half.
    var word: UInt64

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map {
            UInt32($0) ?? 0
        }
        guard parts.count == 2, parts[0] > 0, parts[1] > 0 else { return nil }
        word = UInt64(parts[0]) | UInt64(parts[1]) << 32
    }
}

/// The modes by their names.
enum PreventionText: String, ExpressibleByArgument, CaseIterable {
    case none, newest, oldest, both, decrement

    /// As in the order's flags.
    var number: UInt8 {
        switch self {
        case .none: 0
        case .newest: 1
        case .oldest: 2
        case .both: 3
        case .decrement: 4
        }
    }
}
