// SPDX-License-Identifier: Apache-2.0
internal import Engine
internal import Platform
internal import Wire

/// Shows what the engines hold, of a primary, of a standby or of a gateway in no pair:
/// docs/operations/admin.md.
///
/// Threading: of the thread that serves the control socket; it waits for the engines' threads.
struct QueryControl: Sendable {
    /// Rows of one answer: some are put together from more than one look.
    private static let rowsMax = 512
    /// Looks for one answer.
    private static let looksMax = 64

    private let desks: [ShardDesk]
    private let cluster: ClusterMembership?

    init(desks: [ShardDesk], cluster: ClusterMembership?) {
        self.desks = desks
        self.cluster = cluster
    }

    // MARK: Lists

    func instruments(shard: UInt32, from first: UInt32) -> String {
        list(shard, from: first, "instruments") { desk, first in
            guard let reply = desk.engine.ask(.instruments(from: first)) else { return nil }
            let page = reply.answer.instruments
            let rows = page.rows.map {
                AdminInstrument($0, desk.names[$0.number], shard: shard).object
            }
            return (reply, rows, page.next)
        }
    }

    func sessions(shard: UInt32, from first: UInt32) -> String {
        list(shard, from: first, "sessions") { desk, first in
            guard let reply = desk.engine.ask(.sessions(from: first)) else { return nil }
            let page = reply.answer.sessions
            let rows = page.rows.map { AdminSession($0, shard: shard).object }
            return (reply, rows, page.next)
        }
    }

    func tradeGroups(shard: UInt32, from first: UInt32) -> String {
        list(shard, from: first, "tradeGroups") { desk, first in
            guard let reply = desk.engine.ask(.tradeGroups(from: first)) else { return nil }
            let page = reply.answer.tradeGroups
            let rows = page.rows.map { AdminTradeGroup($0, shard: shard).object }
            return (reply, rows, page.next)
        }
    }

    /// Puts pages together, and says where the next answer goes on: in this shard or another.
    private func list(
        _ shard: UInt32, from first: UInt32, _ name: String,
        _ look: (ShardDesk, UInt32) -> (reply: EngineDesk.Reply, rows: [JSONObject], next: UInt32)?
    ) -> String {
        guard shard < desks.count else { return Self.noShard(shard, of: desks.count) }
        var next = first
        var rows: [JSONObject] = []
        var object = JSONObject()
        var looks = 0
        while next != 0, rows.count < Self.rowsMax, looks < Self.looksMax {
            guard let page = look(desks[Int(shard)], next) else { return Self.silent(shard) }
            rows += page.rows
            object = head(shard, page.reply)
            next = page.next
            looks += 1
        }
        object.add(name, rows)
        if next != 0 {
            object.add("nextShard", shard)
            object.add("nextFrom", next)
        } else if shard + 1 < desks.count {
            object.add("nextShard", shard + 1)
            object.add("nextFrom", 1)
        }
        return object.text
    }

    // MARK: One book, one order

    func book(_ instrument: AdminRequest.Instrument, depth: Int) -> String {
        switch find(instrument) {
        case .refused(let answer): return answer
        case .found(let shard, let number):
            let desk = desks[Int(shard)]
            guard let reply = desk.engine.ask(.book(instrument: number, depth: depth)) else {
                return Self.silent(shard)
            }
            let symbol = desk.names[number]?.symbol
            var object = head(shard, reply)
            object.add(
                "book",
                AdminBook(reply.answer, number: number, symbol: symbol, shard: shard).object)
            return object.text
        }
    }

    /// One instrument, with its price bands and order rules.
    func instrument(_ instrument: AdminRequest.Instrument) -> String {
        switch find(instrument) {
        case .refused(let answer): return answer
        case .found(let shard, let number):
            let desk = desks[Int(shard)]
            guard let reply = desk.engine.ask(.instruments(from: number)) else {
                return Self.silent(shard)
            }
            let rows = reply.answer.instruments.rows.prefix(1).map {
                AdminInstrument($0, desk.names[number], shard: shard).object
            }
            var object = head(shard, reply)
            object.add("instruments", rows)
            return object.text
        }
    }

