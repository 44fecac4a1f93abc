// SPDX-License-Identifier: Apache-2.0

/// A fixed number of slots for values of one type, on huge pages, named by 32-bit numbers.
///
/// Slots are `1 ... capacity`. Slot 0 is never handed out and means "none"; its memory exists, so
/// that list code may read and write it as a sentinel. The slot freed last is handed out first, so
/// the same calls always give the same slots.
///
/// Threading: one thread.
/// SAFETY: `elements` has `capacity + 1` zeroed values and `freeSlots` room for `capacity`
/// numbers, from `init` to `deinit`; the subscript and `free` check every slot. A slot freed
/// twice is the caller's error and is found only when more are freed than were handed out.
@safe public struct Slab<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline internal let pages: HugePages
    @usableFromInline internal let elements: UnsafeMutablePointer<Element>
    @usableFromInline internal let freeSlots: UnsafeMutablePointer<UInt32>
    @usableFromInline internal var freeCount: UInt32

    /// How many slots there are.
    public let capacity: UInt32
    /// Slots handed out and not yet freed.
    @inlinable public var count: UInt32 { capacity &- freeCount }
    /// What the memory is made of.
    public var pageSize: PageSize { pages.pageSize }

    /// All slots free and zero. `capacity` is 1 ..< 2^32 - 1. Throws as `HugePages` does.
    public init(capacity: UInt32, node: NUMANode? = nil) throws(PlatformError) {
        precondition(capacity > 0 && capacity < .max, "a slab has 1 ..< 2^32 - 1 slots")
        let (elementByteCount, overflow) = (Int(capacity) + 1).multipliedReportingOverflow(
            by: MemoryLayout<Element>.stride)
        precondition(!overflow && elementByteCount < Int.max / 2, "a slab fits the address space")
        let listStart = (elementByteCount + 63) & ~63
        pages = try HugePages(byteCount: listStart + Int(capacity) * 4, node: node)
        unsafe elements = pages.base.bindMemory(to: Element.self, capacity: Int(capacity) + 1)
        unsafe freeSlots = (pages.base + listStart).bindMemory(
            to: UInt32.self, capacity: Int(capacity))
        self.capacity = capacity
        freeCount = capacity
        // The top of the stack is its end: slot 1 comes out first.
        for index in 0..<capacity { unsafe freeSlots[Int(index)] = capacity - index }
    }

    /// The whole of it, for the report of where everything is.
    public func region(_ name: String) -> MemoryRegion { MemoryRegion(name: name, pages) }

    /// A slot with whatever its last user left in it, or 0 when all are in use.
    @inlinable public mutating func allocate() -> UInt32 {
        guard freeCount > 0 else { return 0 }
        freeCount &-= 1
        return unsafe freeSlots[Int(freeCount)]
    }

    /// Gives a slot back. Traps on slot 0, a slot past the slab, and more frees than allocations.
    @inlinable public mutating func free(_ slot: UInt32) {
        precondition(slot != 0 && slot <= capacity, "only a slot of this slab is freed")
        precondition(freeCount < capacity, "a slot is freed once")
        unsafe freeSlots[Int(freeCount)] = slot
        freeCount &+= 1
    }

    /// The value in a slot, `0 ... capacity`, read and changed in place. Traps past the slab.
    @inlinable public subscript(slot: UInt32) -> Element {
        unsafeAddress {
            precondition(slot <= capacity, "a slot is inside its slab")
            return unsafe UnsafePointer(elements + Int(slot))
        }
        unsafeMutableAddress {
            precondition(slot <= capacity, "a slot is inside its slab")
            return unsafe elements + Int(slot)
        }
    }

    /// Where a slot is, for hot code that visits one value several times. `slot` is
    /// `0 ... capacity`: checked in debug builds only. Valid as long as the slab.
    @inlinable public func pointer(_ slot: UInt32) -> UnsafeMutablePointer<Element> {
        assert(slot <= capacity, "a slot is inside its slab")
        return unsafe elements + Int(slot)
    }
}
