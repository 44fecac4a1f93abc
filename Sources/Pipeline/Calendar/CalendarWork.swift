// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What is left to do by a calendar for one engine, look after look: a pure machine.
///
/// What the engine has not taken, such as a state while the instrument's auction still trades or
/// would trade outside of its price band, is passed over, so that no other instrument and no
/// business day waits for it; and tried again.
package struct CalendarWork: Sendable {
    /// An instrument that was defined meanwhile waits so long for its phase.
    private static let restSeconds: UInt64 = 10
    /// So long after it was refused a step is tried again.
    private static let retrySeconds: UInt64 = 1

    /// No look is needed before, UTC seconds.
    package private(set) var restsUntil: UInt64 = 0
    /// What was to be written last.
    private var asked: CalendarSchedule.Due?
    private var passedOver: Set<UInt32> = []

    package init() {}

    /// Whether it has looked before.
    package var hasBegun: Bool { restsUntil != 0 || asked != nil }

    /// What is to be written now, when all that was to be before is written and applied; nil when
    /// there is nothing until `restsUntil`.
    package mutating func next(
        at now: UInt64, _ done: CalendarSchedule.Done, by schedule: inout CalendarSchedule
    ) -> CalendarSchedule.Due? {
        var due = schedule.due(at: now, done, passingOver: passedOver)
        if let refused = due, refused == asked {
            passedOver.formUnion(refused.instruments)
            due = schedule.due(at: now, done, passingOver: passedOver)
        }
        guard let due, due != asked else {
            let next = schedule.upcoming(after: now, count: 1).first?.seconds ?? .max
            let hasAll = due == nil && passedOver.isEmpty
            restsUntil = hasAll ? min(next, now + Self.restSeconds) : now + Self.retrySeconds
            asked = nil
            passedOver = []
            return nil
        }
        asked = due
        return due
    }
}

extension CalendarSchedule.Due {
    /// Whose phases begin.
    var instruments: [UInt32] {
        steps.compactMap { step in
            if case .phase(let instrument, _) = step { instrument } else { nil }
        }
    }
}
