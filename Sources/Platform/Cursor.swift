// SPDX-License-Identifier: Apache-2.0
public import Synchronization

/// A sequence number that one thread writes and others read, at an address in a region.
///
/// SAFETY: the address is 8-aligned, holds nothing but this number, and outlives the cursor;
/// whoever makes a cursor promises that. All access is atomic.
@safe public struct Cursor: @unchecked Sendable {
    /// Cursors lie this far apart: the core fetches lines of 64 bytes in pairs.
    @inlinable public static var strideByteCount: Int { @_noLocks get { 128 } }

    @usableFromInline internal let value: UnsafeMutablePointer<Atomic<UInt64>>

    /// Over memory that already holds a number (zeroed memory holds 0).
    @unsafe @inlinable @_noLocks public init(at address: UnsafeMutableRawPointer) {
        unsafe value = address.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// Acquire: what the writer did before its `store` of this number is seen after it.
    @inlinable @inline(__always) @_noLocks public func load() -> UInt64 {
        unsafe value.pointee.load(ordering: .acquiring)
    }

    /// Release: pairs with the acquire of `load`. By the cursor's one writing thread only.
    @inlinable @inline(__always) @_noLocks public func store(_ sequence: UInt64) {
        unsafe value.pointee.store(sequence, ordering: .releasing)
    }

    /// Adds in one step, with acquire and release, and says what was there before: for numbers that
    /// several threads change.
    @_noLocks internal func add(_ count: UInt64) -> UInt64 {
        unsafe value.pointee.wrappingAdd(count, ordering: .acquiringAndReleasing).oldValue
    }

    /// No order of its own: goes with a fence, as in `RingWriter.claim`.
    @inlinable @inline(__always) @_noLocks internal func loadRelaxed() -> UInt64 {
        unsafe value.pointee.load(ordering: .relaxed)
    }

    /// No order of its own: goes with a fence, as in `RingObserver.next`.
    @inlinable @inline(__always) @_noLocks internal func storeRelaxed(_ sequence: UInt64) {
        unsafe value.pointee.store(sequence, ordering: .relaxed)
    }
}
