// SPDX-License-Identifier: Apache-2.0
internal import Engine
internal import Wire

/// Does what a venue's calendar says: looks at the engines of a gateway that speaks, and has the
/// records written that are due.
///
/// It asks the state each time, so it may be anywhere, be late, or ask twice: the engine takes a
/// business day once, and of each instrument a phase once.
/// Threading: of its own thread.
struct CalendarClerk {
    /// The first rules that have business days and trading states.
    private static let rulesMin: UInt32 = 3

    private struct Shard {
        let desk: ShardDesk
        let progress: EngineProgress
        var work = CalendarWork()
    }

    private var schedule: CalendarSchedule
    private var shards: [Shard]
    private let cluster: ClusterMembership?

    init(
        _ calendar: TradingCalendar, desks: [ShardDesk], progress: [EngineProgress],
        cluster: ClusterMembership?
    ) {
        schedule = CalendarSchedule(calendar)
        shards = zip(desks, progress).map { Shard(desk: $0, progress: $1) }
        self.cluster = cluster
    }

    /// Looks whether something is due; a few times a second.
    mutating func turn() {
        guard CommandControl(cluster).refusal == nil else {
            for index in shards.indices { forget(index) }
            return
        }
        for index in shards.indices { look(index, now: ZoneClock.nowSeconds) }
    }

    /// Whoever speaks next sees to it.
    private mutating func forget(_ index: Int) {
        guard shards[index].work.hasBegun else { return }
        shards[index].desk.calendar.leave([])
        shards[index].work = CalendarWork()
    }

    private mutating func look(_ index: Int, now: UInt64) {
        let desk = shards[index].desk
        guard now >= shards[index].work.restsUntil, desk.rules.place.inForce >= Self.rulesMin,
            let written = desk.calendar.writtenThrough,
            shards[index].progress.sequence >= written, let done = Self.done(desk),
            let due = shards[index].work.next(at: now, done, by: &schedule)
        else { return }
        desk.calendar.leave(due.records)
    }

    /// What the engine has done; nil when it does not answer.
    private static func done(_ desk: ShardDesk) -> CalendarSchedule.Done? {
        var done = CalendarSchedule.Done(businessDay: .none, instruments: [])
        var next: UInt32 = 1
        while next != 0 {
            guard let reply = desk.engine.ask(.instruments(from: next)) else { return nil }
            done.businessDay = reply.answer.businessDay
            done.instruments += reply.answer.instruments.rows.map { ($0.number, $0.phaseSeconds) }
            next = reply.answer.instruments.next
        }
        return done
    }
}

extension CalendarSchedule.Due {
    /// As the log has them.
    var records: [LogRecord] {
        steps.map { step in
            switch step {
            case .roll(let day):
                .rollBusinessDay(to: day, operatorID: TradingCalendar.operatorID)
            case .phase(let instrument, let state):
                .setInstrumentState(
                    instrument: instrument, state,
                    phaseSeconds: UInt32(truncatingIfNeeded: seconds),
                    operatorID: TradingCalendar.operatorID)
            }
        }
    }
}
