// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Pipeline
import Wire

/// `needletail admin roll`.
struct AdminRoll: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roll",
        abstract: "End the business day, and begin another.",
        discussion: """
            On the primary, or on a gateway in no pair, whose calendar does so by itself if it has \
            one. It is a command in the log, with the number of the user who asks: from that \
            record on it is the new day, what is open for the day only is cancelled (`dayEnded`), \
            and what is good till cancel or till time stays. The answer comes when all of it is \
            committed. docs/operations/calendar.md says more.

            EXAMPLES
              needletail admin roll 2026-11-30 --config /etc/needletail/venue.yaml

            EXIT CODES
              0   it is the new day
              1   refused: a standby, rules before 3, or a date that is not later than the
                  business day
              64  the command line is wrong
              69  no such gateway is running here, this user may not ask it, or it did not
                  come about in time
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget
    @Argument(help: "The new business day: a date such as 2026-11-30.") var day: String

    func validate() throws {
        guard BusinessDay(day) != nil else {
            throw ValidationError("\(day): it takes a date such as 2026-11-30")
        }
    }

    func run() throws {
        guard let day = BusinessDay(day), let roll = try target.admin(.roll(day)).roll else {
            throw Exit.unavailable
        }
        print("business day \(roll.businessDay), \(roll.ordersCancelled) orders cancelled")
    }
}

/// `needletail admin calendar`.
struct AdminCalendar: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calendar",
        abstract: "Show what a running gateway does next by its calendar.",
        discussion: """
            Of a standby too, which does so once it speaks. Local times of the calendar's zone. \
            docs/operations/calendar.md says more.

            EXIT CODES
              0   shown
              1   it has no calendar
              69  no such gateway is running here, or this user may not ask it
              78  the configuration is wrong, or another pair's
            """)

    @OptionGroup var target: ClusterTarget

    func run() throws {
        for line in try target.admin(.calendar).calendar ?? [] { print(line) }
    }
}
