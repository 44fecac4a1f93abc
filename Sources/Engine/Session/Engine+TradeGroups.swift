// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Since rules 3: accounts that belong together, as those of one firm. Self-trade prevention acts
// between orders of one account, and of one group. Which group an account is in is looked up when
// two orders meet and prevention is asked for: so nothing is kept with an order, and a change
// counts from the next command on, for orders that rest too. While any account is in a group, who
// asks for prevention goes the long way round; nobody else pays anything.

/// An account and the group that it is in.
struct TradeGroupMember: BitwiseCopyable {
    var account: UInt32 = 0
    var group: UInt32 = 0  // above 0
}

extension Engine {
    /// Accounts that may be in groups at a time: 16,384, or as many as orders may be open if that
    /// is less.
    static func tradeGroupCapacity(_ limits: EngineLimits) -> UInt32 {
        min(limits.orderCapacity, 16_384)
    }

    /// Refused: before rules 3 (`unsupported`); a group above 2^32-1, anything else in the record,
    /// and one account more than the table holds (`invalidControl`). To say what is so already is
    /// answered like any other.
    @inline(never)
    mutating func setTradeGroup(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        guard rulesVersion >= 3 else { return rejectControl(.unsupported, into: &outbox) }
        guard let group = record.tradeGroup, setTradeGroup(of: record.account, to: group) else {
            return rejectControl(.invalidControl, into: &outbox)
        }
        emit(
            Event(
                kind: .controlApplied, attributes: closing, account: record.account,
                quantityLots: UInt64(group)), into: &outbox)
        return true
    }

    /// Whether prevention acts between the orders of two accounts.
    @inline(never)
    func areOne(_ account: UInt32, _ other: UInt32) -> Bool {
        guard account != other, tradeGroupCount != 0 else { return account == other }
        let group = tradeGroup(of: account)
        return group != 0 && group == tradeGroup(of: other)
    }

    /// The group that an account is in, or 0.
    public func tradeGroup(of account: UInt32) -> UInt32 {
        let position = groupPosition(account)
        return position < tradeGroupCount && tradeGroups[position].account == account
            ? tradeGroups[position].group : 0
    }

    /// Puts an account into a group, or with 0 out of its own. False when the table is full.
    mutating func setTradeGroup(of account: UInt32, to group: UInt32) -> Bool {
        let position = groupPosition(account)
        let isThere = position < tradeGroupCount && tradeGroups[position].account == account
        if isThere, group != 0 {
            tradeGroups[position].group = group
        } else if isThere {
            tradeGroups.remove(at: position, count: &tradeGroupCount)
        } else if group != 0 {
            guard tradeGroupCount < UInt32(tradeGroups.count) else { return false }
            tradeGroups.insert(
                TradeGroupMember(account: account, group: group), at: position,
                count: &tradeGroupCount)
        }
        unusualFlags = tradeGroupCount == 0 ? ~RecordFlags.selfTradePreventionMask : ~0
        return true
    }

    /// Where an account stands in the table, which ascends, or where it would.
    private func groupPosition(_ account: UInt32) -> UInt32 {
        tradeGroups.position(in: 0..<tradeGroupCount) { $0.account < account }
    }

    /// What is broken in the table, or nil.
    func checkTradeGroups() -> String? {
        for position in 0..<tradeGroupCount {
            let isBehind =
                position == 0
                || tradeGroups[position &- 1].account < tradeGroups[position].account
            guard isBehind, tradeGroups[position].group != 0 else {
                return "the accounts in trade groups do not ascend at \(position)"
            }
        }
        guard unusualFlags == (tradeGroupCount == 0 ? ~RecordFlags.selfTradePreventionMask : ~0)
        else { return "\(tradeGroupCount) accounts are in groups, and prevention is usual" }
        return nil
    }

    /// A page of the table, for operators: rows are numbered from 1.
    func list(from first: UInt32, into page: inout EnginePage<TradeGroupRow>) {
        page.empty()
        var row = max(first, 1)
        while row <= tradeGroupCount, page.count < EngineAnswer.rowsMax {
            let member = tradeGroups[row &- 1]
            page.append(TradeGroupRow(account: member.account, group: member.group))
            row &+= 1
        }
        page.next = row <= tradeGroupCount ? row : 0
    }
}
