// SPDX-License-Identifier: Apache-2.0
internal import Platform

/// A view of values that the engine's arena or order pool owns.
///
/// SAFETY: the memory is zeroed, holds `count` values, and lives as long as the engine, which owns
/// arena and pool; no table leaves the engine. Every index is a slot, level, word or number that
/// the engine itself made or has checked against its limits on entry, so it is checked again in
/// debug builds only.
@safe struct Table<Element: BitwiseCopyable>: @unchecked Sendable {
    let base: UnsafeMutablePointer<Element>
    let count: Int

    init(_ arena: inout Arena, count: Int) {
        unsafe base = arena.allocate(Element.self, count: count)
        self.count = count
    }

    /// All slots of a pool, slot 0 included.
    init(_ pool: borrowing Slab<Element>) {
        unsafe base = pool.pointer(0)
        count = Int(pool.capacity) + 1
    }

    /// The value at an index, in place.
    subscript(index: Int) -> Element {
        @inline(__always) unsafeAddress {
            assert(index >= 0 && index < count, "an index is inside its table")
            return unsafe UnsafePointer(base + index)
        }
        @inline(__always) nonmutating unsafeMutableAddress {
            assert(index >= 0 && index < count, "an index is inside its table")
            return unsafe base + index
        }
    }

    /// The same for a 32-bit slot or number.
    subscript(index: UInt32) -> Element {
        @inline(__always) unsafeAddress {
            assert(index < count, "an index is inside its table")
            return unsafe UnsafePointer(base + Int(index))
        }
        @inline(__always) nonmutating unsafeMutableAddress {
            assert(index < count, "an index is inside its table")
            return unsafe base + Int(index)
        }
    }

    /// Asks the core to fetch a value for writing; any index is allowed.
    @inline(__always) func prefetch(_ index: UInt32) {
        unsafe _unsafePerformance { unsafe Prefetch.write(base + Int(index)) }
    }
}

// Tables whose first values ascend. Cold: to insert and to remove moves all behind.
extension Table {
    /// The first index of `range` whose value is not before what is looked for, or its end.
    func position(in range: Range<UInt32>, isBefore: (Element) -> Bool) -> UInt32 {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = low &+ (high &- low) / 2
            if isBefore(self[middle]) { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    /// Puts a value before those from `position` on, of `count`; there is room for it.
    func insert(_ value: Element, at position: UInt32, count: inout UInt32) {
        var last = count
        while last > position {
            self[last] = self[last &- 1]
            last &-= 1
        }
        self[position] = value
        count &+= 1
    }

    /// Takes the value at `position` out, of `count`.
    func remove(at position: UInt32, count: inout UInt32) {
        count &-= 1
        for place in position..<count { self[place] = self[place &+ 1] }
    }
}

extension Table where Element == OrderNode {
    /// Stores a whole order: its two halves.
    @inline(__always)
    func store(_ slot: UInt32, _ first: SIMD4<UInt64>, _ second: SIMD4<UInt64>) {
        assert(slot < count, "an index is inside its table")
        let line = unsafe UnsafeMutableRawPointer(base + Int(slot))
        unsafe line.storeBytes(of: first, as: SIMD4<UInt64>.self)
        unsafe line.storeBytes(of: second, toByteOffset: 32, as: SIMD4<UInt64>.self)
    }
}

extension Table where Element == UInt32 {
    /// Which of eight words from an index on, a multiple of 8, are a value: bit n for word n.
    @inline(__always)
    func places(at index: UInt32, of value: UInt32) -> UInt32 {
        assert(index & 7 == 0 && Int(index) + 8 <= count, "an index is inside its table")
        return unsafe EightWords.places(at: base + Int(index), of: value)
    }
}

extension Table where Element == OrderLinks {
    /// Says who is behind an order at its level; of slot 0: who is the level's first.
    @inline(__always)
    func setNext(of slot: UInt32, or levels: Table<Level>, _ level: UInt32, to next: UInt32) {
        unsafe line(slot, or: levels, level).storeBytes(of: next, as: UInt32.self)
    }

    /// Says who is before an order at its level; of slot 0: who is the level's last.
    @inline(__always)
    func setPrevious(
        of slot: UInt32, or levels: Table<Level>, _ level: UInt32, to previous: UInt32
    ) {
        unsafe line(slot, or: levels, level)
            .storeBytes(of: previous, toByteOffset: 4, as: UInt32.self)
    }

    @inline(__always)
    private func line(
        _ slot: UInt32, or levels: Table<Level>, _ level: UInt32
    ) -> UnsafeMutableRawPointer {
        assert(slot < count && level < levels.count, "an index is inside its table")
        let own = unsafe UnsafeMutableRawPointer(base + Int(slot))
        let ends = unsafe UnsafeMutableRawPointer(levels.base + Int(level))
        return unsafe slot != 0 ? own : ends
    }
}
