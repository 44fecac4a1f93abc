// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the text of `strerror` is copied before anything else can call it on this thread.
internal import Glibc
internal import Platform

/// An IPv4 address and a port, both in host order.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// For example 0x7F00_0001.
    public var address: UInt32
    /// 0…65535.
    public var port: UInt16

    /// From its parts.
    public init(address: UInt32, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// Reads `10.0.0.1:9000`, `:9000` or `localhost:9000`; nil when it is none of these.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let port = UInt16(parts[1]) else { return nil }
        self.port = port
        if parts[0].isEmpty {
            address = 0
        } else if let address = Self.parseAddress(parts[0]) {
            self.address = address
        } else {
            return nil
        }
    }

    /// Reads `10.0.0.1` or `localhost`.
    public static func parseAddress(_ text: some StringProtocol) -> UInt32? {
        text == "localhost" ? 0x7F00_0001 : IPv4Text.parse(text)
    }

    /// Whether the address is a multicast group.
    public var isMulticast: Bool { address >> 28 == 0xE }

    /// As it is written.
    public var description: String {
        "\(IPv4Text.format(address)):\(port)"
    }

    var native: sockaddr_in {
        var native = sockaddr_in()
        native.sin_family = sa_family_t(AF_INET)
        native.sin_port = port.bigEndian
        native.sin_addr.s_addr = address.bigEndian
        return native
    }

    init(native: sockaddr_in) {
        address = UInt32(bigEndian: native.sin_addr.s_addr)
        port = UInt16(bigEndian: native.sin_port)
    }
}

/// What went wrong with a socket or a session, for people.
public struct ClientError: Error, Equatable, CustomStringConvertible {
    /// One sentence: what failed, why, and what would be right.
    public var description: String

    /// With its sentence.
    public init(_ description: String) { self.description = description }

    /// A system call that failed, with `errno` as it stands.
    static func call(_ what: String) -> ClientError {
        let number = errno
        let text = SystemText.of(number)
        return ClientError("\(what): \(text) (errno \(number))")
    }
}
