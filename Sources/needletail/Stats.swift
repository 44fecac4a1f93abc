// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Platform

/// `needletail stats`: what running gateways have counted, once.
struct Stats: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what the gateways of this host have counted since their start.",
        discussion: """
            Reads their counters files, read-only and without disturbing them. `top` shows the \
            same live. docs/operations/observing.md says what the numbers mean.

            EXAMPLES
              needletail stats
              needletail stats --gateway 10.77.0.2:7000
              needletail stats --json | jq '.shards[].stages.match.p99Nanos'

            EXIT CODES
              0   shown
              64  the command line is wrong
              66  a counters file cannot be read
              69  no such gateway is running here
            """)

    @OptionGroup var source: StatsSource

    @Flag(help: "One JSON object a gateway, each on a line.")
    var json = false

    func run() throws {
        let views: [CountersView]
        do throws(StatsError) {
            views = try source.open()
        } catch {
            StandardError.write("needletail: \(error)\n")
            throw source.file == nil ? Exit.unavailable : Exit.badInput
        }
        do throws(CountersError) {
            for (index, view) in views.enumerated() {
                if json {
                    print(try StatsJSON.text(view))
                    continue
                }
                if index > 0 { print() }
                for line in try StatsReport(view).lines { print(line) }
            }
        } catch {
            StandardError.write("needletail: \(error)\n")
            throw Exit.badInput
        }
    }
}
