// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: two strings are lent to C for one call.
internal import CDPDK
internal import Platform

/// Which driver carries a port, and what it is attached to.
public enum PortKind: Sendable, Hashable {
    /// A NIC bound to vfio-pci (or a bifurcated one), as `0000:3b:00.0`.
    case pci(address: String)
    /// A kernel interface through AF_XDP sockets: the fastest of the software drivers.
    case afXDP(interface: String)
    /// A kernel interface through a mapped packet socket: works everywhere.
    case afPacket(interface: String)
    /// Frames from a capture file, once or without end; sent ones are written or dropped.
    case pcap(file: String, loops: Bool, transmitFile: String?)
    /// Shared memory with a process on the same host; one of the two is the server.
    case memif(socket: String, isServer: Bool)
    /// Frames that the process gives and takes itself: tests and benchmarks.
    case memory
    /// Plain kernel sockets; the address and the UDP port are in host byte order.
    case udp(address: UInt32, port: UInt16)
}

/// A port named by one string, as in a configuration file: `af_xdp:eth1`, `pci:0000:3b:00.0`,
/// `af_packet:eth1`, `pcap:FILE?loop&tx=FILE`, `memif:/run/x.sock?client`, `memory`,
/// `udp:ADDRESS:PORT`.
public struct PortSpecification: Sendable, Hashable, CustomStringConvertible {
    /// The string that was read.
    public let description: String
    /// What it says.
    public let kind: PortKind

    /// Reads a port string; the error says what is wrong and what would be right.
    public init(_ text: String) throws(PortSpecificationError) {
        description = text
        kind = try PortSpecification.parse(text)
    }

    /// Whether it needs DPDK's environment (see `EAL`): all but `memory` and `udp`.
    public var needsEAL: Bool {
        switch kind {
        case .memory, .udp: false
        default: true
        }
    }

    /// Whether this host could give the port now: asked before DPDK starts, and changing nothing.
    /// The error says the cause and the cure.
    public func checkHost() throws(PortError) {
        guard case .pci(let address) = kind else { return }
        var error = cdpdk_error()
        guard unsafe cdpdk_pci_check("", address, &error) else { throw PortError(error) }
    }

    /// The NUMA node of the card that it is attached to; nil for none, or if the kernel cannot say.
    public var numaNode: Int32? {
        let folder: String
        switch kind {
        case .pci(let address): folder = "bus/pci/devices/\(address)"
        case .afXDP(let interface), .afPacket(let interface):
            folder = "class/net/\(interface)/device"
        default: return nil
        }
        let node = unsafe cdpdk_device_node("", folder)
        return node >= 0 ? node : nil
    }
}

/// A port string that cannot be read.
public struct PortSpecificationError: Error, Equatable, CustomStringConvertible {
    /// The string.
    public let text: String
    /// What is wrong with it.
    public let problem: String
    /// What would be right.
    public let expected: String

    /// One sentence for a person.
    public var description: String { "port \"\(text)\": \(problem); expected \(expected)" }
}

extension PortSpecification {
    private static let kinds = """
        one of pci:0000:3b:00.0, af_xdp:INTERFACE, af_packet:INTERFACE, pcap:FILE[?loop], \
        memif:SOCKET[?client], memory, udp:ADDRESS:PORT
        """

    private static func parse(_ text: String) throws(PortSpecificationError) -> PortKind {
        let colon = text.firstIndex(of: ":") ?? text.endIndex
        let scheme = text[..<colon]
        let rest = colon == text.endIndex ? "" : String(text[text.index(after: colon)...])
        switch scheme {
        case "pci": return .pci(address: try pciAddress(rest, text))
        case "af_xdp": return .afXDP(interface: try interface(rest, text))
        case "af_packet": return .afPacket(interface: try interface(rest, text))
        case "pcap": return try pcap(rest, text)
        case "memif": return try memif(rest, text)
        case "udp": return try udp(rest, text)
        case "memory":
            guard rest.isEmpty else {
                throw .init(text: text, problem: "\"memory\" takes nothing", expected: "memory")
            }
            return .memory
        default:
            throw .init(text: text, problem: "unknown kind \"\(scheme)\"", expected: kinds)
        }
    }

