// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A counters file as a tool reads it, while it is written on.
///
/// Threading: any thread; a view does not change.
/// SAFETY: `base ..< base + byteCount` is mapped and readable from `init` to `deinit`: of a file as
/// long as nobody cuts it, which its writer never does. Offsets of the table were checked against
/// that; numbers are loaded atomically.
@safe public final class CountersView: @unchecked Sendable {
    /// One line of the table.
    public struct Entry: Sendable, Equatable {
        /// What is counted, `stage.decode.cycles`.
        public let name: String
        /// How it goes on.
        public let kind: CounterKind
        /// What it is measured in.
        public let unit: CounterUnit
        /// Whose it is; nil: the whole gateway's.
        public let shard: UInt32?
        let offset: Int
        let wordCount: Int
    }

    /// The file; nil over a region of this process.
    public let path: String?
    /// Whose numbers these are.
    public let identity: CountersIdentity
    /// The table.
    public let entries: [Entry]
    private let base: UnsafeRawPointer
    private let byteCount: Int
    /// Keeps the memory when there is no file.
    private let region: CountersRegion?

    /// Maps a file. The error says what is wrong with it.
    public init(path: String) throws(CountersError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw CountersError(path: path, errno: errno) }
        defer { close(file) }
        let size = lseek(file, 0, SEEK_END)
        guard size >= CountersFormat.headerByteCount, size < 1 << 30 else {
            throw CountersError(path: path, .malformed)
        }
        byteCount = Int(size)
        let base = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, file, 0)
        guard let base = unsafe base, unsafe base != UnsafeMutableRawPointer(bitPattern: -1) else {
            throw CountersError(path: path, errno: errno)
        }
        unsafe self.base = UnsafeRawPointer(base)
        self.path = path
        region = nil
        do throws(CountersError) {
            (identity, entries) = unsafe try CountersParser(
                base: UnsafeRawPointer(base), byteCount: byteCount, path: path
            ).parse()
        } catch {
            unsafe munmap(base, byteCount)
            throw error
        }
    }

    /// The numbers of this process itself.
    public init(_ region: CountersRegion) {
        path = nil
        self.region = region
        byteCount = region.byteCount
        unsafe base = UnsafeRawPointer(region.base)
        let parser = unsafe CountersParser(
            base: UnsafeRawPointer(region.base), byteCount: byteCount, path: "")
        guard let parsed = try? parser.parse() else {
            preconditionFailure("a region describes itself as the format wants")
        }
        (identity, entries) = parsed
    }

    deinit {
        if region == nil { unsafe munmap(UnsafeMutableRawPointer(mutating: base), byteCount) }
    }

    /// The numbers of an entry now: one, or those of a histogram.
    public func values(_ entry: Entry) -> [UInt64] {
        var values = [UInt64](repeating: 0, count: entry.wordCount)
        // From the end: of a histogram the largest is read last, and is not behind the classes.
        for index in values.indices.reversed() {
            // Acquire: pairs with the release in `LatencyRecorder.record`.
            values[index] = unsafe UnsafeMutableRawPointer(
                mutating: base + entry.offset + 8 * index
            ).assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .acquiring)
        }
        return values
    }

    /// Whether the process that writes is still there.
    public var isAlive: Bool {
        guard let path else { return true }
        return CountersFolders.isLocked(path)
    }
}

/// Why a counters file cannot be read.
public struct CountersError: Error, Equatable, CustomStringConvertible, Sendable {
    /// What is wrong with it.
    public enum Kind: Equatable, Sendable {
        /// There is no such file.
        case absent
        /// It belongs to somebody else.
        case permission
        /// It has this version of the format, which this program does not read.
        case version(UInt32)
        /// It is no counters file, or not a whole one.
        case malformed
        /// The system said so, an errno.
        case system(Int32)
    }
    /// The file.
    public let path: String
    /// For code to decide on.
    public let kind: Kind

    init(path: String, _ kind: Kind) {
        self.path = path
        self.kind = kind
    }

    init(path: String, errno number: Int32) {
        self.path = path
        switch number {
        case ENOENT: kind = .absent
        case EACCES, EPERM: kind = .permission
        default: kind = .system(number)
        }
    }

    /// One sentence with cause and cure.
    public var description: String {
        switch kind {
        case .absent: "There is no counters file \(path): is the gateway running on this host?"
        case .permission:
            "\(path) may not be read: use the gateway's account, or join its group."
        case .version(let found):
            "\(path) has version \(found) and this program reads \(CountersFormat.version): use "
                + "the needletail that the gateway was started with."
        case .malformed: "\(path) is not a counters file of a gateway, or is cut."
        case .system(let number):
            "\(path) cannot be read (\(SystemText.of(number))): name another file."
        }
    }
}
