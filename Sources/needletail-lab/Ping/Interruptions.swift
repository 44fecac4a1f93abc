// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the kernel gets a buffer with its size for one call.
import Foundation
import Glibc

/// Tells whether threads had to wait for a core since it was last asked: on a machine with other
/// work, what the scheduler takes away says nothing about the program that is measured.
final class Interruptions {
    /// Shorter waits are the kernel's own work, which is there on a quiet machine too.
    private static let noticedNanos: UInt64 = 20_000

    private var descriptors: [Int32] = []
    private var before: [UInt64] = []

    /// Watches this thread, and the polling threads (`nt-…`) of a gateway if its process is named;
    /// with them the kernel's threads for packets that an interrupt has put off: where those wait
    /// for a core, so do the packets.
    init(gateway process: Int32?) {
        watch("/proc/thread-self/schedstat")
        guard let process else { return }
        for number in Self.names(in: "/proc").compactMap({ Int32($0) }) {
            let name = try? String(contentsOfFile: "/proc/\(number)/comm", encoding: .utf8)
            if name?.hasPrefix("ksoftirqd/") == true { watch("/proc/\(number)/schedstat") }
        }
        let folder = "/proc/\(process)/task"
        for thread in Self.names(in: folder) {
            let name = try? String(contentsOfFile: "\(folder)/\(thread)/comm", encoding: .utf8)
            if name?.hasPrefix("nt-") == true {
                watch("\(folder)/\(thread)/schedstat")
                gatewayThreadCount += 1
            }
        }
    }

    private static func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
    }

    /// Threads of the gateway that are watched.
    private(set) var gatewayThreadCount = 0

    private func watch(_ path: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        descriptors.append(descriptor)
        before.append(Self.waitedNanos(descriptor))
    }

    /// Nanoseconds that a thread was ready and had no core: the second number of its schedstat.
    private static func waitedNanos(_ descriptor: Int32) -> UInt64 {
        var text = [UInt8](repeating: 0, count: 96)
        let count = unsafe pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return .max }
        let fields = text[0..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 1 else { return .max }
        return fields[1].reduce(0) { $0 &* 10 &+ UInt64($1 &- UInt8(ascii: "0")) }
    }

    /// The longest that one of them had to wait, of what ended since the last call, nanoseconds; 0
    /// when nothing worth a notice happened.
    func longestNanos() -> UInt64 {
        var longest: UInt64 = 0
        for index in descriptors.indices {
            let now = Self.waitedNanos(descriptors[index])
            longest = max(longest, now &- before[index])
            before[index] = now
        }
        return longest > Self.noticedNanos ? longest : 0
    }
}
