// SPDX-License-Identifier: Apache-2.0
internal import Engine
package import Platform
internal import Wire

// What a gateway answers to `needletail admin`, as it is written there and read by the tool:
// docs/formats/control.md.

/// An instrument.
package struct AdminInstrument: Decodable, Equatable {
    package let number: UInt32
    /// Absent where this process has not seen it: neither configured nor defined since the snapshot
    /// from which it started.
    package let symbol: String?
    package let shard: UInt32
    package let lowestPriceTicks: Int64
    package let highestPriceTicks: Int64
    package let quantityLotsMax: UInt64
    package let priceDecimals: UInt8?
    package let quantityDecimals: UInt8?
    /// `TradingState.words`.
    package let state: String
    /// What an auction collected still trades.
    package let isUncrossing: Bool
    package let referencePriceTicks: Int64?
    package let staticReferenceTicks: Int64?
    /// Absent where there are none.
    package let bands: AdminBands?
    /// Absent where there are none.
    package let orderRules: AdminOrderRules?
    package let bestBidTicks: Int64?
    package let bestAskTicks: Int64?

    init(_ row: InstrumentRow, _ name: InstrumentNames.Name?, shard: UInt32) {
        number = row.number
        symbol = name?.symbol
        self.shard = shard
        lowestPriceTicks = row.lowestPriceTicks
        highestPriceTicks = row.highestPriceTicks
        quantityLotsMax = row.quantityLotsMax
        priceDecimals = name?.priceDecimals
        quantityDecimals = name?.quantityDecimals
        state = row.tradingState.word
        isUncrossing = row.isUncrossing
        referencePriceTicks = row.referencePriceTicks
        staticReferenceTicks = row.staticReferenceTicks
        bands = row.bands.isSet ? AdminBands(row.bands) : nil
        orderRules = row.orderRules.isSet ? AdminOrderRules(row.orderRules) : nil
        bestBidTicks = row.bestBidTicks
        bestAskTicks = row.bestAskTicks
    }

    package var object: JSONObject {
        var object = JSONObject()
        object.add("number", number)
        if let symbol { object.add("symbol", symbol) }
        object.add("shard", shard)
        object.add("lowestPriceTicks", lowestPriceTicks)
        object.add("highestPriceTicks", highestPriceTicks)
        object.add("quantityLotsMax", quantityLotsMax)
        if let priceDecimals { object.add("priceDecimals", priceDecimals) }
        if let quantityDecimals { object.add("quantityDecimals", quantityDecimals) }
        object.add("state", state)
        object.add("isUncrossing", isUncrossing)
        if let referencePriceTicks { object.add("referencePriceTicks", referencePriceTicks) }
        if let staticReferenceTicks { object.add("staticReferenceTicks", staticReferenceTicks) }
        if let bands { object.add("bands", bands.object) }
        if let orderRules { object.add("orderRules", orderRules.object) }
        if let bestBidTicks { object.add("bestBidTicks", bestBidTicks) }
        if let bestAskTicks { object.add("bestAskTicks", bestAskTicks) }
        return object
    }
}

/// A session.
package struct AdminSession: Decodable, Equatable {
    package let session: UInt32
    package let shard: UInt32
    package let isLoggedOn: Bool
    package let isKilled: Bool
    package let nextSequence: UInt64
    package let reports: UInt64
    package let openOrders: UInt32

    init(_ row: SessionRow, shard: UInt32) {
        session = row.number
        self.shard = shard
        isLoggedOn = row.isLoggedOn
        isKilled = row.isKilled
        nextSequence = row.expectedSequence
        reports = row.reportSequence
        openOrders = row.openOrders
    }

    package var object: JSONObject {
        var object = JSONObject()
        object.add("session", session)
        object.add("shard", shard)
        object.add("isLoggedOn", isLoggedOn)
        object.add("isKilled", isKilled)
        object.add("nextSequence", nextSequence)
        object.add("reports", reports)
        object.add("openOrders", openOrders)
        return object
    }
}

/// An account that is in a trade group.
package struct AdminTradeGroup: Decodable, Equatable {
    package let account: UInt32
    package let group: UInt32
    package let shard: UInt32

    init(_ row: TradeGroupRow, shard: UInt32) {
        account = row.account
        group = row.group
        self.shard = shard
    }

    package var object: JSONObject {
        var object = JSONObject()
        object.add("account", account)
        object.add("group", group)
        object.add("shard", shard)
        return object
    }
}

