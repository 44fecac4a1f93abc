// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// What goes on behind later commands, behind the stopped accounts of an image: 64 bytes.
struct WorkImage: BitwiseCopyable {
    var kind: UInt32 = Self.kind  //        0  4
    var session: UInt32 = 0  //             4  whose orders are looked at; 0 of what expires
    var account: UInt32 = 0  //             8
    var instrument: UInt32 = 0  //         12  0 = all
    var next: UInt32 = 0  //               16  1 + the position of the next order; 0 = none
    var answerKind: UInt8 = 0  //          20  of the event behind the last order
    var reason: UInt8 = 0  //              21  of each order's `cancelled`
    var flags: UInt8 = 0  //               22  as in `CancelWork`
    var sides: UInt8 = 0  //               23
    var requestID: UInt64 = 0  //          24
    var reference: UInt64 = 0  //          32  sequence of the command
    var cancelledCount: UInt64 = 0  //     40
    var reserved0: UInt64 = 0  //          48  zero
    var reserved1: UInt64 = 0  //          56  zero

    static let kind: UInt32 = 4
}

extension Engine {
    /// The last rows of their section, the first in the queue first.
    func encodeBacklog(
        _ header: ImageHeader, _ positions: [UInt32], _ writer: inout ImageWriter
    ) {
        let first = header.count(.rare) - Int(backlogCount)
        for position in 0..<backlogCount {
            let place = backlogOrder[position]
            let work = backlog[place]
            let next = nextOrder(ofWorkAt: place)
            writer.store(
                WorkImage(
                    session: work.session, account: work.account, instrument: work.instrument,
                    next: next == 0 ? 0 : positions[Int(next)] + 1,
                    answerKind: work.closingKind.rawValue, reason: work.reason.rawValue,
                    flags: work.flags, sides: work.sides.rawValue, requestID: work.requestID,
                    reference: work.reference, cancelledCount: work.cancelledCount),
                at: header.byteOffset(.rare, first + Int(position)))
        }
    }

    /// One row. It is read before the orders, of which only those may be somebody's who is stopped
    /// that are about to be reached; `decodeMarks` says where it has come to.
    mutating func decodeBacklog(
        _ image: borrowing ImageView, _ place: ImagePlace
    ) throws(EngineImageError) {
        let entry = image.load(WorkImage.self, at: place.byteOffset)
        try place.check(
            entry.reserved0 | entry.reserved1 == 0, "reserved bytes are set", "zero", at: 48)
        var work = CancelWork(
            requestID: entry.requestID, reference: entry.reference,
            cancelledCount: entry.cancelledCount, session: entry.session, slot: entry.next,
            account: entry.account, instrument: entry.instrument, flags: entry.flags,
            sides: MassCancelSides(rawValue: entry.sides), reason: Reason(rawValue: entry.reason),
            closingKind: EventKind(rawValue: entry.answerKind))
        if work.closingKind == .controlApplied { work.answerReason = work.reason }
        if let flaw = flaw(of: work) {
            try place.check(false, flaw, "work that a command can leave over", at: 4)
        }
        let others = Int(backlogCount) - (isExpiring ? 1 : 0)
        try place.check(
            work.isExpiry || others + 1 < backlog.count, "one more piece of work",
            "at most \(backlog.count - 1) and an expiry")
        // Without a mark for now.
        backlog[backlogOrder[backlogCount]] = work
        backlogCount &+= 1
    }

    /// Puts the marks where the rows say that they are, when the sessions have their orders.
    mutating func decodeMarks(_ header: ImageHeader) throws(EngineImageError) {
        let first = header.count(.rare) - Int(backlogCount)
        for position in 0..<backlogCount {
            let place = backlogOrder[position]
            let work = backlog[place]
            let row = ImagePlace(.rare, header.byteOffset(.rare, first + Int(position)))
            try row.check(
                work.slot == 0
                    || work.slot <= openOrderCount && orders[work.slot].session == work.session,
                "next an order at \(work.slot)", "one of session \(work.session)", at: 16)
            if !work.isExpiry { setMark(place) }
            let isAnEnd =
                work.endsSession && sessions[work.session].flags & SessionState.loggedOn != 0
            try row.check(!isAnEnd, "the end of a session that is logged on", "of one that is not")
        }
        if let broken = checkStopped() {
            try ImagePlace(.rare, header.byteOffset(.rare, first)).check(
                false, broken, "about to be reached by what stops it")
        }
    }

