// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the address and the text are read by the one call that they are lent to; the socket is
// closed by whoever opened it.
internal import Glibc

/// Tells the service manager how a service is: the protocol of sd_notify(3), a datagram of
/// `KEY=value` lines to the socket that NOTIFY_SOCKET names.
///
/// Threading: a value; any thread. Systemd takes messages of the main process only.
public struct ServiceNotifier: Sendable {
    private let socketName: String
    /// How often WATCHDOG=1 is wanted, at least; nil when nobody watches.
    public let watchdogNanos: UInt64?

    /// From the values of NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; nil when there is no
    /// manager to tell: the first is missing, or is neither a path nor an abstract name (`@…`).
    ///
    /// The watchdog counts when it is meant for this process: WATCHDOG_PID is missing or `pid`.
    public init?(
        socketName: String?, watchdogMicros: String?, watchdogPID: String?, pid: Int32
    ) {
        guard let socketName, socketName.hasPrefix("/") || socketName.hasPrefix("@"),
            socketName.utf8.count < Self.pathCapacity
        else { return nil }
        self.socketName = socketName
        let isMeantForUs = watchdogPID == nil || watchdogPID == String(pid)
        watchdogNanos = watchdogMicros.flatMap { UInt64($0) }.flatMap {
            let nanos = $0.multipliedReportingOverflow(by: 1_000)
            return isMeantForUs && $0 > 0 && !nanos.overflow ? nanos.partialValue : nil
        }
    }

    /// From the environment of the process.
    public static func fromEnvironment() -> ServiceNotifier? {
        ServiceNotifier(
            socketName: variable("NOTIFY_SOCKET"), watchdogMicros: variable("WATCHDOG_USEC"),
            watchdogPID: variable("WATCHDOG_PID"), pid: getpid())
    }

    /// Sends lines as one message; waits for a second at most when the manager is behind. False
    /// when it was not taken, and nothing else can be done about that.
    @discardableResult public func send(_ lines: [String]) -> Bool {
        let handle = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard handle >= 0 else { return false }
        defer { close(handle) }
        var patience = timeval(tv_sec: 1, tv_usec: 0)
        unsafe setsockopt(
            handle, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var (address, byteCount) = address()
        var text = lines.joined(separator: "\n")
        let sent = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                text.withUTF8 { bytes in
                    unsafe sendto(
                        handle, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL),
                        address, byteCount)
                }
            }
        }
        return sent == text.utf8.count
    }

    private static let pathOffset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
    private static let pathCapacity = MemoryLayout<sockaddr_un>.size - pathOffset

    /// Where to send, and how long the address is: an abstract name begins with a zero byte, for
    /// which `@` stands, and has none at its end.
    private func address() -> (sockaddr_un, socklen_t) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isAbstract = socketName.hasPrefix("@")
        unsafe withUnsafeMutableBytes(of: &address) { bytes in
            for (index, byte) in socketName.utf8.enumerated() {
                unsafe bytes[Self.pathOffset + index] = isAbstract && index == 0 ? 0 : byte
            }
        }
        let used = Self.pathOffset + socketName.utf8.count
        return (address, socklen_t(isAbstract ? used : used + 1))
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
