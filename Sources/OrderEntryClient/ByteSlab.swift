// SPDX-License-Identifier: Apache-2.0

/// A fixed block of bytes with checked access: the only raw memory of a session.
///
/// SAFETY: `base` is initialised for `0 ..< byteCount` from `init` to `deinit`, never escapes, and
/// every access checks its range first. Loads and stores are unaligned and of plain values only.
@safe @usableFromInline struct ByteSlab: ~Copyable {
    @usableFromInline internal let base: UnsafeMutableRawPointer
    let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
        unsafe base = .allocate(byteCount: byteCount, alignment: 64)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    // Inlinable: else the optimiser of Swift 6.3 stops over it in the accessors of its owners.
    @inlinable deinit { unsafe base.deallocate() }

    private func check(_ offset: Int, _ count: Int) {
        precondition(offset >= 0 && count >= 0 && offset <= byteCount &- count, "inside the slab")
    }

    func load<T: BitwiseCopyable>(at offset: Int, as type: T.Type) -> T {
        check(offset, MemoryLayout<T>.size)
        return unsafe base.loadUnaligned(fromByteOffset: offset, as: type)
    }

    mutating func store<T: BitwiseCopyable>(_ value: T, at offset: Int) {
        check(offset, MemoryLayout<T>.size)
        unsafe base.storeBytes(of: value, toByteOffset: offset, as: T.self)
    }

    /// Copies `bytes` in.
    mutating func store(bytes: RawSpan, at offset: Int) {
        check(offset, bytes.byteCount)
        let target = unsafe base + offset
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe target.copyMemory(from: start, byteCount: source.count)
        }
    }

    /// Copies `count` bytes out to `target` at `targetOffset`.
    func copy(from offset: Int, count: Int, to target: inout MutableRawSpan, at targetOffset: Int) {
        check(offset, count)
        precondition(targetOffset >= 0 && targetOffset <= target.byteCount &- count, "room")
        let source = unsafe base + offset
        unsafe target.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe (start + targetOffset).copyMemory(from: source, byteCount: count)
        }
    }

    /// Bytes in place, to be read.
    @_lifetime(borrow self)
    func span(from offset: Int, count: Int) -> RawSpan {
        check(offset, count)
        let buffer = unsafe UnsafeRawBufferPointer(start: base + offset, count: count)
        return unsafe _overrideLifetime(RawSpan(_unsafeBytes: buffer), borrowing: self)
    }

    /// Bytes in place, to be written.
    @_lifetime(&self)
    mutating func mutableSpan(from offset: Int, count: Int) -> MutableRawSpan {
        check(offset, count)
        let buffer = unsafe UnsafeMutableRawBufferPointer(start: base + offset, count: count)
        return unsafe _overrideLifetime(MutableRawSpan(_unsafeBytes: buffer), mutating: &self)
    }

    /// For system calls: valid while the slab lives.
    func address(of offset: Int) -> UnsafeMutableRawPointer {
        check(offset, 0)
        return unsafe base + offset
    }
}

extension RawSpan {
    /// A plain value at `offset`; the range is checked.
    func value<T: BitwiseCopyable>(at offset: Int, as type: T.Type) -> T {
        precondition(offset >= 0 && offset <= byteCount &- MemoryLayout<T>.size, "in the span")
        // SAFETY: the range was checked; any bytes make a value of the fixed layouts.
        return unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: type)
    }
}

extension MutableRawSpan {
    /// Writes a plain value at `offset`; the range is checked.
    @_lifetime(self: copy self)
    mutating func write<T: BitwiseCopyable>(_ value: T, at offset: Int) {
        precondition(offset >= 0 && offset <= byteCount &- MemoryLayout<T>.size, "in the span")
        storeBytes(of: value, toByteOffset: offset, as: T.self)
    }
}
