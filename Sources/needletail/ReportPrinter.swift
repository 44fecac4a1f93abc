// SPDX-License-Identifier: Apache-2.0
internal import OrderEntryClient
internal import Platform
internal import Wire

/// Reports for people (a table) or for programs (JSON lines).
struct ReportPrinter {
    let isJSON: Bool

    private static let columns: [(name: String, width: Int)] = [
        ("report", 7), ("kind", 15), ("side", 4), ("order id", 20), ("reference", 12),
        ("price", 10), ("lots", 12), ("leaves", 12), ("executed", 12), ("reason", 0),
    ]

    func printHeader() {
        if !isJSON { Swift.print(Self.row(Self.columns.map(\.name))) }
    }

    func print(_ report: SessionReport) {
        let core = report.core
        let side = core.attributes.side == .buy ? "buy" : "sell"
        let reason = core.reason == .none ? "" : core.reason.text
        if isJSON {
            Swift.print(
                "{\"report\":\(core.sequence),\"kind\":\"\(core.executionType.text)\","
                    + "\"side\":\"\(side)\",\"orderID\":\(core.orderID),"
                    + "\"reference\":\(core.reference),\"priceTicks\":\(core.priceTicks),"
                    + "\"quantityLots\":\(core.quantityLots),"
                    + "\"leavesLots\":\(report.report.leavesLots),"
                    + "\"executedLots\":\(report.report.executedLots),"
                    + "\"account\":\(report.report.account),"
                    + "\"commandSequence\":\(report.report.commandSequence),"
                    + "\"tradeIndex\":\(report.report.tradeIndex),"
                    + "\"timestampNanos\":\(core.timestampNanos),"
                    + "\"reason\":\(core.reason.rawValue),\"reasonText\":\"\(reason)\"}")
            return
        }
        Swift.print(
            Self.row([
                "\(core.sequence)", core.executionType.text, side, "\(core.orderID)",
                "\(core.reference)", "\(core.priceTicks)", "\(core.quantityLots)",
                "\(report.report.leavesLots)", "\(report.report.executedLots)", reason,
            ]))
    }

    private static func row(_ cells: [String]) -> String {
        var line = ""
        for (cell, column) in zip(cells, columns) {
            let isText = ["kind", "side", "reason"].contains(column.name)
            line +=
                (isText
                    ? Figure.padded(cell, column.width) : Figure.padded(left: cell, column.width))
                + " "
        }
        return line
    }
}