    /// What is wrong with a piece of work beside those in the queue, or nil.
    func flaw(of work: CancelWork) -> String? {
        if work.isExpiry {
            let right = CancelWork(
                reference: 0, flags: CancelWork.expiry, closingKind: .controlApplied)
            let isRight =
                UInt64(work.session | work.slot | work.account | work.instrument)
                | work.requestID | work.reference | work.cancelledCount == 0
                && work.flags == right.flags && work.sides.rawValue == 0
                && work.reason == .none && work.closingKind == right.closingKind
            return !isRight ? "an expiry that is more" : isExpiring ? "two expiries" : nil
        }
        guard work.session &- 1 < limits.sessionCapacity else { return "session \(work.session)" }
        guard work.isByAccount || work.account == 0 else { return "account \(work.account)" }
        guard work.sides.rawValue <= 3 else { return "sides \(work.sides.rawValue)" }
        guard work.instrument == 0 || isDefined(instrument: work.instrument) else {
            return "instrument \(work.instrument)"
        }
        let ofOrders =
            UInt64(work.instrument) | UInt64(work.sides.rawValue) | work.requestID
        switch work.closingKind {
        case .massCancelDone:
            guard !isMassCancelling(work.session) else {
                return "two mass cancels of session \(work.session)"
            }
            return work.flags & ~CancelWork.byAccount != 0 || work.reason != .massCancelled
                ? "flags \(work.flags) of a mass cancel" : nil
        case .loggedOut, .sessionTimedOut:
            guard !isEnding(work.session) else { return "two ends of session \(work.session)" }
            return work.flags & ~CancelWork.sparesGoodTill != 0 || work.reason != .sessionEnded
                || ofOrders != 0 ? "flags \(work.flags) of a session's end" : nil
        case .controlApplied where work.reason == .dayEnded:
            return work.flags != CancelWork.ofDay || ofOrders != 0
                ? "flags \(work.flags) of a day's end" : nil
        case .controlApplied:
            let all = CancelWork.byAccount | CancelWork.allSessions
            return work.flags != 0 && work.flags != all || work.reason != .killSwitch
                || ofOrders != 0 ? "flags \(work.flags) of a kill switch" : nil
        default: return "event \(work.closingKind.rawValue) at its end"
        }
    }

    /// An open order of a session or account that is stopped and that nothing will reach, or nil.
    /// Walks what kill switches have left over, and where there is any, all orders.
    func checkStopped() -> String? {
        var reached: Set<UInt32> = []
        for position in 0..<backlogCount {
            let place = backlogOrder[position]
            let work = backlog[place]
            guard work.reason == .killSwitch else { continue }
            var slot = nextOrder(ofWorkAt: place)
            var session = work.session
            while true {
                while slot != 0 {
                    if isMeant(slot, by: work) { reached.insert(slot) }
                    slot = entered(after: slot)
                }
                guard work.isOfAllSessions, session < limits.sessionCapacity else { break }
                session += 1
                slot = entered(after: limits.orderCapacity + session)
            }
        }
        for session in 1...limits.sessionCapacity {
            var slot = entered(after: limits.orderCapacity + session)
            while slot != 0 {
                let node = orders[slot]
                guard
                    !isKilled(session: session, account: node.account) || reached.contains(slot)
                else { return "order \(node.orderID) of session \(session), which is stopped" }
                slot = entered(after: slot)
            }
        }
        return nil
    }

    /// What is broken in the queue or its marks, or nil.
    func checkBacklog() -> String? {
        var places: Set<UInt32> = []
        for position in 0..<UInt32(backlog.count) { places.insert(backlogOrder[position]) }
        guard places.count == backlog.count, backlogCount <= UInt32(backlog.count) else {
            return "the places of the queue are not one each"
        }
        var massCancels: Set<UInt32> = []
        var ends: Set<UInt32> = []
        for position in 0..<backlogCount {
            let place = backlogOrder[position]
            let work = backlog[place]
            let next = nextOrder(ofWorkAt: place)
            guard next == 0 || orders[next].session == work.session else {
                return "what goes on in session \(work.session) is marked in another"
            }
            if work.closingKind == .massCancelDone, !massCancels.insert(work.session).inserted {
                return "two mass cancels of session \(work.session) go on"
            }
            if work.endsSession, !ends.insert(work.session).inserted {
                return "session \(work.session) ends twice"
            }
        }
        return checkStopped()
    }
}