    private static func pciAddress(
        _ rest: String, _ text: String
    ) throws(PortSpecificationError) -> String {
        let expected = "DOMAIN:BUS:DEVICE.FUNCTION in hexadecimal, as pci:0000:3b:00.0"
        var widths: [Int] = []
        var width = 0
        for character in rest {
            switch character {
            case ":", ".":
                widths.append(width)
                width = 0
                guard (character == ".") == (widths.count == 3) else {
                    throw .init(text: text, problem: "not a PCI address", expected: expected)
                }
            case _ where character.isHexDigit: width += 1
            default:
                throw .init(
                    text: text, problem: "\"\(character)\" in a PCI address", expected: expected)
            }
        }
        widths.append(width)
        guard widths == [4, 2, 2, 1] else {
            throw .init(text: text, problem: "not a PCI address", expected: expected)
        }
        return rest
    }

    private static func interface(
        _ rest: String, _ text: String
    ) throws(PortSpecificationError) -> String {
        let scheme = text.prefix { $0 != ":" }
        guard !rest.isEmpty else {
            throw .init(
                text: text, problem: "no interface is named", expected: "\(scheme):eth1, say")
        }
        guard rest.utf8.count <= 15, !rest.contains(where: { "/,: \t".contains($0) }) else {
            throw .init(
                text: text, problem: "\"\(rest)\" cannot be an interface's name",
                expected: "at most 15 characters without / , : or blanks, as \(scheme):eth1")
        }
        return rest
    }

    /// Splits `path?option&key=value`. DPDK separates its arguments by commas.
    private static func options(
        _ rest: String, _ text: String, allowed: [String], expected: String
    ) throws(PortSpecificationError) -> (path: String, options: [String: String]) {
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts.first.map(String.init) ?? ""
        guard !path.isEmpty else {
            throw .init(text: text, problem: "no path is given", expected: expected)
        }
        guard !rest.contains(",") else {
            throw .init(text: text, problem: "a comma in a path", expected: expected)
        }
        var found: [String: String] = [:]
        for option in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let pair = option.split(separator: "=", maxSplits: 1)
            guard let key = pair.first.map(String.init), allowed.contains(key) else {
                throw .init(
                    text: text, problem: "unknown option \"\(option)\"", expected: expected)
            }
            found[key] = pair.count > 1 ? String(pair[1]) : ""
        }
        return (path, found)
    }

    private static func pcap(
        _ rest: String, _ text: String
    ) throws(PortSpecificationError) -> PortKind {
        let (file, options) = try options(
            rest, text, allowed: ["loop", "tx"],
            expected: "pcap:FILE, pcap:FILE?loop or pcap:FILE?tx=FILE, no commas")
        return .pcap(file: file, loops: options["loop"] != nil, transmitFile: options["tx"])
    }

    private static func memif(
        _ rest: String, _ text: String
    ) throws(PortSpecificationError) -> PortKind {
        let (socket, options) = try options(
            rest, text, allowed: ["client", "server"],
            expected: "memif:/run/x.sock (server) or memif:/run/x.sock?client, no commas")
        guard socket.utf8.count < 108 else {
            throw .init(
                text: text, problem: "the socket's path has \(socket.utf8.count) bytes",
                expected: "at most 107")
        }
        return .memif(socket: socket, isServer: options["client"] == nil)
    }

    private static func udp(
        _ rest: String, _ text: String
    ) throws(PortSpecificationError) -> PortKind {
        let expected =
            "udp:ADDRESS:PORT with the interface's own IPv4 address, as udp:10.1.2.3:9000"
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw .init(text: text, problem: "no ADDRESS:PORT", expected: expected)
        }
        guard let port = UInt16(parts[1]), port > 0 else {
            throw .init(
                text: text, problem: "\"\(parts[1])\" is not a UDP port", expected: expected)
        }
        guard let address = IPv4Text.parse(parts[0]), address != 0 else {
            throw .init(
                text: text, problem: "\"\(parts[0])\" is not an address to bind to",
                expected: expected)
        }
        return .udp(address: address, port: port)
    }
}
