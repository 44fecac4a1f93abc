// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// The numbers of a running gateway, where other processes can see them: a file in shared memory
/// that tools read, or memory of this process alone.
///
/// The file is locked (`flock`) as long as it is written: one that can be locked is left over from
/// a process that was killed.
///
/// Threading: made by one thread; then each number has one writer, and everybody reads.
/// SAFETY: `base ..< base + byteCount` is mapped, writable and zeroed from `init` to `deinit`;
/// places lie in it by construction. A cell does not keep the region: its holder does.
@safe public final class CountersRegion: @unchecked Sendable {
    /// Whose numbers these are.
    public let identity: CountersIdentity
    /// The file; nil when other processes see nothing.
    public let path: String?
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    private let valuesOffset: Int
    private let file: Int32
    private let pages: Pages?

    /// `HugePages` is not to be had in a class's optional.
    private final class Pages {
        let memory: HugePages
        init(byteCount: Int) throws(PlatformError) {
            memory = try HugePages(byteCount: byteCount, preferred: .small)
        }
    }

    /// Memory of this process alone. Throws as `HugePages` does.
    public init(_ plan: CountersPlan, identity: CountersIdentity) throws(PlatformError) {
        (valuesOffset, byteCount) = Self.size(plan)
        let pages = try Pages(byteCount: byteCount)
        self.pages = pages
        unsafe base = pages.memory.base
        file = -1
        path = nil
        self.identity = identity
        describe(plan)
    }

    /// A file in `folder`, which is there, mode 0640. It is gone when the region is. Throws
    /// `.memory` with what the system said.
    public init(
        _ plan: CountersPlan, identity: CountersIdentity, folder: String
    ) throws(PlatformError) {
        let (valuesOffset, byteCount) = Self.size(plan)
        let path = "\(folder)/\(identity.fileName)"
        let made = unsafe Self.makeFile(path, byteCount: byteCount)
        guard let base = unsafe made.base else {
            throw PlatformError(
                .memory, cause: "no counters file \(path)", errno: unsafe made.errno,
                cure: "needletail top and stats will not see this gateway; the gateway goes on.")
        }
        self.valuesOffset = valuesOffset
        self.byteCount = byteCount
        self.path = path
        self.identity = identity
        unsafe self.base = base
        file = unsafe made.file
        pages = nil
        describe(plan)
    }

    deinit {
        guard let path else { return }
        unsafe unlink(path)
        unsafe munmap(base, byteCount)
        close(file)
    }

    /// The number at a place of the plan that this was made of.
    public func cell(_ place: CounterPlace) -> CounterCell {
        let offset = valuesOffset + place.word * 8
        precondition(offset + 8 <= byteCount, "a place is of the region's own plan")
        return unsafe CounterCell((base + offset).assumingMemoryBound(to: Atomic<UInt64>.self))
    }

    private static func size(_ plan: CountersPlan) -> (valuesOffset: Int, byteCount: Int) {
        let line = CountersFormat.lineByteCount
        let table = plan.entries.count * CountersFormat.entryByteCount
        let values = (CountersFormat.headerByteCount + table + line - 1) / line * line
        return (values, (values + plan.wordCount * 8 + 4_095) / 4_096 * 4_096)
    }

    /// The memory is taken here, so that a full tmpfs is an answer and not a signal later.
    private static func makeFile(
        _ path: String, byteCount: Int
    ) -> (base: UnsafeMutableRawPointer?, file: Int32, errno: Int32) {
        unsafe unlink(path + ".new")
        let file = unsafe open(
            path + ".new", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_t(0o640))
        guard file >= 0 else { return (nil, -1, errno) }
        fchmod(file, 0o640)
        var problem: Int32 = 0
        if flock(file, LOCK_EX | LOCK_NB) != 0 { problem = errno }
        if problem == 0 { problem = posix_fallocate(file, 0, off_t(byteCount)) }
        if problem == 0 {
            let base = unsafe mmap(
                nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | Int32(MAP_POPULATE), file, 0)
            if let base = unsafe base, unsafe base != UnsafeMutableRawPointer(bitPattern: -1) {
                // Its name only now, with the lock: until the magic number is there, it is nothing.
                if unsafe rename(path + ".new", path) == 0 { return unsafe (base, file, 0) }
                problem = errno
                unsafe munmap(base, byteCount)
            } else {
                problem = errno
            }
        }
        unsafe unlink(path + ".new")
        close(file)
        return (nil, -1, problem)
    }

    /// Header and table. The magic number comes last.
    private func describe(_ plan: CountersPlan) {
        typealias Header = CountersFormat.Header
        typealias Entry = CountersFormat.Entry
        put(CountersFormat.version, Header.version)
        put(UInt32(plan.entries.count), Header.entryCount)
        put(UInt64(byteCount), Header.fileByteCount)
        put(identity.startedNanos, Header.startedNanos)
        put(identity.processID, Header.processID)
        put(identity.ipv4Address, Header.ipv4Address)
        put(identity.udpPort, Header.udpPort)
        put(identity.shardCount, Header.shardCount)
        put(identity.nanosPerCycleQ48, Header.nanosPerCycleQ48)
        put(identity.port, Header.port, room: Header.portByteCount)
        put(identity.driver, Header.driver, room: Header.driverByteCount)
        put(identity.mode, Header.mode, room: Header.modeByteCount)
        for (index, entry) in plan.entries.enumerated() {
            let start = CountersFormat.headerByteCount + index * CountersFormat.entryByteCount
            put(UInt64(valuesOffset + entry.place.word * 8), start + Entry.offset)
            put(UInt32(entry.wordCount), start + Entry.wordCount)
            put(entry.kind.rawValue, start + Entry.kind)
            put(entry.unit.rawValue, start + Entry.unit)
            put(entry.shard, start + Entry.shard)
            put(entry.name, start + Entry.name, room: CountersFormat.nameByteCount)
        }
        // Release: pairs with the acquire in `CountersView`. Header and table come before it.
        unsafe base.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.store(
            CountersFormat.magic.littleEndian, ordering: .releasing)
    }

    private func put(_ value: some FixedWidthInteger & BitwiseCopyable, _ offset: Int) {
        unsafe base.storeBytes(
            of: value.littleEndian, toByteOffset: offset, as: type(of: value))
    }

    /// At least one zero byte stays behind it.
    private func put(_ text: String, _ offset: Int, room: Int) {
        for (index, byte) in text.utf8.prefix(room - 1).enumerated() {
            unsafe base.storeBytes(of: byte, toByteOffset: offset + index, as: UInt8.self)
        }
    }
}
