// SPDX-License-Identifier: Apache-2.0
import Glibc
import Histogram
import OrderEntryClient
import Platform

/// The summary of a load: for people, as JSON, and as a picture.
struct LoadReport {
    private static let percentiles = [50.0, 90, 99, 99.9]

    private let options: LoadOptions
    private let quiet: LoadMeasured
    private let flooded: LoadMeasured?
    private let crowd: (text: String, isSound: Bool)?
    private let network: SessionCounters

    /// `flooded`: of the second stretch, whatever was beside it.
    init(
        _ options: LoadOptions, _ quiet: LoadMeasured, _ flooded: LoadMeasured?,
        _ crowd: (text: String, isSound: Bool)?, _ network: SessionCounters
    ) {
        self.crowd = crowd
        self.options = options
        self.quiet = quiet
        self.flooded = flooded
        self.network = network
    }

    private var stretches: [LoadMeasured] { [quiet] + (flooded.map { [$0] } ?? []) }

    /// Whether each report came once and in order, and each message was answered.
    var isSound: Bool {
        crowd?.isSound ?? true
            && stretches.allSatisfy {
                $0.counts.lost + $0.counts.duplicated + $0.counts.outOfOrder + $0.unanswered == 0
            }
    }

    /// To the standard output.
    func print() {
        let mode = options.pingPong ? "ping-pong" : "open loop at \(options.rate)/s"
        Swift.print("\(mode), \(options.sessions) sessions, seed \(options.seed)")
        show(quiet)
        if let flooded {
            Swift.print(
                options.flood
                    ? "beside a session that sends at ten times its limit"
                    : "while one more session cancels \(options.massCancel ?? 0) orders at once")
            show(flooded)
            let before = quiet.counts.latency.valueAtPercentile(99)
            let after = flooded.counts.latency.valueAtPercentile(99)
            Swift.print(
                (options.flood ? "flood       " : "beside it   ")
                    + "p99 \(micros(before)) -> \(micros(after)) µs "
                    + "(× \((Double(after) / Double(max(before, 1))).text(2))) · "
                    + "throttled among the others \(flooded.counts.throttled)")
        }
        if let crowd { Swift.print(crowd.text) }
        Swift.print(
            "network     \(network.messagesResent) messages resent · \(network.gapReports) gap "
                + "reports · \(network.resendRequests) resend requests · "
                + "\(network.reportsDuplicated) duplicates dropped")
        for line in stretches.flatMap(\.complaints) { Swift.print("            \(line)") }
        let lost = stretches.map(\.counts.lost).reduce(0, +)
        let duplicated = stretches.map(\.counts.duplicated).reduce(0, +)
        let outOfOrder = stretches.map(\.counts.outOfOrder).reduce(0, +)
        let unanswered = stretches.map(\.unanswered).reduce(0, +)
        Swift.print(
            "lost \(lost) · duplicated \(duplicated) · out of order \(outOfOrder)"
                + (unanswered > 0 ? " · \(unanswered) messages without an answer" : ""))
    }

    private func micros(_ nanos: UInt64) -> String { (Double(nanos) / 1_000).text(1) }

    private func show(_ measured: LoadMeasured) {
        let counts = measured.counts
        let rate = Double(counts.answers) / measured.seconds
        Swift.print(
            "orders      \(counts.messages) · fills \(counts.fills) · rejects \(counts.rejects) · "
                + "late cancels \(counts.lateCancels) · expired \(counts.expired) · "
                + "throttled \(counts.throttled) · \(rate.text(0))/s")
        let values = Self.percentiles.map {
            "p\($0 == $0.rounded() ? $0.text(0) : $0.text(1)) "
                + micros(counts.latency.valueAtPercentile($0))
        }
        let longest = micros(counts.latency.valueAtPercentile(100))
        Swift.print(
            "silence     longest time without a report "
                + "\((Double(counts.silenceNanosMax) / 1e6).text(1)) ms")
        Swift.print("round trip  \(values.joined(separator: " · ")) · max \(longest) µs")
    }

    /// The files asked for.
    func write() throws(ClientError) {
        if let path = options.json { try Self.write(jsonText, to: path) }
        if let path = options.histogram {
            var series = [HistogramSVG.Series("round trip", quiet.counts.latency)]
            let beside = options.flood ? "beside a flood" : "beside a mass cancel"
            if let flooded { series.append(.init(beside, flooded.counts.latency)) }
            try Self.write(HistogramSVG(series: series).text, to: path)
        }
    }

    /// SAFETY: the file is open until it is closed here, and the bytes are the string's own.
    static func write(_ text: String, to path: String) throws(ClientError) {
        guard let file = unsafe fopen(path, "w") else {
            throw ClientError("\(path): cannot be written (errno \(errno))")
        }
        unsafe fputs(text, file)
        unsafe fclose(file)
    }

    private var jsonText: String {
        var text = "{\"sessions\":\(options.sessions),\"rate\":\(options.rate),"
        text += "\"pingPong\":\(options.pingPong),\"seed\":\(options.seed),"
        text += "\"sound\":\(isSound),\"quiet\":\(json(quiet))"
        let beside = options.flood ? "flooded" : "massCancel"
        if let flooded { text += ",\"\(beside)\":\(json(flooded))" }
        text += ",\"messagesResent\":\(network.messagesResent)"
        text += ",\"resendRequests\":\(network.resendRequests)"
        text += ",\"gapReports\":\(network.gapReports)}\n"
        return text
    }

    private func json(_ measured: LoadMeasured) -> String {
        let counts = measured.counts
        let latency = (Self.percentiles + [100]).map {
            "\"\($0 == 100 ? "max" : "p" + $0.text($0 == $0.rounded() ? 0 : 1))\":"
                + "\(counts.latency.valueAtPercentile($0))"
        }
        return "{\"orders\":\(counts.messages),\"answers\":\(counts.answers),"
            + "\"fills\":\(counts.fills),\"rejects\":\(counts.rejects),"
            + "\"lateCancels\":\(counts.lateCancels),\"expired\":\(counts.expired),"
            + "\"throttled\":\(counts.throttled),"
            + "\"lost\":\(counts.lost),\"duplicated\":\(counts.duplicated),"
            + "\"outOfOrder\":\(counts.outOfOrder),\"unanswered\":\(measured.unanswered),"
            + "\"silenceNanosMax\":\(counts.silenceNanosMax),"
            + "\"seconds\":\(measured.seconds.text(3)),"
            + "\"latencyNanos\":{\(latency.joined(separator: ","))}}"
    }
}
