// SPDX-License-Identifier: Apache-2.0
internal import Pipeline
internal import Wire

// Commands of operators about what orders may be, whose they are, and what has become of trades.
extension RecordFields {
    static func orderRules(_ record: LogRecord) -> [RecordField] {
        [
            RecordField("operatorID", record.session),
            RecordField("instrument", record.instrument),
            RecordField("lotStep", record.orderID),
            RecordField("quantityLotsMin", record.quantityLots),
            RecordField("valueMax", UInt64(bitPattern: record.priceTicks)),
            RecordField("tickTable", record.account),
        ]
    }

    static func tickTableRow(_ record: LogRecord) -> [RecordField] {
        [
            RecordField("operatorID", record.session),
            RecordField("tickTable", record.orderID),
            RecordField("row", record.account & 0xFFFF),
            RecordField("rows", record.account >> 16),
            RecordField("fromTicks", record.priceTicks),
            RecordField("stepTicks", record.quantityLots),
        ]
    }

    static func bust(_ record: LogRecord) -> [RecordField] {
        let isOfAuction = record.attributes.rawValue & EventAttributes.auction.rawValue != 0
        return [
            RecordField("operatorID", record.session),
            RecordField("tradeSequence", record.orderID),
            RecordField("tradeIndex", record.account),
            RecordField("instrument", record.instrument),
            RecordField("priceTicks", record.priceTicks),
            RecordField("quantityLots", record.quantityLots),
            RecordField("restingSide", text: Names.of(record.attributes.side)),
        ] + (isOfAuction ? [RecordField("made", text: "inAuction")] : [])
    }

    static func bustedSides(_ bust: TradeBust) -> [RecordField] {
        [("resting", bust.resting), ("aggressor", bust.aggressor)].flatMap { name, side in
            [
                RecordField(name + "Session", side.session),
                RecordField(name + "Account", side.account),
                RecordField(name + "OrderID", side.orderID),
                RecordField(name + "OtherReference", side.otherReference),
            ]
        }
    }

    static func tradeGroup(_ record: LogRecord) -> [RecordField] {
        [
            RecordField("operatorID", record.session), RecordField("account", record.account),
            RecordField("group", record.orderID),
        ]
    }
}
