// SPDX-License-Identifier: Apache-2.0
internal import Hardware
internal import NICGateway
internal import Platform

/// What became of the frames that were sent at one rate.
struct TrafficStep: Equatable {
    /// The rate that was asked for, frames a second; nil = as fast as it goes.
    var offeredPerSecond: UInt64?
    /// The rate that the generator reached.
    var sentPerSecond: UInt64
    /// Frames sent.
    var sent: UInt64
    /// Frames that were decoded.
    var received: UInt64
    /// Lost because the core was late (`imissed`).
    var missed: UInt64
    /// Lost for want of packet buffers (`nombuf`).
    var noBuffer: UInt64
    /// Damaged.
    var errors: UInt64
    /// From the last frame sent to the last one received, in nanoseconds.
    var backlogNanos: UInt64

    /// Frames that did not arrive.
    var lost: UInt64 { sent - min(sent, received) }
    /// Of them those that no counter of the card owns up to: lost on the wire, or before it.
    var elsewhere: UInt64 { lost - min(lost, missed + noBuffer + errors) }
    /// Whether the generator came near to the rate that it was asked for.
    var isReached: Bool { offeredPerSecond.map { sentPerSecond >= $0 - $0 / 10 } ?? false }
}

/// Which rate comes next: twice as much until frames are lost or the generator cannot go on, then
/// halfway between what went well and what did not.
struct RateSearch {
    static let firstPerSecond: UInt64 = 50_000
    static let halvings = 3
    private var highestGood: UInt64 = 0
    private var lowestBad: UInt64?
    private var halvingsLeft = halvings
    private var isAtEnd = false

    /// Nil when it is known well enough.
    var nextPerSecond: UInt64? {
        guard !isAtEnd else { return nil }
        guard let lowestBad else { return max(Self.firstPerSecond, 2 * highestGood) }
        // Below the first rate nothing is looked for but whether anything goes at all.
        guard halvingsLeft > 0 else { return nil }
        return highestGood + (lowestBad - highestGood) / 2
    }

    mutating func learn(_ step: TrafficStep) {
        guard let offered = step.offeredPerSecond else { return }
        if lowestBad != nil { halvingsLeft -= 1 }
        if step.lost > 0 {
            lowestBad = min(lowestBad ?? .max, offered)
        } else {
            highestGood = max(highestGood, offered)
            if !step.isReached { isAtEnd = true }
        }
    }
}

extension [TrafficStep] {
    /// The highest rate at which nothing was lost, frames a second; 0 when there was none.
    var highestWithoutLoss: UInt64 { filter { $0.lost == 0 }.map(\.sentPerSecond).max() ?? 0 }

    /// A row for each rate.
    var table: String {
        let head = [
            "offered/s", "sent/s", "sent", "received", "lost", "imissed", "nombuf", "errors",
            "elsewhere",
        ]
        let rows = map { step in
            [step.offeredPerSecond.map(Figure.count) ?? "all at once"]
                + [
                    step.sentPerSecond, step.sent, step.received, step.lost, step.missed,
                    step.noBuffer, step.errors, step.elsewhere,
                ].map(Figure.count)
        }
        let widths = head.indices.map { column in
            ([head] + rows).map { $0[column].count }.max() ?? 0
        }
        return ([head] + rows).map { row in
            "  "
                + row.enumerated().map { Figure.padded(left: $1, widths[$0]) }
                .joined(separator: "  ") + "\n"
        }.joined()
    }

    var value: JSONValue {
        .list(
            map { step in
                let numbers: [(String, UInt64)] = [
                    ("sentPerSecond", step.sentPerSecond), ("sent", step.sent),
                    ("received", step.received), ("lost", step.lost), ("missed", step.missed),
                    ("noBuffer", step.noBuffer), ("errors", step.errors),
                    ("elsewhere", step.elsewhere), ("backlogNanos", step.backlogNanos),
                ]
                let offered = JSONValue(step.offeredPerSecond.map { Int(clamping: $0) })
                return .object(
                    [("offeredPerSecond", offered)]
                        + numbers.map { ($0.0, .number(Int(clamping: $0.1))) })
            })
    }
}
