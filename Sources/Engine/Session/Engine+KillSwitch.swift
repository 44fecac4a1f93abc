// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Since rules 3: an operator stops a session or an account. What it has open is cancelled, and
// nothing new is entered for it until it is released. To release it does not keep what was open
// when it was stopped: that goes on being cancelled. A session that is stopped is marked in its
// flags, which every order looks at anyway; accounts that are stopped are in a table, and while
// there are any, every order goes the long way round.
extension Engine {
    /// Accounts that may be stopped at a time: 1,024, or as many as orders may be open if that is
    /// less.
    static func killedAccountCapacity(_ limits: EngineLimits) -> UInt32 {
        min(limits.orderCapacity, 1_024)
    }

    /// Refused: before rules 3, and an instrument (`unsupported`); a session that cannot be
    /// (`unknownSession`); another target or other flags, an account above 2^32-1, or one more than
    /// the table holds (`invalidControl`). To stop what is stopped or to release what is not is
    /// answered like any other.
    @inline(never)
    mutating func killSwitch(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        let target = record.killTarget
        guard rulesVersion >= 3, target != .instrument else {
            return rejectControl(.unsupported, into: &outbox)
        }
        guard target == .session || target == .account, record.flags & ~RecordFlags.stop == 0
        else { return rejectControl(.invalidControl, into: &outbox) }
        let stops = record.flags & RecordFlags.stop != 0
        let number = UInt32(truncatingIfNeeded: record.orderID)
        let isNumber = UInt64(number) == record.orderID
        var work = CancelWork(
            reference: record.sequence, session: number, reason: .killSwitch,
            answerReason: stops ? .killSwitch : .none, closingKind: .controlApplied)
        if target == .session {
            guard isNumber, number &- 1 < limits.sessionCapacity else {
                return rejectControl(.unknownSession, into: &outbox)
            }
            sessions[number].flags &= ~SessionState.killed
            if stops { sessions[number].flags |= SessionState.killed }
        } else {
            guard isNumber, setKilled(account: number, stops) else {
                return rejectControl(.invalidControl, into: &outbox)
            }
            work.session = 1
            work.account = number
            work.flags = CancelWork.byAccount | CancelWork.allSessions
        }
        if stops { return begin(work, into: &outbox) }
        answer(work, into: &outbox)
        return true
    }

    /// Whether no new order may be entered for them.
    @inline(__always)
    func isKilled(session: UInt32, account: UInt32) -> Bool {
        sessions[session].flags & SessionState.killed != 0
            || killedAccountCount != 0 && isKilled(account: account)
    }

    /// Whether an account is stopped: for tools, and for the long way round.
    public func isKilled(account: UInt32) -> Bool {
        let position = killedPosition(account)
        return position < killedAccountCount && killedAccounts[position] == account
    }

    /// Puts an account into the table, or takes it out. False when the table is full.
    mutating func setKilled(account: UInt32, _ stops: Bool) -> Bool {
        guard isKilled(account: account) != stops else { return true }
        guard !stops || killedAccountCount < UInt32(killedAccounts.count) else { return false }
        let position = killedPosition(account)
        if stops {
            killedAccounts.insert(account, at: position, count: &killedAccountCount)
        } else {
            killedAccounts.remove(at: position, count: &killedAccountCount)
        }
        setUsualOrdersMax()
        return true
    }

    /// Where an account stands in the table, which ascends, or where it would.
    private func killedPosition(_ account: UInt32) -> UInt32 {
        killedAccounts.position(in: 0..<killedAccountCount) { $0 < account }
    }

    /// What is broken in the table of stopped accounts, or nil.
    func checkKilled() -> String? {
        for position in 0..<killedAccountCount
        where position > 0 && killedAccounts[position &- 1] >= killedAccounts[position] {
            return "the stopped accounts do not ascend at \(position)"
        }
        return nil
    }
}
