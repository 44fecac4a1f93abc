// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import OrderEntryClient
internal import Platform
internal import Wire

/// The public report stream, with its gaps found.
struct Subscribe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Join the public report stream, print or count it, and find gaps.",
        discussion: """
            The stream is UDP multicast and numbered without gaps. What is missing is told on the \
            error stream with its first number and its length; the exit code is 1 if anything was.

            EXAMPLES
              needletail subscribe --group 239.77.0.1:7100 --interface veth1
              needletail subscribe --group 239.77.0.1:7100 --json --limit 100
              needletail subscribe --group 239.77.0.1:7100 --count --seconds 10
            """)

    @Option(help: ArgumentHelp("The multicast group.", valueName: "address:port"))
    var group = SocketAddress(address: 0xEF4D_0001, port: 7_100)

    @Option(help: "The interface to join on; the kernel chooses otherwise.")
    var interface: String?

    @Option(help: "Only this shard; whatever comes to the port otherwise.")
    var shard: UInt32?

    @Flag(help: "Print each report as one line of JSON.")
    var json = false

    @Flag(help: "Print only a summary at the end.")
    var count = false

    @Option(help: "Stop after this many reports.")
    var limit: UInt64?

    @Option(help: "Stop after this many seconds.")
    var seconds: Double?

    func validate() throws {
        guard group.isMulticast else {
            throw ValidationError("--group \(group): a group is in 224.0.0.0…239.255.255.255.")
        }
        if let seconds, !(0...1e9).contains(seconds) {
            throw ValidationError("--seconds \(seconds): from 0 to 1,000,000,000.")
        }
        if json && count { throw ValidationError("--json and --count exclude each other.") }
    }

    func run() throws {
        var socket: UDPSocket
        do throws(ClientError) {
            socket = try UDPSocket.joined(to: group, interface: interface)
        } catch { throw failure(error, Exit.unavailable) }
        Interrupt.install()
        var stream = PublicStream(shard: shard)
        var progress = ProgressLine()
        let started = MonotonicClock.nowNanos()
        let end = seconds.map { started + UInt64($0 * 1e9) } ?? .max
        while !Interrupt.isRequested, MonotonicClock.nowNanos() < end,
            stream.delivered < limit ?? .max
        {
            socket.wait(timeoutNanos: 50_000_000)
            for index in 0..<socket.receiveBatch() {
                stream.receive(socket.received(index), onGap: Self.tell) { sequence, report in
                    if !count { Self.show(sequence, report, isJSON: json) }
                }
            }
            fflush(nil)
            if count { progress.show("\(stream.delivered) reports, \(stream.lost) lost") }
        }
        progress.clear()
        let summary =
            "\(stream.delivered) reports · lost \(stream.lost) in \(stream.gaps) gaps · "
            + "duplicated \(stream.duplicated) · next \(stream.nextSequence)"
        if json { StandardError.write(summary + "\n") } else { print(summary) }
        if stream.lost > 0 { throw Exit.mismatch }
    }

    private static func tell(first: UInt64, count: UInt64) {
        StandardError.write("gap: \(count) reports missing from \(first)\n")
    }

    private static func show(_ sequence: UInt64, _ report: PublicReport, isJSON: Bool) {
        let side = report.side == .buy ? "buy" : "sell"
        if isJSON {
            print(
                "{\"sequence\":\(sequence),\"kind\":\"\(report.kind.text)\",\"side\":\"\(side)\","
                    + "\"instrument\":\(report.instrument),"
                    + "\"commandSequence\":\(report.commandSequence),"
                    + "\"reference\":\(report.reference),"
                    + "\"aggressorReference\":\(report.aggressorReference),"
                    + "\"priceTicks\":\(report.priceTicks),"
                    + "\"quantityLots\":\(report.quantityLots),"
                    + "\"timestampNanos\":\(report.timestampNanos),"
                    + "\"tradeIndex\":\(report.tradeIndex)}")
        } else {
            // Of a trade that is void it is the trade's id.
            let index = report.kind == .busted ? "-\(report.tradeIndex)" : ""
            print(
                "\(sequence)  \(report.kind.text)  \(side)  instrument \(report.instrument)  "
                    + "#\(report.reference)\(index)  \(report.quantityLots) @ "
                    + "\(report.priceTicks)")
        }
    }
}

/// Ctrl-C ends a command in order, with its summary.
enum Interrupt {
    /// SAFETY: written by the signal handler and read by the main thread; one aligned word.
    nonisolated(unsafe) private static var flag: Int32 = 0

    static var isRequested: Bool { unsafe flag != 0 }

    static func install() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in unsafe Interrupt.flag = 1 }
        }
    }
}
