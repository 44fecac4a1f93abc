// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Hardware
import NICGateway
import OrderEntryClient
import Pipeline
import Platform
import Qualification

/// `needletail-lab bench receive`: what the gateway's receive path costs on a driver, up to the
/// decoded record.
struct ReceiveBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receive",
        abstract: "Frames from a driver to decoded records: receive, headers, session, decode.",
        discussion: """
            The same intake as a gateway's, without sequencing: no record goes into a log. Counts \
            the time of polls that found frames, as dpdk-testpmd --record-core-cycles does, so \
            that both can be held against each other (hw/scripts/bench-testpmd). The frames come \
            from `needletail-lab bench send`, or from a capture that it wrote.

            EXAMPLES
              needletail-lab bench receive --port pcap:/tmp/orders.pcap?loop --cpu 1
              needletail-lab bench receive --port af_xdp:eth1 --cpu 1 --seconds 5
            """)

    @Option(help: "Port to receive from.")
    var port: String
    @Option(help: "Our IPv4 address.")
    var address = "10.77.0.2"
    @Option(help: "How long.")
    var seconds = 3.0
    @Option(help: "Processor that polls.")
    var cpu: Int?
    @Option(help: "Huge pages for packets, MB; 0 = do without.")
    var packetMemoryMB = 0
    @Option(help: "Packet buffers.")
    var packetBuffers = 16_384

    func run() throws {
        guard let ipv4Address = IPv4Text.parse(Substring(address)) else {
            throw ValidationError("--address \(address): an IPv4 address is wanted")
        }
        var configuration = Configuration()
        configuration.ipv4Address = ipv4Address
        configuration.host.port = port
        configuration.host.packetMemoryMB = packetMemoryMB
        configuration.host.packetBuffers = packetBuffers
        var notes: [String] = []
        let opened = try GatewayPort.open(configuration, notes: &notes)
        defer {
            opened.close()
            EAL.stop()
        }
        let traffic = ProbeTraffic(
            to: ipv4Address, udpPort: configuration.udpPort, macAddress: opened.macAddress)
        let probe = try ReceiveProbe(
            opened, configuration.gateway(shard: 0), traffic, cpu: cpu, isBusy: true,
            clock: .calibrated())
        StandardError.write("receiving\n")
        usleep(UInt32(seconds * 1e6))
        let nanos = probe.finish()
        let frames = probe.counters[.framesReceived]
        let each = Double(nanos) / Double(max(frames, 1))
        print(
            "\(frames) frames, \(probe.counters[.commands]) orders decoded, "
                + "\(each.text(1)) ns a frame")
        let others = probe.counters.nonZero.filter {
            !["framesReceived", "datagramsTaken", "commands"].contains($0.name)
        }
        for (name, count) in others { print("  \(name) \(count)") }
        guard probe.received > 0 else {
            throw ExitCode(1)
        }
    }
}

/// `needletail-lab bench send`: frames with orders for `bench receive`.
struct SendBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "send",
        abstract: "Frames with orders, from a port or into a capture, for `bench receive`.",
        discussion: """
            Datagrams of 1,000 sessions, one order each, the same ones again and again. They go to \
            the Ethernet address that a gateway with that IPv4 address has.

            EXAMPLES
              needletail-lab bench send --capture /tmp/orders.pcap
              needletail-lab bench send --port af_packet:eth2 --rate 500000 --seconds 5
            """)

    @Option(help: "Port to send from.")
    var port: String?
    @Option(help: "Capture to write instead.")
    var capture: String?
    @Option(help: "The gateway's IPv4 address.")
    var address = "10.77.0.2"
    @Option(help: "Frames a second; 0 = as fast as it goes.")
    var rate: UInt64 = 0
    @Option(help: "How long.")
    var seconds = 5.0
    @Option(help: "Processor that sends.")
    var cpu: Int?
    @Option(help: "Frames before they are sent again.")
    var frames = 1_024

    func validate() throws {
        guard (port == nil) != (capture == nil), frames > 0, seconds > 0 else {
            throw ValidationError(
                "either --port or --capture; --frames and --seconds are above 0")
        }
    }

    func run() throws {
        guard let ipv4Address = IPv4Text.parse(Substring(address)) else {
            throw ValidationError("--address \(address): an IPv4 address is wanted")
        }
        let traffic = ProbeTraffic(
            to: ipv4Address, udpPort: 7_000,
            macAddress: MACAddress(rawValue: 0x024E_0000_0000 | UInt64(ipv4Address)),
            count: frames)
        if let capture { return try CaptureFile.write(traffic.frames, to: capture) }
        var configuration = Configuration()
        configuration.host.port = port
        configuration.host.packetMemoryMB = 0
        configuration.host.packetBuffers = 4_096
        configuration.ipv4Address = UInt32(ProbeTraffic.source >> 16)
        var notes: [String] = []
        let opened = try GatewayPort.open(configuration, notes: &notes)
        defer {
            opened.close()
            EAL.stop()
        }
        let generator = try FrameGenerator(
            opened, traffic, count: .max, framesPerSecond: rate == 0 ? nil : rate, cpu: cpu,
            clock: .calibrated())
        usleep(UInt32(seconds * 1e6))
        let sent = generator.finish()
        print("\(sent.frames) frames sent, \(sent.perSecond) a second")
    }
}

/// The classic capture format: microseconds, Ethernet.
enum CaptureFile {
    static func write(_ frames: [[UInt8]], to path: String) throws {
        func little(_ words: [UInt32]) -> [UInt8] {
            words.flatMap { word in
                (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
            }
        }
        var bytes = little([0xA1B2_C3D4, 2 | 4 << 16, 0, 0, 65_535, 1])
        for frame in frames {
            bytes += little([0, 0, UInt32(frame.count), UInt32(frame.count)]) + frame
        }
        guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else {
            throw ValidationError("--capture \(path) cannot be written")
        }
    }
}
