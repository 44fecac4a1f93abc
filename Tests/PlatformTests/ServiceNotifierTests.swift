// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: addresses and buffers are lent for one call each; the socket is closed once.
import Glibc
import Platform
import Testing

@Suite struct `The service notifier` {
    /// What stands for the service manager: a datagram socket, by path or abstract name.
    private final class Manager {
        let name: String
        private let handle: Int32

        init(isAbstract: Bool) throws {
            let own = "needletail-notify-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            name = isAbstract ? "@\(own)" : "/tmp/\(own)"
            handle = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
                for (index, byte) in name.utf8.enumerated() {
                    unsafe path[index] = isAbstract && index == 0 ? 0 : byte
                }
            }
            let byteCount = socklen_t(2 + name.utf8.count + (isAbstract ? 0 : 1))
            let bound = unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(handle, $0, byteCount)
                }
            }
            try #require(bound == 0)
        }

        deinit {
            close(handle)
            if name.hasPrefix("/") { unsafe unlink(name) }
        }

        /// The next message, which must be there; nil when there is none.
        func message() -> String? {
            var bytes = [UInt8](repeating: 0, count: 4_096)
            let count = unsafe recv(handle, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
        }
    }

    private func make(
        _ socket: String?, micros: String? = nil, pid: String? = nil
    ) -> ServiceNotifier? {
        ServiceNotifier(socketName: socket, watchdogMicros: micros, watchdogPID: pid, pid: 77)
    }

    @Test(arguments: [false, true])
    func `sends its lines as one datagram, by path and by abstract name`(
        isAbstract: Bool
    ) throws {
        let manager = try Manager(isAbstract: isAbstract)
        let notifier = try #require(make(manager.name))
        #expect(notifier.send(["READY=1", "STATUS=on its way"]))
        #expect(manager.message() == "READY=1\nSTATUS=on its way")
        #expect(manager.message() == nil)
    }

    @Test func `says that nobody took a message when the manager is gone`() throws {
        let name = try Manager(isAbstract: true).name
        #expect(try #require(make(name)).send(["WATCHDOG=1"]) == false)
    }

    @Test func `is not there without a socket that it can name`() {
        for name in [nil, "", "vsock:2:1234", "run/notify"] { #expect(make(name) == nil) }
        // 108 bytes of path, the last of them zero.
        #expect(make("/" + String(repeating: "x", count: 107)) == nil)
        #expect(make("/" + String(repeating: "x", count: 106)) != nil)
    }

    @Test func `is watched only when a period is given, and given to this process`() {
        #expect(make("/x")?.watchdogNanos == nil)
        #expect(make("/x", micros: "10000000")?.watchdogNanos == 10_000_000_000)
        #expect(make("/x", micros: "10000000", pid: "77")?.watchdogNanos == 10_000_000_000)
        #expect(make("/x", micros: "10000000", pid: "78")?.watchdogNanos == nil)
        for micros in ["0", "-1", "soon", "18446744073709551615"] {
            #expect(make("/x", micros: micros)?.watchdogNanos == nil)
        }
    }
}

@Suite struct `A watch over turns` {
    @Test func `names the counters that stood still, and no others`() {
        var watch = TurnWatch([5, 0, 9])
        let looks = [[6, 1, 10], [6, 2, 10], [7, 3, 10], [8, 4, 0]] as [[UInt64]]
        #expect(looks.map { watch.look($0) } == [[], [0, 2], [2], []])
    }
}
