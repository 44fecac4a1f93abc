// SPDX-License-Identifier: Apache-2.0
public import NICGateway
public import Platform
internal import Synchronization

/// What was sent.
public struct SentTraffic: Sendable {
    /// Frames that the driver took.
    public let frames: UInt64
    /// From the first to the last, in nanoseconds.
    public let elapsedNanos: UInt64
    /// When the driver had the last one, in the clock's cycles.
    public let endCycles: UInt64

    /// Frames a second.
    public var perSecond: UInt64 {
        UInt64(Double(frames) * 1e9 / Double(max(elapsedNanos, 1)))
    }
}

/// A thread that sends frames from a port, at a rate or as fast as it goes.
///
/// Threading: made, asked and ended by one thread; the port's queue 0 belongs to it meanwhile.
/// SAFETY: buffers that were allocated are sent or freed; a frame is copied into as many bytes as
/// `append` gave.
@safe public final class FrameGenerator {
    private let state: State
    private let thread: PinnedThread

    /// Starts sending `count` frames of the traffic in turn, `framesPerSecond` if given, on `cpu`
    /// if given. Throws as `PinnedThread` does.
    public init(
        _ port: Port, _ traffic: ProbeTraffic, count: UInt64, framesPerSecond: UInt64? = nil,
        cpu: Int? = nil, clock: CycleClock
    ) throws(PlatformError) {
        let state = State()
        self.state = state
        let queue = port.queue(0)
        let frames = traffic.frames
        thread = try PinnedThread(name: "nt-generator", cpu: cpu) {
            EAL.registerThread()
            defer { EAL.unregisterThread() }
            var sender = Sender(queue: queue, frames: frames, clock: clock)
            sender.run(count: count, framesPerSecond: framesPerSecond, state)
        }
    }

    /// How many frames the driver has taken so far.
    public var sentSoFar: UInt64 { state.sent.load(ordering: .relaxed) }
    /// Whether it has come to its end.
    public var isDone: Bool { state.isDone.load(ordering: .acquiring) }

    /// Ends it if it has not ended, and tells what was sent.
    public func finish() -> SentTraffic {
        state.isStopping.store(true, ordering: .relaxed)
        thread.join()
        return SentTraffic(
            frames: state.sent.load(ordering: .relaxed),
            elapsedNanos: state.elapsedNanos.load(ordering: .relaxed),
            endCycles: state.endCycles.load(ordering: .relaxed))
    }

    deinit { _ = finish() }

    fileprivate final class State: Sendable {
        let isStopping = Atomic(false)
        let isDone = Atomic(false)
        let sent = Atomic<UInt64>(0)
        let elapsedNanos = Atomic<UInt64>(0)
        let endCycles = Atomic<UInt64>(0)
    }
}

/// The loop of the thread.
///
/// SAFETY: as of `FrameGenerator`.
@safe private struct Sender: ~Copyable {
    private static let burstCount = 32
    private let queue: PortQueue
    private let frames: [[UInt8]]
    private let clock: CycleClock
    private let burst: UnsafeMutablePointer<PacketPointer>

    init(queue: PortQueue, frames: [[UInt8]], clock: CycleClock) {
        self.queue = queue
        self.frames = frames
        self.clock = clock
        unsafe burst = .allocate(capacity: Self.burstCount)
    }

    deinit { unsafe burst.deallocate() }

    mutating func run(count: UInt64, framesPerSecond: UInt64?, _ state: FrameGenerator.State) {
        // A driver that takes nothing may need this core to take something.
        var idle = IdleStrategy(spins: 1_024, sleepNanosMax: 2_000)
        let start = clock.nowCycles
        var end = start
        var sent: UInt64 = 0
        while sent < count, !state.isStopping.load(ordering: .relaxed) {
            var due = count
            if let framesPerSecond {
                let elapsed = Double(clock.nanos(clock.nowCycles &- start))
                due = min(count, UInt64(elapsed * Double(framesPerSecond) / 1e9))
            }
            let wanted = min(Self.burstCount, Int(clamping: due - min(due, sent)))
            let taken = wanted > 0 ? send(wanted, from: sent) : 0
            if taken > 0 {
                sent += UInt64(taken)
                end = clock.nowCycles
                state.sent.store(sent, ordering: .relaxed)
            }
            // Waiting for its time it stays awake: a sleep would come out as a burst.
            idle.idle(worked: taken > 0 || wanted == 0)
        }
        state.elapsedNanos.store(clock.nanos(end &- start), ordering: .relaxed)
        state.endCycles.store(end, ordering: .relaxed)
        state.isDone.store(true, ordering: .releasing)
    }

    /// Offers so many frames to the driver; how many it took. The others go back.
    private func send(_ count: Int, from first: UInt64) -> Int {
        guard unsafe queue.allocate(into: burst, count: count) else { return 0 }
        for index in 0..<count {
            let frame = frames[Int((first + UInt64(index)) % UInt64(frames.count))]
            guard let start = unsafe Packet(burst[index]).append(frame.count) else { continue }
            unsafe frame.withUnsafeBufferPointer { bytes in
                guard let base = bytes.baseAddress else { return }
                unsafe start.update(from: base, count: bytes.count)
            }
        }
        let taken = unsafe queue.transmit(from: burst, count: count)
        if taken < count { unsafe queue.free(burst + taken, count: count - taken) }
        return taken
    }
}
