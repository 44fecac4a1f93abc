// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: addresses are asked about, never read.
internal import CPlatform

/// A stretch of memory that somebody holds, for the report of where everything is.
@safe public struct MemoryRegion: @unchecked Sendable {
    /// Whose it is, such as `log 0`.
    public let name: String
    /// Its size.
    public let byteCount: Int
    /// What its pages are: `2 MB`, `4 KB`, `transparent`.
    public let pages: String
    /// Huge pages of 2 MB that were wanted for it and not there.
    public let missingHugePages: Int
    private let base: UnsafeRawPointer
    private let pageByteCount: Int

    /// Memory at `base`, mapped for as long as anybody asks about it. `pageByteCount` is at least
    /// a page of the processor.
    public init(
        name: String, base: UnsafeRawPointer, byteCount: Int, pages: String, pageByteCount: Int,
        missingHugePages: Int = 0
    ) {
        self.name = name
        self.byteCount = byteCount
        self.pages = pages
        self.missingHugePages = missingHugePages
        unsafe self.base = base
        self.pageByteCount = pageByteCount
    }

    /// A region of ours.
    public init(name: String, _ memory: borrowing HugePages) {
        unsafe self.init(
            name: name, base: memory.base, byteCount: memory.byteCount,
            pages: memory.pageSize.rawValue, pageByteCount: memory.pageSize.byteCount,
            missingHugePages: memory.missingHugePages)
    }

    /// Where its pages are, as the kernel says (`move_pages`), with the number of pages looked at:
    /// all of them, or 1,024 spread evenly. Empty where the kernel cannot say.
    public func pagesByNode() -> [NUMANode: Int] {
        var found: [NUMANode: Int] = [:]
        let count = max(1, (byteCount + pageByteCount - 1) / pageByteCount)
        for page in stride(from: 0, to: count, by: max(1, count / 1_024)) {
            let node = unsafe cplatform_node_of(base + min(page * pageByteCount, byteCount - 1))
            if node >= 0 { found[NUMANode(rawValue: Int(node)), default: 0] += 1 }
        }
        return found
    }

    /// What is not on huge pages, and what would help, in a sentence; nil when all is.
    public static func warning(_ regions: [MemoryRegion]) -> String? {
        let short = regions.filter { $0.missingHugePages > 0 }
        guard !short.isEmpty else { return nil }
        let pages = short.reduce(0) { $0 + $1.missingHugePages }
        let names = short.map { "\($0.name) (\($0.missingHugePages))" }.joined(separator: ", ")
        return "\(pages) huge pages of 2 MB are not free, and smaller ones are used for \(names): "
            + "raise vm.nr_hugepages by \(pages)"
    }
}
