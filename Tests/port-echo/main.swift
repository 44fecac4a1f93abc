// SPDX-License-Identifier: Apache-2.0
//
//  The bare echo on any port, and what talks to it: the tests' other process (EAL starts once in
//  each), and the yardstick for what a driver can do without a gateway on top.
//
//      port-echo echo PORT SECONDS [--no-huge] [--queues N]   swaps addresses, sends back
//      port-echo send PORT COUNT [--no-huge]                  sends frames, counts echoes
//      port-echo receive PORT COUNT [--no-huge]               receives, counts, ends
//      port-echo ping ADDRESS UDP-PORT COUNT                  kernel socket, round trips
//      port-echo memory COUNT                                 cost of the memory port
import CDPDK
import Glibc
import NICGateway

struct Failure: Error, CustomStringConvertible {
    let description: String
}

func nanos() -> UInt64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

func say(_ text: String) {
    print(text)
    fflush(nil)
}

let arguments = CommandLine.arguments
func option(_ name: String) -> String? {
    guard let index = arguments.firstIndex(of: name) else { return nil }
    return index + 1 < arguments.count ? arguments[index + 1] : ""
}

func open(_ text: String) throws -> Port {
    let specification = try PortSpecification(text)
    if specification.needsEAL {
        var configuration = EALConfiguration()
        configuration.usesHugePages = option("--no-huge") == nil
        configuration.memoryMebibytes = 128
        configuration.isVerbose = option("--verbose") != nil
        configuration.filePrefix = "nt-\(getpid())"
        try EAL.start(configuration)
    }
    var configuration = PortConfiguration()
    configuration.receiveQueues = option("--queues").flatMap(UInt16.init) ?? 1
    configuration.transmitQueues = configuration.receiveQueues
    configuration.macAddress = option("--mac").flatMap(MACAddress.init)
    configuration.mbufCount = 16383
    let port = try Port.open(specification, configuration: configuration)
    say(
        "open \(port.driverName) \(port.macAddress) link \(port.isLinkUp) \(port.capabilities)"
            + " steers \(port.steer(udpPort: 7000, toQueue: 0))")
    return port
}

/// Swaps the addresses of Ethernet, IPv4 and UDP: sums stay right.
func swapAddresses(_ packet: Packet) -> Bool {
    let frame = unsafe packet.data
    guard packet.byteCount >= 42, unsafe frame[12] == 8, unsafe frame[13] == 0,
        unsafe frame[23] == 17
    else { return false }
    func swap(_ first: Int, _ second: Int, _ count: Int) {
        for offset in 0..<count {
            let byte = unsafe frame[first + offset]
            unsafe frame[first + offset] = unsafe frame[second + offset]
            unsafe frame[second + offset] = byte
        }
    }
    swap(0, 6, 6)
    swap(26, 30, 4)
    swap(34, 36, 2)
    unsafe frame[40] = 0  // no checksum: kernel senders over veth leave theirs unfinished
    unsafe frame[41] = 0
    return true
}

func echo(_ port: Port, seconds: UInt64) {
    EAL.registerThread()
    let burst = UnsafeMutablePointer<PacketPointer>.allocate(capacity: 64)
    let queues = (0..<Int(port.configuration.receiveQueues)).map { port.queue($0) }
    var counts = [Int](repeating: 0, count: queues.count)
    let end = nanos() + seconds * 1_000_000_000
    while nanos() < end {
        for queue in queues {
            let count = unsafe queue.receive(into: burst, max: 64)
            guard count > 0 else { continue }
            var kept = 0
            for index in 0..<count {
                let packet = unsafe Packet(burst[index])
                if swapAddresses(packet) {
                    unsafe burst[kept] = unsafe packet.mbuf
                    kept += 1
                } else {
                    queue.free(packet)
                }
            }
            counts[queue.index] += kept
            unsafe queue.transmitOrDrop(from: burst, count: kept)
        }
    }
    say("echoed \(counts) \(port.statistics)")
}

