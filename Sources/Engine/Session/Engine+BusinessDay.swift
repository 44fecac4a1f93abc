// SPDX-License-Identifier: Apache-2.0
internal import Wire

// Since rules 3: the business day ends, and another begins. The new day is in force at once, and
// what comes in behind it is of the new day; what was entered before, for the day only, is
// cancelled, in as many steps as any command may take and the rest behind later commands. Orders
// good till cancel or till time stay where they are.
extension Engine {
    /// Refused: before rules 3 (`unsupported`); a day that is not later than the present one, or
    /// beyond the last that there is, and any flag (`invalidControl`): so a day begins once,
    /// whoever writes it.
    @inline(never)
    mutating func rollBusinessDay(_ record: LogRecord, into outbox: inout EventOutbox) -> Bool {
        guard rulesVersion >= 3 else { return rejectControl(.unsupported, into: &outbox) }
        guard let day = record.businessDay, day > businessDay, record.flags == 0 else {
            return rejectControl(.invalidControl, into: &outbox)
        }
        emit(
            Event(
                kind: .businessDayRolled, quantityLots: UInt64(day.rawValue),
                leavesLots: UInt64(businessDay.rawValue)), into: &outbox)
        businessDay = day
        dayBeganSequence = record.sequence
        bustCount = 0
        return begin(
            CancelWork(
                reference: record.sequence, session: 1, flags: CancelWork.ofDay,
                reason: .dayEnded, answerReason: .dayEnded, closingKind: .controlApplied),
            into: &outbox)
    }
}
