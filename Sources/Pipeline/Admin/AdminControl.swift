// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// What operators may ask of a gateway, alone or in a pair, over its control socket:
/// docs/formats/control.md.
///
/// Threading: of the thread that serves the socket; it waits for the outcome.
public struct AdminControl: Sendable {
    let kills: KillControl
    private let groups: GroupControl
    private let definitions: InstrumentControl
    private let states: StateControl
    private let bands: BandControl
    private let orderRules: OrderRulesControl
    private let days: DayControl
    private let busts: BustControl
    private let queries: QueryControl
    private let calendar: TradingCalendar?

    init(
        desks: [ShardDesk], cluster: ClusterMembership?, isKept: Bool, calendar: TradingCalendar?
    ) {
        self.calendar = calendar
        kills = KillControl(desks: desks, cluster: cluster)
        groups = GroupControl(desks: desks, cluster: cluster)
        definitions = InstrumentControl(desks: desks, cluster: cluster, isKept: isKept)
        states = StateControl(desks: desks, cluster: cluster)
        bands = BandControl(desks: desks, cluster: cluster)
        orderRules = OrderRulesControl(desks: desks, cluster: cluster)
        days = DayControl(desks: desks, cluster: cluster)
        busts = BustControl(desks: desks, cluster: cluster)
        queries = QueryControl(desks: desks, cluster: cluster)
    }

    /// Whether a request is for this.
    public static func isMeant(by words: String) -> Bool { words.hasPrefix(AdminRequest.prefix) }

    /// Whether a request changes nothing: the gateway's own log need not have it.
    public static func isReading(_ words: String) -> Bool {
        (try? AdminRequest(words))?.isChange == false
    }

    /// The answer, one line of JSON, to a user of the host.
    public func answer(to words: String, by user: UInt32) -> String {
        let request: AdminRequest
        do throws(AdminRequestError) {
            request = try AdminRequest(words)
        } catch {
            return ClusterControl.refusal(.unknown, error.description)
        }
        switch request {
        case .kill(let target, let number, let stops):
            return kills.turn(target, number, stops: stops, by: user)
        case .setTradeGroup(let account, let group):
            return groups.put(account, into: group, by: user)
        case .addInstrument(let instrument): return definitions.define(instrument, by: user)
        case .state(let instrument, let state, let referenceTicks):
            return states.set(instrument, state, referenceTicks: referenceTicks, by: user)
        case .setBands(let instrument, let wanted):
            return bands.set(instrument, wanted, by: user)
        case .setOrderRules(let instrument, let wanted):
            return orderRules.set(instrument, wanted, by: user)
        case .setTickTable(let table, let rows):
            return orderRules.set(table: table, rows, by: user)
        case .tickTable(let table): return orderRules.show(table: table)
        case .bands(let instrument), .orderRules(let instrument):
            return queries.instrument(instrument)
        case .roll(let day): return days.roll(to: day, by: user)
        case .trade(let id): return busts.show(id)
        case .bust(let id): return busts.bust(id, by: user)
        case .calendar: return CalendarSchedule.answer(calendar)
        case .instruments(let shard, let first):
            return queries.instruments(shard: shard, from: first)
        case .sessions(let shard, let first): return queries.sessions(shard: shard, from: first)
        case .tradeGroups(let shard, let first):
            return queries.tradeGroups(shard: shard, from: first)
        case .book(let instrument, let depth): return queries.book(instrument, depth: depth)
        case .order(let session, let orderID):
            return queries.order(session: session, orderID: orderID)
        }
    }
}

extension Pipeline {
    /// Does what operators ask.
    public var admin: AdminControl {
        AdminControl(desks: desks, cluster: cluster, isKept: !journals.isEmpty, calendar: calendar)
    }
}
