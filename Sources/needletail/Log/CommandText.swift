// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Records as lines for people and programs.
enum CommandText {
    /// One JSON object. Times are UTC nanoseconds since 1970.
    static func json(_ record: LogRecord, _ continuation: LogRecord?) -> String {
        "{\"sequence\":\(record.sequence),\"timestampNanos\":\(record.timestampNanos),"
            + "\"kind\":\"\(name(record.kind))\",\"session\":\(record.session),"
            + "\"sessionSequence\":\(record.sessionSequence),\"orderID\":\(record.orderID),"
            + "\"priceTicks\":\(record.priceTicks),\"quantityLots\":\(record.quantityLots),"
            + "\"account\":\(record.account),\"instrument\":\(record.instrument),"
            + "\"attributes\":\(record.attributes.rawValue),\"flags\":\(record.flags),"
            + "\"records\":\(continuation == nil ? 1 : 2),"
            + "\"crc32c\":\"\(hex(UInt64(record.crc32c)))\"}"
    }

    static let columns =
        "    sequence  kind              session   sess.seq             order id       price"
        + "         lots"

    /// One line of a table under `columns`.
    static func row(_ record: LogRecord) -> String {
        right("\(record.sequence)", 12) + "  " + pad(name(record.kind), 16)
            + right("\(record.session)", 9) + right("\(record.sessionSequence)", 11)
            + right("\(record.orderID)", 21) + right("\(record.priceTicks)", 12)
            + right("\(record.quantityLots)", 13)
    }

    static func name(_ kind: CommandKind) -> String {
        switch kind {
        case .newOrder: "newOrder"
        case .cancelOrder: "cancelOrder"
        case .replaceOrder: "replaceOrder"
        case .reduceOrder: "reduceOrder"
        case .massCancel: "massCancel"
        case .refused: "refused"
        case .logout: "logout"
        case .logon: "logon"
        case .sessionTimeout: "sessionTimeout"
        case .epochStart: "epochStart"
        case .defineInstrument: "defineInstrument"
        case .timeAdvance: "timeAdvance"
        case .filler: "filler"
        case .continuation: "continuation"
        default: "kind\(kind.rawValue)"
        }
    }
}
