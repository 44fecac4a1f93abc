// SPDX-License-Identifier: Apache-2.0
internal import CAllocations
internal import Foundation
internal import Glibc

/// Who allocates from a moment on: every call of malloc by any other thread than the one that
/// watches.
///
/// SAFETY: an index is below the count of threads, which never sinks.
struct AllocationWatch {
    /// Calls before that moment, by thread.
    private let before: [UInt64]

    /// From now on.
    init() { before = (0..<callocations_thread_count()).map { Self.slot($0).calls } }

    /// The threads that have allocated since, by their names, and how often. They must be alive.
    var calls: [(thread: String, calls: UInt64)] {
        (0..<callocations_thread_count()).compactMap { index in
            let (thread, calls) = Self.slot(index)
            let grown = calls - (Int(index) < before.count ? before[Int(index)] : 0)
            guard grown > 0, thread != getpid() else { return nil }
            let path = "/proc/self/task/\(thread)/comm"
            let name = try? String(contentsOfFile: path, encoding: .utf8)
            return (name?.trimmingCharacters(in: .newlines) ?? "thread \(thread)", grown)
        }
    }

    /// The same in a line.
    var text: String {
        let calls = calls
        guard !calls.isEmpty else { return "none" }
        return calls.map { "\($0.calls) by \($0.thread)" }.joined(separator: ", ")
    }

    private static func slot(_ index: UInt32) -> (thread: Int32, calls: UInt64) {
        var thread: Int32 = 0
        let calls = unsafe callocations_calls(index, &thread)
        return (thread, calls)
    }
}
