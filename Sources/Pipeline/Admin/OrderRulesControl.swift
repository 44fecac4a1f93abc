// SPDX-License-Identifier: Apache-2.0
internal import Engine
internal import NICGateway
package import Platform
internal import Wire

/// Sets the order rules of an instrument, and tick tables, when an operator asks for it, alone or
/// in a pair: docs/operations/admin.md.
///
/// Threading: of the thread that serves the control socket; it waits for the outcome.
struct OrderRulesControl: Sendable {
    /// The first rules that have tick tables.
    private static let rulesMin: UInt32 = 3

    private let desks: [ShardDesk]
    private let command: InstrumentCommand
    private let commands: CommandControl

    init(desks: [ShardDesk], cluster: ClusterMembership?) {
        self.desks = desks
        command = InstrumentCommand(desks: desks, cluster: cluster)
        commands = CommandControl(cluster)
    }

    // MARK: Rules of an instrument

    /// The answer, one line of JSON: whether the instrument has these rules, and nothing can take
    /// that back.
    func set(
        _ instrument: AdminRequest.Instrument, _ rules: OrderRules, by operatorID: UInt32
    ) -> String {
        let outcome = command.carryOut(instrument, "order rules") { number, desk, shard in
            guard let reply = desk.engine.ask(.instruments(from: number)) else {
                return QueryControl.silent(shard)
            }
            if let row = reply.answer.instruments.rows.first,
                !rules.allowsAny(upTo: row.quantityLotsMax)
            {
                return ClusterControl.refusal(.state, Self.allowsNone(row))
            }
            guard rules.tickTable != 0 else { return nil }
            guard let reply = desk.engine.ask(.tickTable(rules.tickTable)) else {
                return QueryControl.silent(shard)
            }
            return reply.answer.tickTable.isWhole
                ? nil : ClusterControl.refusal(.state, Self.isNotWhole(rules.tickTable))
        } record: { number in
            .setOrderRules(instrument: number, rules, operatorID: operatorID)
        }
        switch outcome {
        case .refused(let answer): return answer
        case .answered(let answer, _, let about):
            // Good a moment ago.
            guard answer.reason == .none else { return Self.changedMeanwhile }
            var set = about
            set.add("sequence", answer.sequence)
            if rules.isSet { set.add("rules", AdminOrderRules(rules).object) }
            return ClusterControl.done("orderRules", set)
        }
    }

    private static func allowsNone(_ row: InstrumentRow) -> String {
        "the largest quantity of instrument \(row.number) is \(row.quantityLotsMax) lots, so that "
            + "no order could keep these: take a smaller lot step or smallest quantity"
    }

    private static func isNotWhole(_ table: UInt32) -> String {
        "tick table \(table) is not there, or not all of it: set it first, with `needletail admin "
            + "tick-table \(table) --row FROM:STEP ...`"
    }

    private static let changedMeanwhile = ClusterControl.refusal(
        .state, "the engine refuses it as things stand: ask again")

    // MARK: Tick tables

    /// The answer, one line of JSON: whether all shards have the whole table, and nothing can take
    /// that back. What comes to an end half-way is a table that nobody can name.
    func set(table: UInt32, _ rows: [TickRow], by operatorID: UInt32) -> String {
        let sentence =
            commands.refusal ?? desks.refusal(before: Self.rulesMin, "there are tick tables")
        if let sentence { return ClusterControl.refusal(.state, sentence) }
        for shard in desks.indices {
            guard let reply = desks[shard].engine.ask(.tickTable(table)) else {
                return QueryControl.silent(UInt32(shard))
            }
            let users = reply.answer.tickTable.users
            guard users == 0 else {
                return ClusterControl.refusal(
                    .state,
                    "tick table \(table) is named by \(users) instruments of shard \(shard), and "
                        + "stays as it is while it is: set one that nobody names, then have them "
                        + "name that with `needletail admin order-rules`")
            }
        }
        for (place, row) in rows.enumerated() {
            let record = LogRecord.setTickTableRow(
                TickTableRow(
                    table: table, number: UInt32(place) + 1, of: UInt32(rows.count), row),
                operatorID: operatorID)
            switch commands.carryOut(OperatorCommand(record), on: desks) {
            case .refused(let answer): return answer
            case .answered(let answers):
                guard answers.allSatisfy({ $0.reason == .none }) else {
                    return Self.changedMeanwhile
                }
            }
        }
        let set = AdminTickTable(table: table, isWhole: true, users: 0, rows: rows)
        return ClusterControl.done("tickTable", set.object)
    }

    /// A tick table, as all shards have it.
    func show(table: UInt32) -> String {
        var answers: [TickTableRows] = []
        for shard in desks.indices {
            guard let reply = desks[shard].engine.ask(.tickTable(table)) else {
                return QueryControl.silent(UInt32(shard))
            }
            answers.append(reply.answer.tickTable)
        }
        let rows = answers[0].rows
        let shown = AdminTickTable(
            table: table, isWhole: answers.allSatisfy { $0.isWhole && $0.rows == rows },
            users: answers.map(\.users).reduce(0, +), rows: rows)
        return ClusterControl.done("tickTable", shown.object)
    }
}

/// Order rules, as they are shown.
package struct AdminOrderRules: Decodable, Equatable {
    package let lotStep: UInt64
    package let quantityLotsMin: UInt64
    package let valueMax: UInt64
    package let tickTable: UInt32

    init(_ rules: OrderRules) {
        lotStep = rules.lotStep
        quantityLotsMin = rules.quantityLotsMin
        valueMax = rules.valueMax
        tickTable = rules.tickTable
    }

    package var object: JSONObject {
        var object = JSONObject()
        object.add("lotStep", lotStep)
        object.add("quantityLotsMin", quantityLotsMin)
        object.add("valueMax", valueMax)
        object.add("tickTable", tickTable)
        return object
    }
}

/// A tick table, as it is shown.
package struct AdminTickTable: Decodable, Equatable {
    /// One row.
    package struct Row: Decodable, Equatable {
        package let fromTicks: Int64
        package let stepTicks: UInt32

        fileprivate var object: JSONObject {
            var object = JSONObject()
            object.add("fromTicks", fromTicks)
            object.add("stepTicks", stepTicks)
            return object
        }
    }

    package let table: UInt32
    /// Only then may instruments name it.
    package let isWhole: Bool
    /// Instruments that name it.
    package let instruments: UInt32
    package let rows: [Row]

    init(table: UInt32, isWhole: Bool, users: UInt32, rows: [TickRow]) {
        self.table = table
        self.isWhole = isWhole
        instruments = users
        self.rows = rows.map { Row(fromTicks: $0.fromTicks, stepTicks: $0.stepTicks) }
    }

    package var object: JSONObject {
        var object = JSONObject()
        object.add("table", table)
        object.add("isWhole", isWhole)
        object.add("instruments", instruments)
        object.add("rows", rows.map(\.object))
        return object
    }
}
