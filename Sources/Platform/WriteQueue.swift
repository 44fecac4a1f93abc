// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the kernel reads the memory of a write until its completion: whoever submits keeps it.
// The queue is freed once, after all of that is over.
internal import CPlatform
internal import Glibc

/// Writes to files, and syncs of them, that do not wait: io_uring.
///
/// Threading: one thread at a time.
@safe public final class WriteQueue: @unchecked Sendable {
    private let queue: OpaquePointer

    /// With room for `capacity` writes in flight. Answers nil with `errno` where the kernel refuses
    /// io_uring (ENOSYS, EPERM), or has no memory for it.
    public init?(capacity: UInt32) {
        guard let queue = unsafe cplatform_uring_open(capacity) else { return nil }
        unsafe self.queue = queue
    }

    deinit { unsafe cplatform_uring_close(queue) }

    /// Queues a write; false when the queue is full. The memory stays as it is until `reap` gives
    /// the token back.
    @unsafe public func write(
        file: Int32, from memory: UnsafeRawPointer, byteCount: Int, offset: Int, token: UInt64
    ) -> Bool {
        unsafe cplatform_uring_write(
            queue, file, memory, UInt32(byteCount), UInt64(offset), token) == 0
    }

    /// Queues an fdatasync; false when the queue is full. At its completion all is durable of the
    /// writes to the file that were reaped before; its result is 0 or a negative errno.
    public func sync(file: Int32, token: UInt64) -> Bool {
        unsafe cplatform_uring_sync(queue, file, token) == 0
    }

    /// Hands what is queued to the kernel: 0 or an errno.
    public func submit() -> Int32 { unsafe cplatform_uring_submit(queue) }

    /// A token and the bytes written, or an errno as a negative number; nil when there is none yet.
    /// Makes no system call.
    public func reap() -> (token: UInt64, result: Int32)? {
        var token: UInt64 = 0
        var result: Int32 = 0
        guard unsafe cplatform_uring_reap(queue, &token, &result) == 1 else { return nil }
        return (token, result)
    }

    /// Waits until there is something to reap, at most so long (below a second).
    public func wait(nanos: UInt64) { unsafe cplatform_uring_wait(queue, nanos) }

    /// Waits until nothing is in flight, and forgets the completions.
    public func settle() { unsafe cplatform_uring_settle(queue) }

    /// Opens a file of a folder for writing, past the page cache if `direct`; with `create` new,
    /// mode 0600. -1 with `errno`.
    public static func open(folder: Int32, name: String, create: Bool, direct: Bool) -> Int32 {
        unsafe cplatform_journal_open(folder, name, create ? 1 : 0, direct ? 1 : 0)
    }
}
