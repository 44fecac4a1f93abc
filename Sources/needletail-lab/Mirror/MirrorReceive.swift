// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CommandLog
import Foundation
import OrderEntryClient
import Platform
import RDMAReplica

/// `needletail-lab mirror-receive`: the other end of a gateway's mirror, without an engine.
struct MirrorReceive: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mirror-receive",
        abstract: "Take a gateway's log into memory, by RDMA or TCP, and validate each record.",
        discussion: """
            Waits for `bench mirror`, and for the mirror of `hw qualify --peer`. Prints a line \
            when one begins, one each second while records come, and one when it ends: records, \
            bytes, the last sequence, the CRC of that record, and whether the chain is whole. \
            Keeps nothing.

            EXIT CODES
              0   every chain was whole
              1   a chain was not whole at its end, or grew behind a fence
              64  the command line is wrong
              69  nobody came
              74  the address or the memory could not be had
            """)

    @Option(
        help: ArgumentHelp("Address here, of an RDMA link for RDMA.", valueName: "address:port"))
    var listen: SocketAddress

    @OptionGroup var link: MirrorLinkOptions

    @Option(help: "End after so many seconds; 0 = when the mirrors have ended.")
    var seconds = 0.0

    @Option(help: "How many mirrors to take; it ends when they have.")
    var mirrors = 1

    func validate() throws {
        guard listen.port > 0 else { throw ValidationError("--listen: a port from 1 on.") }
        guard mirrors > 0, (0...1e6).contains(seconds) else {
            throw ValidationError("--mirrors: at least one; --seconds: zero or more.")
        }
    }

    func run() throws {
        let clock = CycleClock.calibrated()
        let listener: MirrorListener
        do {
            listener = try MirrorListener(
                address: listen.address, port: listen.port, transport: link.transport,
                key: try link.key(), clock: clock)
        } catch {
            StandardError.write("\(error)\n")
            throw ExitCode(74)
        }
        say("listening on \(listen): \(listener.description)")
        let receivers = receive(listener, clock)
        if receivers.isEmpty {
            StandardError.write(
                "no mirror came; start `needletail-lab bench mirror --peer \(listen)`\n")
            throw ExitCode(69)
        }
        for receiver in receivers where receiver.ended == nil { conclude(receiver) }
        let isWrong = receivers.contains { receiver in
            receiver.finalStanding() != .whole
                || receiver.fenced.map { $0.lastSequence != receiver.chain.lastSequence } ?? false
        }
        if isWrong { throw ExitCode(1) }
    }

    /// Over RDMA, polls without even a pause, as the measuring side does.
    private static let barePollsMax = 100_000

    /// Polls all mirrors until they have ended or the time is over.
    private func receive(_ listener: MirrorListener, _ clock: CycleClock) -> [MirrorReceiver] {
        var receivers: [MirrorReceiver] = []
        var running: [MirrorReceiver] = []
        // As the measuring side does.
        var idle = IdleStrategy(spins: 1_000, sleepNanosMax: 2_000)
        let start = clock.nowCycles
        var progressNanos: UInt64 = 0
        var told: [UInt64] = []
        var barePolls = 0
        while receivers.count < mirrors || !running.isEmpty {
            let nanos = clock.nanos(clock.nowCycles &- start)
            if seconds > 0, Double(nanos) > seconds * 1e9 { break }
            if receivers.count < mirrors,
                let receiver = take(listener, running.isEmpty ? 100 : 0, clock)
            {
                receivers.append(receiver)
                running.append(receiver)
            }
            var hasWorked = false
            for receiver in running {
                hasWorked = receiver.poll() || hasWorked
                // Keeps nothing: all that is valid is taken, and the primary hears of it at once.
                if receiver.take(into: { _, _ in true }) > 0 {
                    hasWorked = true
                    _ = receiver.poll()
                }
            }
            for receiver in running where receiver.ended != nil { conclude(receiver) }
            running.removeAll { $0.ended != nil }
            if nanos > progressNanos {
                progressNanos = nanos + 1_000_000_000
                tellProgress(receivers, &told)
            }
            barePolls = hasWorked || running.contains { $0.transport == .tcp } ? 0 : barePolls + 1
            guard barePolls == 0 || barePolls > Self.barePollsMax else { continue }
            if !running.isEmpty { idle.idle(worked: hasWorked) }
        }
        return receivers
    }

    /// A line for each mirror that has moved since the last time.
    private func tellProgress(_ receivers: [MirrorReceiver], _ told: inout [UInt64]) {
        for (index, receiver) in receivers.enumerated() {
            if told.count == index { told.append(0) }
            guard receiver.recordCount != told[index], receiver.ended == nil else { continue }
            told[index] = receiver.recordCount
            say("mirror of shard \(receiver.shard): \(told[index]) records so far")
        }
    }

    private func take(
        _ listener: MirrorListener, _ timeoutMillis: UInt32, _ clock: CycleClock
    ) -> MirrorReceiver? {
        do {
            guard let request = try listener.next(timeoutMillis: timeoutMillis) else { return nil }
            let receiver = try request.accept(clock: clock)
            say(
                "mirror of shard \(receiver.shard): \(receiver.description), ring of "
                    + "\(receiver.capacity) records on \(receiver.pageSize.rawValue) pages, from "
                    + "sequence \(receiver.firstSequence) on")
            return receiver
        } catch {
            StandardError.write("\(error)\n")
            return nil
        }
    }

    private func conclude(_ receiver: MirrorReceiver) {
        let standing = receiver.finalStanding()
        let chain = receiver.chain
        if let fenced = receiver.fenced {
            say(
                "fenced by \(fenced.method) in \(fenced.nanos / 1_000) µs behind sequence "
                    + "\(fenced.lastSequence), records after it: "
                    + "\(chain.lastSequence - fenced.lastSequence)")
        }
        say(
            "mirror of shard \(receiver.shard): \(receiver.recordCount) records, "
                + "\(receiver.recordCount * 64) bytes, last sequence \(chain.lastSequence), crc "
                + String(format: "%08x", chain.crc32c) + ", chain \(standing)"
                + (receiver.ended.map { "; \($0)" } ?? ""))
    }

    /// A line at once, also into a pipe.
    private func say(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }
}
