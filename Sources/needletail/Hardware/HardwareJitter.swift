// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import Hardware
internal import OrderEntryClient
internal import Platform

struct HardwareJitter: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jitter",
        abstract: "Spin on cores and show what was stolen from them, and by whom.",
        discussion: """
            A thread on each core reads the cycle counter again and again; where two readings \
            are further apart than --threshold-nanos, something else ran there. Beside it stands \
            what the kernel counted on that core meanwhile: interrupts, softirqs, the scheduler, \
            and the host below a virtual machine. Ctrl-C ends it early with the report so far. \
            Nobody else should measure or trade on these cores meanwhile.

            A profile gives the cores that poll, and its `qualify.jitterMicrosMax` the limit.

            EXAMPLES
              needletail hw jitter --cpus 2-3 --seconds 60
              needletail hw jitter --cpus 2,3 --max-micros 10 && echo fit for trading

            EXIT CODES
              0   measured
              1   an interruption was longer than --max-micros
              64  the command line is wrong
              69  a core may not be used
              78  the profile is wrong
            """)

    @Argument(help: "A profile (hw/profiles): its polling cores are watched.")
    var profile: String?

    @Option(help: "Cores to spin on, as 2,3 or 2-5; default: the profile's, or all but the first.")
    var cpus: String?

    @Option(help: "How long.")
    var seconds = 10.0

    @Option(help: "The shortest gap that counts, in nanoseconds.")
    var thresholdNanos: UInt64 = 1_000

    @Option(help: "Exit with 1 when an interruption was longer than so many microseconds.")
    var maxMicros: UInt64?

    @Flag(help: "JSON with stable keys.")
    var json = false

    func validate() throws {
        guard seconds > 0, seconds <= 86_400 else {
            throw ValidationError("--seconds is above 0 and at most a day")
        }
        guard (100...1_000_000_000).contains(thresholdNanos) else {
            throw ValidationError("--threshold-nanos is from 100 to a second")
        }
        guard (0...60_000_000).contains(maxMicros ?? 0) else {
            throw ValidationError("--max-micros is at most a minute")
        }
        _ = try namedCores()
    }

    func run() throws {
        let host = try profile.map(HostProfile.read)
        let chosen = try cores(host)
        let maxMicros = maxMicros ?? host?.qualify.jitterMicrosMax
        let stop = StopSignal()
        let run: JitterRun
        do {
            run = try JitterRun(cpus: chosen, seconds: seconds, thresholdNanos: thresholdNanos)
        } catch {
            StandardError.write("needletail: \(error)\n")
            throw Exit.unavailable
        }
        var progress = ProgressLine()
        let start = MonotonicClock.nowNanos()
        while true {
            let elapsed = Double(MonotonicClock.nowNanos() &- start) / 1e9
            if elapsed >= seconds || stop.wait(milliseconds: 100) { break }
            let longest = run.longestSoFar
            progress.show(
                "\(Int(elapsed)) of \(Int(seconds)) s, longest so far "
                    + "\(Figure.duration(longest.nanos)) on cpu \(longest.cpu)")
        }
        let report = run.finish()
        progress.clear()
        print(json ? report.json : report.text, terminator: "")
        if let maxMicros, report.worstNanos > maxMicros * 1_000 {
            StandardError.write(
                "needletail: an interruption of \(Figure.duration(report.worstNanos)) is longer "
                    + "than the \(maxMicros) µs that are allowed.\n")
            throw Exit.mismatch
        }
    }

    /// Those that are asked for, or the profile's, or all but the first, where the machine's own
    /// work is.
    private func cores(_ host: HardwareProfile?) throws -> [Int] {
        guard let named = try namedCores() else {
            let allowed = Affinity.allowedCPUs()
            if let polling = host?.cpus.polling, !polling.isEmpty { return polling }
            return allowed.count > 1 ? Array(allowed.dropFirst()) : allowed
        }
        return named
    }

    private func namedCores() throws -> [Int]? {
        guard let cpus else { return nil }
        guard let chosen = CPUList.numbers(cpus) else {
            throw ValidationError("--cpus \(cpus): numbers and ranges are wanted, as in 2,3 or 2-5")
        }
        return chosen
    }
}
