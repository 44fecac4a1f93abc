// SPDX-License-Identifier: Apache-2.0

/// Bump allocation inside one region, at start. What it hands out is zero and lives as long as the
/// arena; there is no free.
///
/// Threading: one thread allocates; the memory may then be used by whoever was given it.
/// SAFETY: pieces never overlap and never leave the region; only bitwise types are handed out, so
/// zero bytes need no initialiser and nothing needs a deinitialiser.
@safe public struct Arena: ~Copyable, Sendable {
    private let pages: HugePages
    private var usedByteCount = 0
    private var isSealed = false

    /// A region of at least `byteCount` bytes (1 or more). Throws as `HugePages` does.
    public init(byteCount: Int, node: NUMANode? = nil) throws(PlatformError) {
        pages = try HugePages(byteCount: byteCount, node: node)
    }

    /// What is left, before alignment.
    public var bytesFree: Int { pages.byteCount - usedByteCount }
    /// What the region is made of.
    public var pageSize: PageSize { pages.pageSize }

    /// The whole of it, for the report of where everything is.
    public func region(_ name: String) -> MemoryRegion { MemoryRegion(name: name, pages) }

    /// `count` zeroed values, aligned to `alignment` bytes (a power of two, at most 4096). Traps
    /// when the arena is sealed or too small: capacities are settled before the first order.
    public mutating func allocate<T: BitwiseCopyable>(
        _ type: T.Type, count: Int, alignment: Int = 64
    ) -> UnsafeMutablePointer<T> {
        precondition(!isSealed, "the arena is sealed: nothing allocates after start")
        precondition(count >= 0, "an arena hands out zero or more values")
        precondition(
            alignment > 0 && alignment & (alignment - 1) == 0 && alignment <= 4096,
            "an alignment is a power of two up to 4096")
        let aligned = max(alignment, MemoryLayout<T>.alignment)
        let start = (usedByteCount + aligned - 1) & ~(aligned - 1)
        let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
        precondition(
            !overflow && start <= pages.byteCount && byteCount <= pages.byteCount - start,
            "the arena is full: give it more bytes at start")
        usedByteCount = start + byteCount
        return unsafe (pages.base + start).bindMemory(to: T.self, capacity: count)
    }

    /// Ends the start-up: `allocate` traps from here on.
    public mutating func seal() { isSealed = true }
}
