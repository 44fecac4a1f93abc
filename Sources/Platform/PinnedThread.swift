// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
internal import Glibc
internal import Synchronization

/// A thread with a name and a processor of its own, apart from Swift's task pool: for polling
/// loops.
///
/// The body gets what it owns (a reader, a writer, an engine) moved in, runs once, and ends by
/// itself; nothing can stop it from outside. `join` waits for that; a thread not joined runs on.
/// SAFETY: the box goes to exactly one thread, which frees it; the handle is joined or detached
/// once.
@safe public final class PinnedThread: @unchecked Sendable {
    /// As given; the kernel shows the first 15 bytes.
    public let name: String
    /// Where it is kept; nil lets it float.
    public let cpu: Int?
    private let handle: pthread_t
    private let isJoined = Atomic(false)

    /// Starts a thread that runs `body` with `state` moved into it.
    ///
    /// Throws `.processor` if it may not run on `cpu`, before it starts, and `.thread` if the
    /// system has no thread left. The thread is on `cpu` before the body begins.
    public init<State: ~Copyable & Sendable>(
        name: String, cpu: Int? = nil, owning state: consuming State,
        body: @escaping @Sendable (inout State) -> Void
    ) throws(PlatformError) {
        precondition(cpu ?? 0 >= 0, "processors are counted from 0")
        self.name = name
        self.cpu = cpu
        nonisolated(unsafe) let owned = UnsafeMutablePointer<State>.allocate(capacity: 1)
        unsafe owned.initialize(to: state)
        // By both: it is there when this returns, and when the body begins.
        let start = Start { [name] in
            unsafe name.withCString { unsafe cplatform_name_thread($0) }
            unsafe body(&owned.pointee)
            unsafe owned.deinitialize(count: 1)
            unsafe owned.deallocate()
        }
        var handle = pthread_t()
        let raw = unsafe Unmanaged.passRetained(start).toOpaque()
        let number = unsafe name.withCString {
            unsafe cplatform_thread_start(&handle, $0, Int32(clamping: cpu ?? -1), runStart, raw)
        }
        guard number == 0 else {
            unsafe Unmanaged<Start>.fromOpaque(raw).release()
            unsafe owned.deinitialize(count: 1)
            unsafe owned.deallocate()
            if let cpu, number == EINVAL {
                throw PlatformError(
                    .processor, cause: "thread \(name) cannot run on processor \(cpu)",
                    errno: number,
                    cure: "This thread may use processors \(Affinity.allowedCPUs()).")
            }
            throw PlatformError(
                .thread, cause: "cannot start thread \(name)", errno: number,
                cure: "Raise the limit of processes (ulimit -u).")
        }
        self.handle = handle
    }

    /// Starts a thread that owns nothing but what `body` captured.
    public convenience init(
        name: String, cpu: Int? = nil, body: @escaping @Sendable () -> Void
    ) throws(PlatformError) {
        try self.init(name: name, cpu: cpu, owning: ()) { _ in body() }
    }

    /// From now on the calling thread runs when nobody else wants to, or nearly so: nice 19. What
    /// cannot be had is let be.
    public static func giveWay() { setNiceness(19) }

    /// From now on the calling thread runs before others, as soon as it has something to do: nice
    /// -20. What cannot be had is let be.
    public static func comeFirst() { setNiceness(-20) }

    private static func setNiceness(_ niceness: Int32) {
        // Of Linux: a thread has a niceness of its own, and 0 is the caller.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
    }

    deinit {
        if !isJoined.load(ordering: .relaxed) { pthread_detach(handle) }
    }

    /// Waits for the body's end. The first call only: a second one returns at once, even while the
    /// first one waits. Any thread but itself.
    public func join() {
        // Relaxed: it only says who joins; what the body did is seen by pthread_join's own order.
        guard !isJoined.exchange(true, ordering: .relaxed) else { return }
        pthread_join(handle, nil)
    }

    /// CPU time that the thread has used so far, in nanoseconds, for a thread that nobody joins at
    /// the same time; nil after `join`.
    public var cpuNanos: UInt64? {
        var clock = clockid_t()
        guard !isJoined.load(ordering: .relaxed),
            unsafe pthread_getcpuclockid(handle, &clock) == 0
        else { return nil }
        return cplatform_clock_nanos(clock)
    }
}

private final class Start: Sendable {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
}

private func runStart(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let raw = unsafe raw else { return nil }
    let start = unsafe Unmanaged<Start>.fromOpaque(raw).takeRetainedValue()
    start.run()
    return nil
}
