// SPDX-License-Identifier: Apache-2.0
import Wire

@_spi(Testing) import Engine

// Whatever cancels many orders because somebody asked for it, or because their time is over.
extension NaiveEngine {
    /// What one command cancels.
    struct Work {
        var isExpiry = false
        /// Whose orders are looked at, and through which place that was done.
        var session: UInt32 = 0
        var place = 0
        var isOfAllSessions = false
        /// Orders of later records are spared.
        var entered: UInt64 = 0
        var instrument: UInt32 = 0
        var sides: UInt8 = 0
        var account: UInt32?
        var sparesGoodTill = false
        var reason = Reason.expired
        /// Said when all is done, with the number of orders cancelled.
        var end: Event

        var endsSession: Bool { end.kind == .loggedOut || end.kind == .sessionTimedOut }

        func isMeant(_ order: Order) -> Bool {
            let isGoodTill = [.goodTillCancel, .goodTillTime].contains(order.timeInForce)
            return order.entered <= entered && (instrument == 0 || instrument == order.instrument)
                && (sides == 0 || sides & (order.side == .buy ? 1 : 2) != 0)
                && (account == nil || account == order.account) && !(sparesGoodTill && isGoodTill)
        }
    }

    /// Gives an order that is open from now on its place.
    mutating func add(_ order: Order) {
        places += 1
        var order = order
        order.place = places
        orders.append(order)
    }

    mutating func massCancel(_ record: LogRecord) {
        let isByAccount = rules >= 3 && record.flags == RecordFlags.byAccount
        guard record.flags == 0 || isByAccount else {
            return reject(.rejected, .invalidFlags, record)
        }
        guard record.instrument == 0 || instruments[record.instrument] != nil else {
            return reject(.rejected, .unknownInstrument, record)
        }
        let mine = orders.count { $0.session == record.session }
        let isUnderWay = backlog.contains {
            $0.end.kind == .massCancelDone && $0.session == record.session
        }
        if mine > Int(bounds.own), isUnderWay || !hasRoom {
            return reject(.rejected, .massCancelUnderWay, record)
        }
        begin(
            Work(
                session: record.session, entered: record.sequence, instrument: record.instrument,
                sides: record.attributes.rawValue & 0b11,
                account: isByAccount ? record.account : nil, reason: .massCancelled,
                end: Event(
                    kind: .massCancelDone, session: record.session,
                    account: isByAccount ? record.account : 0, instrument: record.instrument,
                    orderID: record.orderID)))
    }

    mutating func end(_ record: LogRecord, _ answer: EventKind) {
        let session = sessions[record.session]!
        sessions[record.session]!.isLoggedOn = false
        sessions[record.session]!.cancelsOnDisconnect = false
        sessions[record.session]!.cancelsAll = false
        let end = Event(kind: answer, session: record.session)
        guard session.cancelsOnDisconnect else { return events.append(end) }
        begin(
            Work(
                session: record.session, entered: record.sequence,
                sparesGoodTill: rules >= 3 && !session.cancelsAll, reason: .sessionEnded, end: end))
    }

    mutating func kill(_ record: LogRecord) {
        guard rules >= 3, record.attributes.rawValue != 3 else { return control(.unsupported) }
        guard [1, 2].contains(record.attributes.rawValue), record.flags < 2 else {
            return control(.invalidControl)
        }
        let stops = record.flags == 1
        var work = Work(
            entered: record.sequence, reason: .killSwitch,
            end: Event(
                kind: .controlApplied, detail: stops ? UInt16(Reason.killSwitch.rawValue) : 0,
                reference: record.sequence))
        if record.attributes.rawValue == 1 {
            guard record.orderID < 1 << 32, isSession(UInt32(record.orderID)) else {
                return control(.unknownSession)
            }
            work.session = UInt32(record.orderID)
            work.end.session = work.session
            sessions[work.session, default: Session()].isKilled = stops
        } else {
            guard record.orderID < 1 << 32 else { return control(.invalidControl) }
            let account = UInt32(record.orderID)
            work.session = 1
            work.isOfAllSessions = true
            work.account = account
            work.end.account = account
            if stops {
                let isOneMore = !killedAccounts.contains(account)
                guard !isOneMore || killedAccounts.count < min(Int(limits.orderCapacity), 1024)
                else { return control(.invalidControl) }
                killedAccounts.insert(account)
            } else {
                killedAccounts.remove(account)
            }
        }
        if stops { begin(work) } else { events.append(work.end) }
    }

    mutating func roll(_ record: LogRecord) {
        guard rules >= 3 else { return control(.unsupported) }
        guard record.orderID > day, record.orderID <= 2_932_896, record.flags == 0 else {
            return control(.invalidControl)
        }
        events.append(
            Event(kind: .businessDayRolled, quantityLots: record.orderID, leavesLots: day))
        day = record.orderID
        dayBegan = record.sequence
        busts = []
        begin(
            Work(
                session: 1, isOfAllSessions: true, entered: record.sequence, sparesGoodTill: true,
                reason: .dayEnded,
                end: Event(
                    kind: .controlApplied, detail: UInt16(Reason.dayEnded.rawValue),
                    reference: record.sequence)))
    }

    // MARK: Step by step

    /// Two pieces of work for each session, and room for what expires.
    var hasRoom: Bool { backlog.count < min(Int(limits.sessionCapacity), 127) * 2 + 1 }

    /// Takes the command's own steps, and leaves the rest over where there is room for it.
    mutating func begin(_ work: Work) {
        var work = work
        if goOn(&work, steps: rules < 3 ? .max : Int(bounds.own)) { return events.append(work.end) }
        if work.isExpiry || hasRoom {
            backlog.append(work)
            isLate = true
            stepsBehind = 0
        } else {
            _ = goOn(&work, steps: .max)
            events.append(work.end)
        }
    }

    /// Behind a command: a few steps of the first in the queue, which goes to its end.
    mutating func workOff() {
        guard stepsBehind > 0, !backlog.isEmpty else { return }
        var work = backlog.removeFirst()
        if goOn(&work, steps: stepsBehind) {
            events.append(work.end)
        } else {
            backlog.append(work)
        }
    }

    /// Takes as many steps as there are, each an order or a session; true: there is no more to do.
    private mutating func goOn(_ work: inout Work, steps: Int) -> Bool {
        var stepsLeft = steps
        while true {
            let next =
                work.isExpiry
                ? orders.filter { $0.expiry != 0 && UInt64($0.expiry) <= time }
                    .min { ($0.expiry, $0.entered) < ($1.expiry, $1.entered) }
                : orders.first { $0.session == work.session && $0.place > work.place }
            let isLastSession = !work.isOfAllSessions || work.session == limits.sessionCapacity
            if next == nil, isLastSession { return true }
            guard stepsLeft > 0 else { return false }
            stepsLeft -= 1
            guard let next else {
                work.session += 1
                work.place = 0
                continue
            }
            work.place = next.place
            if work.isExpiry {
                cancelResting(next, .expired)
            } else if work.isMeant(next) {
                cancelResting(next, work.reason)
                work.end.quantityLots += 1
            }
        }
    }
}