func probeFrame(_ number: Int) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: 82)
    frame.replaceSubrange(0..<14, with: [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0])
    frame.replaceSubrange(
        14..<34, with: [0x45, 0, 0, 68, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2])
    frame.replaceSubrange(34..<42, with: [0x1b, 0x58, 0x1b, 0x59, 0, 48, 0, 0])
    for index in 0..<4 { frame[42 + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
    return frame
}

func send(_ port: Port, count: Int) -> Bool {
    EAL.registerThread()
    let queue = port.queue(0)
    let burst = UnsafeMutablePointer<PacketPointer>.allocate(capacity: 64)
    let frame = probeFrame(0)
    var sent = 0
    var received = 0
    var damaged = 0
    var end = nanos() + 10_000_000_000
    let start = nanos()
    while received < count, nanos() < end {
        let room = min(32, count - sent, 512 - (sent - received))
        if room > 0, unsafe queue.allocate(into: burst, count: room) {
            for index in 0..<room {
                let packet = unsafe Packet(burst[index])
                guard let data = unsafe packet.append(frame.count) else { return false }
                for offset in 0..<frame.count { unsafe data[offset] = frame[offset] }
            }
            sent += unsafe queue.transmitOrDrop(from: burst, count: room)
        }
        let back = unsafe queue.receive(into: burst, max: 64)
        for index in 0..<back {
            if unsafe Packet(burst[index]).byteCount != frame.count { damaged += 1 }
        }
        unsafe queue.free(burst, count: back)
        received += back
        if back > 0 { end = nanos() + 2_000_000_000 }
    }
    let rate = Double(received) * 1e9 / Double(nanos() - start)
    say("sent \(sent) received \(received) damaged \(damaged) rate \(Int(rate))/s")
    return received == count && damaged == 0
}

func receive(_ port: Port, count: Int) -> Bool {
    EAL.registerThread()
    let queue = port.queue(0)
    let burst = UnsafeMutablePointer<PacketPointer>.allocate(capacity: 64)
    var received = 0
    var bytes = 0
    let start = nanos()
    while received < count, nanos() < start + 10_000_000_000 {
        let back = unsafe queue.receive(into: burst, max: 64)
        for index in 0..<back { bytes += unsafe Packet(burst[index]).byteCount }
        unsafe queue.free(burst, count: back)
        received += back
    }
    say(
        "received \(received) bytes \(bytes) "
            + "\(Double(nanos() - start) / Double(max(received, 1))) ns each")
    return received >= count
}

func ping(_ address: String, _ udpPort: UInt16, count: Int) throws -> Bool {
    let handle = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    var peer = sockaddr_in()
    peer.sin_family = UInt16(AF_INET)
    peer.sin_port = udpPort.bigEndian
    guard unsafe inet_pton(AF_INET, address, &peer.sin_addr) == 1 else {
        throw Failure(description: "\(address) is not an address")
    }
    let connected = unsafe withUnsafePointer(to: peer) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(handle, $0, UInt32(MemoryLayout<sockaddr_in>.size))
        }
    }
    guard connected == 0 else { throw Failure(description: "connect: errno \(errno)") }
    var payload = [UInt8](repeating: 7, count: 40)
    var answer = [UInt8](repeating: 0, count: 2048)
    var trips: [UInt64] = []
    var lost = 0
    for number in 0..<count where lost < 30 {
        for index in 0..<4 { payload[index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        let start = nanos()
        _ = unsafe Glibc.send(handle, payload, payload.count, 0)
        var length = -1
        while nanos() < start + 200_000_000 {
            length = unsafe recv(handle, &answer, answer.count, Int32(MSG_DONTWAIT))
            if length == payload.count && Array(answer[0..<length]) == payload { break }
            if length < 0 && errno != EAGAIN { usleep(1000) }  // refused: the echo is not up yet
            length = -1
        }
        if length > 0 { trips.append(nanos() - start) } else { lost += 1 }
    }
    trips.sort()
    if !trips.isEmpty {
        let p50 = trips[trips.count / 2]
        let p99 = trips[trips.count * 99 / 100]
        say("answered \(trips.count) lost \(lost) p50 \(p50) ns p99 \(p99) ns")
    }
    return lost <= count / 100
}

func memory(count: Int) throws {
    for inPlace in [true, false] {
        let store = FrameStore(capacityBytes: count * 128)
        for number in 0..<count { store.append(probeFrame(number)) }
        let port = try Port.open(PortSpecification("memory"))
        let queue = port.queue(0)
        port.load(store, laps: 5, inPlace: inPlace)
        let burst = UnsafeMutablePointer<PacketPointer>.allocate(capacity: 64)
        var best = Double.infinity
        for _ in 0..<5 {
            let start = nanos()
            var received = 0
            while received < count {
                let back = unsafe queue.receive(into: burst, max: min(32, count - received))
                unsafe queue.free(burst, count: back)
                received += back
            }
            best = min(best, Double(nanos() - start) / Double(count))
        }
        say("memory, \(inPlace ? "in place" : "copied"): receive + free \(best) ns a packet")
        best = Double.infinity
        for _ in 0..<5 {
            let start = nanos()
            for _ in 0..<count / 32 {
                _ = unsafe queue.allocate(into: burst, count: 32)
                unsafe queue.free(burst, count: 32)
            }
            best = min(best, Double(nanos() - start) / Double(count / 32 * 32))
        }
        say("allocate + free, 32 at once: \(best) ns each")
        let start = nanos()
        for _ in 0..<count {
            if let packet = queue.allocate() { queue.free(packet) }
        }
        say("allocate + free, one by one: \(Double(nanos() - start) / Double(count)) ns each")
        port.close()
    }
}

func run() throws -> Bool {
    guard arguments.count >= 3 else { throw Failure(description: "echo|send|ping|memory …") }
    let number = arguments.count > 3 ? Int(arguments[3]) ?? 0 : 0
    var good = true
    switch arguments[1] {
    case "echo":
        let port = try open(arguments[2])
        echo(port, seconds: UInt64(number))
        port.close()
    case "send":
        let port = try open(arguments[2])
        good = send(port, count: number)
        port.close()
    case "receive":
        let port = try open(arguments[2])
        good = receive(port, count: number)
        port.close()
    case "ping":
        good = try ping(arguments[2], UInt16(arguments[3]) ?? 0, count: Int(arguments[4]) ?? 0)
    case "memory":
        if option("--eal") != nil {
            var configuration = EALConfiguration()
            configuration.usesHugePages = option("--no-huge") == nil
            try EAL.start(configuration)
            EAL.registerThread()
        }
        try memory(count: Int(arguments[2]) ?? 0)
    default: throw Failure(description: "unknown command \(arguments[1])")
    }
    EAL.stop()
    return good
}

do {
    exit(try run() ? 0 : 1)
} catch {
    print("port-echo: \(error)")
    exit(2)
}
