// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: a hint reads nothing, so any address will do; a line is copied from 64 readable bytes, as
// the caller has found.
public import CPlatform

/// Hints to fetch a cache line before it is needed. Any address is allowed: a hint never faults.
public enum Prefetch {
    /// The line will be read.
    @unsafe @inlinable @inline(__always) @_noLocks
    public static func read(_ address: UnsafeRawPointer) {
        unsafe _unsafePerformance { unsafe cplatform_prefetch_read(address) }
    }

    /// The line will be written.
    @unsafe @inlinable @inline(__always) @_noLocks
    public static func write(_ address: UnsafeRawPointer) {
        unsafe _unsafePerformance { unsafe cplatform_prefetch_write(address) }
    }
}

/// The observer's copy of 64 bytes, word by word.
@usableFromInline internal enum RingCopy {
    @unsafe @inlinable @inline(__always)
    static func line<Record: BitwiseCopyable>(
        _ address: UnsafeRawPointer, as type: Record.Type
    ) -> Record {
        let line = unsafe cplatform_copy_line(address)
        return unsafe withUnsafeBytes(of: line) { unsafe $0.loadUnaligned(as: type) }
    }
}
