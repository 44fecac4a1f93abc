// SPDX-License-Identifier: Apache-2.0
internal import CDPDK
internal import Glibc

/// Frames one behind the other, each at a multiple of 64 bytes, as a NIC would have written them:
/// built once, then received from a memory port any number of times.
///
/// SAFETY: `memory` has `capacity` bytes from `init` to `deinit`; `used` never exceeds it, and
/// every index is checked.
@safe public final class FrameStore: @unchecked Sendable {
    let memory: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private var used = 0
    private(set) var lengths: [UInt16] = []
    private var fixedLengths: UnsafeMutablePointer<UInt16>?
    private var starts: [Int] = []

    /// Room for frames of so many bytes in all, each rounded up to 64.
    public init(capacityBytes: Int) {
        capacity = (max(capacityBytes, 64) + 0x1f_ffff) & ~0x1f_ffff
        var address: UnsafeMutableRawPointer?
        let failed = unsafe posix_memalign(&address, 0x20_0000, capacity)
        precondition(failed == 0, "memory for the frames")
        unsafe madvise(address, capacity, 14)  // MADV_HUGEPAGE
        unsafe memory = address.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self)
        unsafe memory.initialize(repeating: 0, count: capacity)
    }

    /// Frames in the store.
    public convenience init(_ frames: [[UInt8]]) {
        self.init(capacityBytes: frames.reduce(0) { $0 + ($1.count + 63) & ~63 })
        for frame in frames { append(frame) }
    }

    deinit {
        unsafe Glibc.free(memory)
        unsafe fixedLengths?.deallocate()
    }

    /// The lengths where the driver may read them: they do not move any more.
    func lengthsForDriver() -> UnsafePointer<UInt16> {
        if let fixed = unsafe fixedLengths { return unsafe UnsafePointer(fixed) }
        let fixed = UnsafeMutablePointer<UInt16>.allocate(capacity: max(lengths.count, 1))
        for (index, length) in lengths.enumerated() { unsafe fixed[index] = length }
        unsafe fixedLengths = fixed
        return unsafe UnsafePointer(fixed)
    }

    /// How many frames there are.
    public var count: Int { lengths.count }

    /// Adds a frame of at most 65,472 bytes; traps when the store is full. Before it is loaded.
    public func append(_ frame: [UInt8]) {
        unsafe frame.withUnsafeBytes { unsafe append($0) }
    }

    /// Adds a frame of at most 65,472 bytes; traps when the store is full. Before it is loaded.
    public func append(_ frame: UnsafeRawBufferPointer) {
        let padded = (frame.count + 63) & ~63
        precondition(unsafe fixedLengths == nil, "no frame is added to a store that is loaded")
        precondition(padded <= 65_472 && used + padded <= capacity, "a frame that fits")
        if let base = frame.baseAddress {
            unsafe memcpy(memory + used, base, frame.count)
        }
        starts.append(used)
        lengths.append(UInt16(frame.count))
        used += padded
    }

    /// The bytes of a frame, to be rewritten between laps.
    @unsafe public subscript(index: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            start: memory + starts[index], count: Int(lengths[index]))
    }
}

/// The far end of a memory port's queue.
extension Port {
    /// Has `frames` received by a queue in order, `laps` times, or without end. In place, packets
    /// point at the store (so what the poll loop writes into them stays there); else they are
    /// copied, and a frame has at most 2,048 bytes. On a memory port, before polling starts.
    public func load(
        _ frames: FrameStore, queue: Int = 0, laps: UInt64? = 1, inPlace: Bool = false
    ) {
        requireMemory(queue)
        precondition(inPlace || frames.lengths.allSatisfy { $0 <= 2048 }, "frames of 2,048 bytes")
        precondition(laps != 0, "at least one lap")
        let lengths = unsafe frames.lengthsForDriver()
        frameStores[queue] = frames
        unsafe cdpdk_memory_load(
            handle, UInt16(queue), frames.memory, lengths, UInt32(frames.count), laps ?? 0, inPlace)
    }

    /// Has one frame received, before what is loaded; from any thread. At most 2,048 bytes.
    public func inject(_ frame: [UInt8], queue: Int = 0) {
        requireMemory(queue)
        precondition(frame.count <= 2048, "a frame of 2,048 bytes")
        _ = unsafe frame.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return false }
            return unsafe cdpdk_memory_inject(
                handle, UInt16(queue), base, UInt16(bytes.count))
        }
    }

    /// Keeps transmitted frames from now on (or no longer), for `takeTransmitted`.
    public func captureTransmitted(_ isOn: Bool = true, queue: Int = 0) {
        requireMemory(queue)
        unsafe cdpdk_memory_capture(handle, UInt16(queue), isOn)
    }

    /// The captured frames, oldest first, and forgets them; from any thread.
    public func takeTransmitted(queue: Int = 0) -> [[UInt8]] {
        requireMemory(queue)
        var frames: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 2048)
        while true {
            let length = unsafe buffer.withUnsafeMutableBufferPointer { bytes -> Int32 in
                guard let base = bytes.baseAddress else { return -1 }
                return unsafe cdpdk_memory_take(
                    handle, UInt16(queue), base, UInt16(bytes.count))
            }
            guard length >= 0 else { return frames }
            frames.append(Array(buffer.prefix(Int(length))))
        }
    }

    private func requireMemory(_ queue: Int) {
        precondition(specification.kind == .memory, "a memory port")
        precondition((0..<Int(configuration.receiveQueues)).contains(queue), "a queue of the port")
    }
}
