// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// A counters file as a tool reads it, while it is written on.
///
/// A file is never mapped but copied at each look: whoever may write in its folder may cut it, and
/// behind the end of a mapped file is a signal.
///
/// Threading: any thread; a view does not change.
/// SAFETY: `base ..< base + byteCount` of a region is mapped as long as the region is held; what is
/// read of a file goes into memory of this process that is as large as the read says. Offsets of
/// the table were checked against `byteCount`, which every copy has.
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
    /// Whole numbers of eight bytes.
    private let byteCount: Int
    /// The open file, or -1.
    private let file: Int32
    /// The memory when there is no file.
    private let region: CountersRegion?

    /// Opens a file that a person named. The error says what is wrong with it.
    public convenience init(path: String) throws(CountersError) {
        try self.init(path: path, isFound: false)
    }

    /// Opens a file that lay in one of ``CountersFolders``. Where any user may write, only what
    /// belongs to root or to this process's user is taken: throws `.stranger` for the rest.
    public convenience init(found path: String) throws(CountersError) {
        try self.init(path: path, isFound: true)
    }

    private init(path: String, isFound: Bool) throws(CountersError) {
        let link = isFound ? O_NOFOLLOW : 0
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | link)
        guard file >= 0 else { throw CountersError(path: path, errno: errno) }
        self.file = file
        self.path = path
        region = nil
        do throws(CountersError) {
            byteCount = try Self.size(file, path, isFound: isFound)
            // The magic number by itself, first: what it vouches for is read after it.
            let magic = try Self.read(file, path, offset: 0, byteCount: 8)[0]
            guard UInt64(littleEndian: magic) == CountersFormat.magic else {
                throw CountersError(path: path, .malformed)
            }
            // Acquire: pairs with the release in `CountersRegion.describe`.
            atomicMemoryFence(ordering: .acquiring)
            let words = try Self.read(file, path, offset: 0, byteCount: byteCount)
            (identity, entries) = try Self.parse(words, path)
        } catch {
            close(file)
            throw error
        }
    }

    /// The numbers of this process itself.
    public init(_ region: CountersRegion) {
        path = nil
        file = -1
        self.region = region
        byteCount = region.byteCount
        let parser = unsafe CountersParser(
            base: UnsafeRawPointer(region.base), byteCount: byteCount, path: "")
        guard let parsed = try? parser.parse() else {
            preconditionFailure("a region describes itself as the format wants")
        }
        (identity, entries) = parsed
    }

    deinit { if file >= 0 { close(file) } }

    /// All of it as it is now, eight bytes each. Throws `.malformed` when the file was cut.
    func words() throws(CountersError) -> [UInt64] {
        guard let path else { return regionWords }
        var words = try Self.read(file, path, offset: 0, byteCount: byteCount)
        // Acquire: pairs with the release in `LatencyRecorder.record`. The largest is read again
        // after the classes, so that it is not behind them.
        atomicMemoryFence(ordering: .acquiring)
        for entry in entries where entry.kind == .histogram {
            words[entry.offset / 8] =
                try Self.read(file, path, offset: entry.offset, byteCount: 8)[0]
        }
        return words
    }

    private var regionWords: [UInt64] {
        guard let region else { return [] }
        var words = [UInt64](repeating: 0, count: byteCount / 8)
        // From the end: of a histogram the largest is read last, and is not behind the classes.
        for index in words.indices.reversed() {
            // Acquire: pairs with the release in `LatencyRecorder.record`.
            words[index] = unsafe (region.base + 8 * index)
                .assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .acquiring)
        }
        return words
    }

    private static func size(
        _ file: Int32, _ path: String, isFound: Bool
    ) throws(CountersError) -> Int {
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else {
            throw CountersError(path: path, errno: errno)
        }
        if isFound, status.st_uid != 0, status.st_uid != geteuid() {
            var folder = stat()
            let name = path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
            guard unsafe stat(name, &folder) == 0, folder.st_mode & mode_t(S_IWOTH) == 0 else {
                throw CountersError(path: path, .stranger)
            }
        }
        let size = Int(status.st_size)
        guard status.st_mode & mode_t(S_IFMT) == mode_t(S_IFREG), size % 8 == 0,
            size >= CountersFormat.headerByteCount, size <= CountersFormat.fileByteCountMax
        else { throw CountersError(path: path, .malformed) }
        return size
    }

    /// Aligned numbers of eight bytes: the kernel's copy takes each of them whole.
    private static func read(
        _ file: Int32, _ path: String, offset: Int, byteCount: Int
    ) throws(CountersError) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: byteCount / 8)
        let count = unsafe words.withUnsafeMutableBytes { bytes in
            unsafe pread(file, bytes.baseAddress, bytes.count, off_t(offset))
        }
        guard count >= 0 else { throw CountersError(path: path, errno: errno) }
        guard count == byteCount else { throw CountersError(path: path, .malformed) }
        return words
    }

    private static func parse(
        _ words: [UInt64], _ path: String
    ) throws(CountersError) -> (CountersIdentity, [Entry]) {
        let result = unsafe words.withUnsafeBytes {
            bytes -> Result<(CountersIdentity, [Entry]), CountersError> in
            guard let base = bytes.baseAddress else {
                return .failure(CountersError(path: path, .malformed))
            }
            let parser = unsafe CountersParser(base: base, byteCount: bytes.count, path: path)
            do throws(CountersError) {
                return .success(try parser.parse())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
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
        /// This user may not read it.
        case permission
        /// Another user made it where any user may write.
        case stranger
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
        case .stranger:
            "\(path) belongs to another user, who may have made it up: name it with --file if you "
                + "trust it."
        case .version(let found):
            "\(path) has version \(found) and this program reads \(CountersFormat.version): use "
                + "the needletail that the gateway was started with."
        case .malformed: "\(path) is not a counters file of a gateway, or is cut."
        case .system(let number):
            "\(path) cannot be read (\(SystemText.of(number))): name another file."
        }
    }
}
