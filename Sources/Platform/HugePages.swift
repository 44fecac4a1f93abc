// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
internal import Glibc

/// The number of a memory node, from 0.
public struct NUMANode: RawRepresentable, Hashable, Comparable, Sendable {
    /// As the kernel counts nodes: 0 ..< 1024.
    public let rawValue: Int

    /// Any number; whether the node exists is found out where it is used.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// By number.
    public static func < (left: NUMANode, right: NUMANode) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// What a region is made of, largest first.
public enum PageSize: String, Sendable, CaseIterable {
    /// Reserved pages of 1 GB.
    case huge1G = "1 GB"
    /// Reserved pages of 2 MB.
    case huge2M = "2 MB"
    /// Normal pages, which the kernel was asked to join into huge ones.
    case transparent = "transparent"
    /// Normal pages, of 4 KB on x86.
    case small = "4 KB"

    /// Bytes of one page; of the smallest where several sizes are mixed.
    internal var byteCount: Int {
        switch self {
        case .huge1G: 1 << 30
        case .huge2M: 1 << 21
        case .transparent, .small: 4_096
        }
    }

    fileprivate var shift: Int32 {
        switch self {
        case .huge1G: 30
        case .huge2M, .transparent: 21
        case .small: 12
        }
    }
}

/// A zeroed region of memory whose pages are all present from the start, on huge pages if the
/// machine has them free.
///
/// Threading: one owner; the memory itself may be shared by whoever holds pointers into it.
/// SAFETY: `base ..< base + byteCount` is mapped, readable and writable from `init` to `deinit`.
/// Pointers into it are valid as long as the owner lives, which is for their holder to see to.
@safe public struct HugePages: ~Copyable, @unchecked Sendable {
    /// The first byte, aligned to the page.
    public let base: UnsafeMutableRawPointer
    /// What was asked for, rounded up to whole pages.
    public let byteCount: Int
    /// What the region is made of.
    public let pageSize: PageSize
    /// What was asked for. Plain fields only: the optimiser of Swift 6.3 released a stored text of
    /// a `~Copyable` owner twice.
    private let preferred: PageSize

    /// Huge pages of 2 MB that were wanted for it and not there; 0 = it is what it should be.
    public var missingHugePages: Int {
        pageSize == preferred ? 0 : (byteCount + 0x1F_FFFF) >> 21
    }

    /// Maps at least `byteCount` bytes (1 or more).
    ///
    /// Tries `preferred` and then each smaller page size. 1 GB pages are tried only from 1 GB on.
    /// With a `node`, on a machine that has several, the pages come from that node.
    /// Throws `.memory` if even normal pages are refused, `.processor` if there is no such node.
    public init(
        byteCount: Int, node: NUMANode? = nil, preferred: PageSize = .huge2M
    ) throws(PlatformError) {
        precondition(byteCount > 0, "a region has at least one byte")
        let nodeNumber = try Self.bindingNumber(node)
        let candidates = Self.candidates(from: preferred, byteCount: byteCount)
        for size in candidates {
            let pageMask = (1 << Int(size.shift)) - 1
            let rounded = (byteCount + pageMask) & ~pageMask
            let reserved = size == .huge1G || size == .huge2M
            if let base = unsafe cplatform_map(
                rounded, reserved ? size.shift : 0, size == .transparent, nodeNumber)
            {
                unsafe self.base = base
                self.byteCount = rounded
                self.pageSize = size
                self.preferred = candidates[0]
                return
            }
            let number = errno
            guard size != .small else {
                throw PlatformError(
                    .memory, cause: "cannot map \(rounded) bytes", errno: number,
                    cure: "Free memory, or configure smaller capacities.")
            }
        }
        preconditionFailure("normal pages are always the last candidate")
    }

    deinit { unsafe cplatform_unmap(base, byteCount) }

    private static func candidates(from preferred: PageSize, byteCount: Int) -> [PageSize] {
        PageSize.allCases.drop { $0 != preferred }.filter { size in
            switch size {
            case .huge1G: byteCount >= 1 << 30
            case .transparent: byteCount >= 1 << 21
            case .huge2M, .small: true
            }
        }
    }

    private static func bindingNumber(_ node: NUMANode?) throws(PlatformError) -> Int32 {
        guard let node else { return -1 }
        let nodeCount = Int(cplatform_node_count())
        guard (0..<nodeCount).contains(node.rawValue) else {
            throw PlatformError(
                .processor, cause: "there is no NUMA node \(node.rawValue)",
                cure: "This machine has nodes 0 to \(nodeCount - 1).")
        }
        return nodeCount > 1 ? Int32(node.rawValue) : -1
    }
}