/// The best prices of an instrument.
package struct AdminBook: Decodable, Equatable {
    /// One price.
    package struct Level: Decodable, Equatable {
        package let priceTicks: Int64
        package let quantityLots: UInt64
        /// Absent when they are too many to be counted at once.
        package let orders: UInt32?
        /// Then so many at least.
        package let ordersMin: UInt32?

        fileprivate init(_ row: BookRow) {
            priceTicks = row.priceTicks
            quantityLots = row.quantityLots
            orders = row.isCounted ? row.orderCount : nil
            ordersMin = row.isCounted ? nil : row.orderCount
        }

        fileprivate var object: JSONObject {
            var object = JSONObject()
            object.add("priceTicks", priceTicks)
            object.add("quantityLots", quantityLots)
            if let orders { object.add("orders", orders) }
            if let ordersMin { object.add("ordersMin", ordersMin) }
            return object
        }
    }

    package let instrument: UInt32
    package let symbol: String?
    package let shard: UInt32
    package let bids: [Level]
    package let asks: [Level]

    init(_ answer: EngineAnswer, number: UInt32, symbol: String?, shard: UInt32) {
        instrument = number
        self.symbol = symbol
        self.shard = shard
        bids = answer.bids.rows.map(Level.init)
        asks = answer.asks.rows.map(Level.init)
    }

    package var object: JSONObject {
        var object = JSONObject()
        object.add("instrument", instrument)
        if let symbol { object.add("symbol", symbol) }
        object.add("shard", shard)
        object.add("bids", bids.map(\.object))
        object.add("asks", asks.map(\.object))
        return object
    }
}

/// An open order.
package struct AdminOrder: Decodable, Equatable {
    package let session: UInt32
    package let orderID: UInt64
    package let shard: UInt32
    package let instrument: UInt32
    package let symbol: String?
    package let account: UInt32
    package let reference: UInt64
    package let side: String
    package let priceTicks: Int64
    package let totalLots: UInt64
    package let executedLots: UInt64
    package let leavesLots: UInt64
    package let displayedLots: UInt64
    package let peakLots: UInt64?
    package let expirySeconds: UInt32?
    package let triggerPriceTicks: Int64?
    package let linkedOrderID: UInt64?
    /// Of a market order in a call: its price says nothing. Absent else.
    package let isAtMarket: Bool?

    init(_ order: OpenOrder, symbol: String?, shard: UInt32) {
        let resting = order.resting
        session = resting.session
        orderID = resting.orderID
        self.shard = shard
        instrument = resting.instrument
        self.symbol = symbol
        account = resting.account
        reference = resting.reference
        side = resting.side == .sell ? "sell" : "buy"
        priceTicks = resting.priceTicks
        isAtMarket = resting.isAtMarket ? true : nil
        totalLots = resting.totalLots
        executedLots = resting.executedLots
        leavesLots = resting.totalLots - resting.executedLots
        displayedLots = resting.displayedLots
        peakLots = order.peakLots
        expirySeconds = order.expirySeconds
        triggerPriceTicks = order.triggerPriceTicks
        linkedOrderID = order.linkedOrderID
    }

    package var object: JSONObject {
        var object = JSONObject()
        object.add("session", session)
        object.add("orderID", orderID)
        object.add("shard", shard)
        object.add("instrument", instrument)
        if let symbol { object.add("symbol", symbol) }
        object.add("account", account)
        object.add("reference", reference)
        object.add("side", side)
        object.add("priceTicks", priceTicks)
        if let isAtMarket { object.add("isAtMarket", isAtMarket) }
        object.add("totalLots", totalLots)
        object.add("executedLots", executedLots)
        object.add("leavesLots", leavesLots)
        object.add("displayedLots", displayedLots)
        if let peakLots { object.add("peakLots", peakLots) }
        if let expirySeconds { object.add("expirySeconds", expirySeconds) }
        if let triggerPriceTicks { object.add("triggerPriceTicks", triggerPriceTicks) }
        if let linkedOrderID { object.add("linkedOrderID", linkedOrderID) }
        return object
    }
}
