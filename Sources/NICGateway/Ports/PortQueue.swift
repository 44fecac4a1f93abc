// SPDX-License-Identifier: Apache-2.0
public import CDPDK

/// One receive and one transmit queue of a port, with a stack of free packet buffers: all that a
/// poll loop touches, the same for every kind of port. A handle, as big as a pointer.
///
/// SAFETY: `raw` lives until its `Port` is closed. A queue belongs to one thread at a time; nothing
/// in it is synchronised. Burst arrays hold at least `count` pointers, and hand ownership of each
/// packet over: from receive and allocate to the caller, from the caller to free and transmit.
@safe public struct PortQueue: BitwiseCopyable, @unchecked Sendable {
    /// The C side of it.
    public let raw: UnsafeMutablePointer<cdpdk_queue>

    @usableFromInline init(_ raw: UnsafeMutablePointer<cdpdk_queue>) { unsafe self.raw = raw }

    /// Index of the queue in its port.
    @inlinable public var index: Int { unsafe Int(raw.pointee.index) }

    /// Receives up to `max` packets (at most 65,535; drivers like multiples of 8), answers how
    /// many.
    @inlinable @_noLocks public func receive(
        into burst: UnsafeMutablePointer<PacketPointer>, max: Int
    ) -> Int {
        unsafe _unsafePerformance {
            unsafe Int(cdpdk_receive(raw, burst, UInt16(truncatingIfNeeded: max)))
        }
    }

    /// Offers packets to the driver, answers how many it took: those in front. The others stay the
    /// caller's.
    @inlinable @_noLocks public func transmit(
        from burst: UnsafeMutablePointer<PacketPointer>, count: Int
    ) -> Int {
        unsafe _unsafePerformance {
            unsafe Int(cdpdk_transmit(raw, burst, UInt16(truncatingIfNeeded: count)))
        }
    }

    /// Offers packets to the driver and frees those that it does not take, which `transmitDrops`
    /// counts; answers how many it took.
    @inlinable @_noLocks @discardableResult public func transmitOrDrop(
        from burst: UnsafeMutablePointer<PacketPointer>, count: Int
    ) -> Int {
        unsafe _unsafePerformance {
            unsafe Int(cdpdk_transmit_or_drop(raw, burst, UInt16(truncatingIfNeeded: count)))
        }
    }

    /// An empty packet with room for 2,048 bytes; nothing when the pool is exhausted.
    @inlinable @_noLocks public func allocate() -> Packet? {
        unsafe _unsafePerformance {
            var mbuf = unsafe UnsafeMutablePointer<cdpdk_mbuf>(bitPattern: 64).unsafelyUnwrapped
            return unsafe cdpdk_allocate(raw, &mbuf, 1) ? Packet(mbuf) : nil
        }
    }

    /// `count` empty packets, at most 256: all, or none when the pool is exhausted.
    @inlinable @_noLocks public func allocate(
        into burst: UnsafeMutablePointer<PacketPointer>, count: Int
    ) -> Bool {
        unsafe _unsafePerformance {
            unsafe cdpdk_allocate(raw, burst, UInt32(truncatingIfNeeded: count))
        }
    }

    /// Whether the next `count` packets (at most 256) can be allocated, until one is received. Asks
    /// the pool when the queue's own stack does not hold so many.
    @inlinable @_noLocks public func canAllocate(_ count: UInt32) -> Bool {
        unsafe _unsafePerformance {
            if unsafe raw.pointee.cached < count { unsafe cdpdk_refill(raw, count) }
            return unsafe raw.pointee.cached >= count
        }
    }

    /// Frees one packet.
    @inlinable @_noLocks public func free(_ packet: Packet) {
        unsafe _unsafePerformance { unsafe cdpdk_free(raw, packet.mbuf) }
    }

    /// Frees packets.
    @inlinable @_noLocks public func free(
        _ burst: UnsafeMutablePointer<PacketPointer>, count: Int
    ) {
        unsafe _unsafePerformance {
            unsafe cdpdk_free_bulk(raw, burst, UInt32(truncatingIfNeeded: count))
        }
    }

    /// Packets freed by `transmitOrDrop` because the driver did not take them.
    @inlinable public var transmitDrops: UInt64 { unsafe raw.pointee.transmit_drops }

    /// Packets that could not be allocated because the pool was exhausted.
    @inlinable public var allocationFailures: UInt64 { unsafe raw.pointee.allocation_failures }

    /// Shows each received burst to `hook` from now on. Before polling starts, once for a queue;
    /// the hook lives as long as the process. Without a hook nothing is paid.
    public func hookReceive(_ hook: some ReceiveHook) {
        let box = unsafe Unmanaged.passRetained(ReceiveHookBox(hook))
        let receive: cdpdk_hook = { context, queue, mbufs, count in
            let box = unsafe Unmanaged<ReceiveHookBox>.fromOpaque(context.unsafelyUnwrapped)
            let hook = unsafe box.takeUnretainedValue().hook
            return unsafe UInt16(
                hook.received(mbufs, count: Int(count), queue: PortQueue(queue)))
        }
        unsafe cdpdk_hook_receive(raw, receive, box.toOpaque())
    }
}

/// Sees each burst that a queue receives, before the poll loop does: for replays and tests.
public protocol ReceiveHook: AnyObject {
    /// May change packets, reorder them, or free some to `queue` and close the gap; answers how
    /// many remain. On the thread that polls the queue.
    func received(
        _ burst: UnsafeMutablePointer<PacketPointer>, count: Int, queue: PortQueue
    ) -> Int
}

/// Carries a hook through C.
private final class ReceiveHookBox {
    let hook: any ReceiveHook
    init(_ hook: any ReceiveHook) { self.hook = hook }
}