    /// A session of each shard may have an order with this id.
    func order(session: UInt32, orderID: UInt64) -> String {
        var orders: [JSONObject] = []
        var head = JSONObject()
        for shard in desks.indices {
            let desk = desks[shard]
            guard let reply = desk.engine.ask(.order(session: session, orderID: orderID)) else {
                return Self.silent(UInt32(shard))
            }
            guard let order = reply.answer.order else { continue }
            head = self.head(UInt32(shard), reply)
            let symbol = desk.names[order.resting.instrument]?.symbol
            orders.append(AdminOrder(order, symbol: symbol, shard: UInt32(shard)).object)
        }
        guard !orders.isEmpty else {
            return ClusterControl.refusal(
                .state,
                "session \(session) has no open order \(orderID): it was never entered, or is "
                    + "executed or cancelled; `needletail log export` shows what became of it")
        }
        var object = head
        object.add("orders", orders)
        return object.text
    }

    // MARK: Which instrument

    enum Found {
        case found(shard: UInt32, number: UInt32)
        /// An answer that says no.
        case refused(String)
    }

    /// The instrument that is meant, if it is defined.
    func find(_ instrument: AdminRequest.Instrument) -> Found {
        var found: [(shard: UInt32, number: UInt32)] = []
        for shard in UInt32(0)..<UInt32(desks.count) {
            let numbers =
                switch instrument {
                case .number(let number): [number]
                case .symbol(let symbol): desks[Int(shard)].names.numbers(of: symbol)
                }
            for number in numbers {
                guard let row = isDefined(number, shard) else {
                    return .refused(Self.silent(shard))
                }
                if row { found.append((shard, number)) }
            }
        }
        if found.count == 1 { return .found(shard: found[0].shard, number: found[0].number) }
        let name =
            switch instrument {
            case .number(let number): "\(number)"
            case .symbol(let symbol): symbol
            }
        guard found.isEmpty else {
            let numbers = found.map { "\($0.number)" }.joined(separator: ", ")
            return .refused(
                ClusterControl.refusal(
                    .state, "several instruments are called \(name): take a number, \(numbers)"))
        }
        return .refused(
            ClusterControl.refusal(
                .state,
                "there is no instrument \(name): `needletail admin instruments` shows those that "
                    + "there are"))
    }

    /// Whether an instrument is defined in a shard; nil when its engine does not answer.
    func isDefined(_ number: UInt32, _ shard: UInt32) -> Bool? {
        guard let reply = desks[Int(shard)].engine.ask(.instruments(from: number)) else {
            return nil
        }
        return reply.answer.instruments.rows.first?.number == number
    }

    // MARK: Words

    /// Who answers, as of which record, and in which business day that is.
    private func head(_ shard: UInt32, _ reply: EngineDesk.Reply) -> JSONObject {
        var object = JSONObject()
        object.add("ok", true)
        if let cluster {
            object.add("host", cluster.settings.host)
            object.add("role", cluster.view.current.role.name)
        }
        object.add("shard", shard)
        object.add("sequence", reply.sequence)
        let day = reply.answer.businessDay
        if day != .none { object.add("businessDay", day.text) }
        return object
    }

    static func silent(_ shard: UInt32) -> String {
        ClusterControl.refusal(
            .late,
            "the engine of shard \(shard) did not answer within a second: it is in the middle of a "
                + "command whose events have no room, or hangs; see `needletail top`, then ask "
                + "again")
    }

    static func noShard(_ shard: UInt32, of count: Int) -> String {
        ClusterControl.refusal(
            .state, "there is no shard \(shard): this gateway has 0…\(count - 1)")
    }
}
