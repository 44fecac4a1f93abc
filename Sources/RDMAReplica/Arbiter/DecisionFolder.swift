// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: system calls get buffers with their own counts and strings that live for the call; a
// directory entry is copied before the next is read.
internal import Glibc
internal import Platform
internal import Synchronization

/// A folder with the decisions of one key, a file for each revision: docs/formats/arbiter.md.
///
///     write `swap.PID.NONCE`, fsync ─▶ link it to `state.REVISION` ─▶ fsync folder ─▶ look
///
/// Of two links to one name the system lets one through: that is the whole compare-and-swap, and
/// nobody waits for anybody. Who was stopped before its link for so long that its revision is
/// pruned already would get through too: so the one who linked looks what is newest.
///
/// Threading: any, and any process.
final class DecisionFolder: Sendable {
    /// How far a swap has come.
    enum Step: String, CaseIterable, Sendable {
        case created, written, synchronized, linked, folderSynchronized, pruned
    }

    let path: String
    /// For tests: called on the way.
    let passes: (@Sendable (Step) -> Void)?
    /// A name that could not be made durable once is never known to be: the system forgets.
    private let failure = Mutex<ArbiterError?>(nil)

    /// Revisions that stay, so that an operator can see what was decided before.
    static let keptCount: UInt64 = 8

    init(path: String, passes: (@Sendable (Step) -> Void)? = nil) {
        self.path = path
        self.passes = passes
    }

    /// The newest decision, which is on the disk.
    func read() throws(ArbiterError) -> (decision: Decision?, revision: UInt64) {
        // Between the list and the opening others may go on, and prune what was newest.
        for _ in 0..<100 {
            let revision = try revisions().max() ?? 0
            try synchronizeFolder()
            if revision == 0 { return (nil, 0) }
            if let decision = try decision(revision) { return (decision, revision) }
        }
        throw ArbiterError("\(path) changes faster than it can be read; try again")
    }

    func swap(_ decision: Decision, for revision: UInt64) -> SwapOutcome {
        precondition(decision.flaw == nil, "a decision without a flaw")
        do throws(ArbiterError) {
            var (found, newest) = try read()
            var failure: ArbiterError?
            var tries = 0
            // Who won the revision before may have swept our file away with what others had left.
            while newest == revision, tries < 4 {
                tries += 1
                failure = try link(decision, revision: revision + 1)
                (found, newest) = try read()
            }
            if newest == revision { return .unknown(failure?.description ?? "nothing changed") }
            if tries > 0, newest == revision + 1, found == decision { prune(newest) }
            return SwapOutcome(asked: decision, found: found, revision: newest)
        } catch {
            return .unknown(error.description)
        }
    }

    /// Tries to give a decision its name. What is returned is why it does not have it; it is
    /// another's, mostly.
    private func link(
        _ decision: Decision, revision: UInt64
    ) throws(ArbiterError) -> ArbiterError? {
        let partial = "\(path)/swap.\(getpid()).\(String(decision.nonce, radix: 16))"
        defer { _ = unsafe unlink(partial) }
        try write(decision, to: partial)
        passes?(.synchronized)
        guard unsafe Glibc.link(partial, statePath(revision)) == 0 else {
            return failed("give \(partial) the name state.\(revision)")
        }
        passes?(.linked)
        return nil
    }

    private func write(_ decision: Decision, to partial: String) throws(ArbiterError) {
        // One that this very attempt left behind is nobody's: a process has one swap under way.
        _ = unsafe unlink(partial)
        let file = unsafe open(
            partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failed("create \(partial)") }
        defer { _ = close(file) }
        passes?(.created)
        let bytes = Array(decision.text.utf8)
        let count = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.write(file, $0.baseAddress, $0.count)
        }
        guard count == bytes.count else {
            // A disk that takes a part of so little has no room for the rest.
            if count >= 0 { errno = ENOSPC }
            throw failed("write \(partial)")
        }
        passes?(.written)
        // Whoever runs this, the other user of the folder reads it, whatever the umask is.
        guard fchmod(file, 0o644) == 0, fsync(file) == 0 else { throw failed("fsync \(partial)") }
    }

    /// Removes what is too old, and what swaps that never ended have left. A live swap that loses
    /// its file has lost, or tries again. Whoever cannot remove lets it be.
    private func prune(_ newest: UInt64) {
        passes?(.folderSynchronized)
        for name in (try? names()) ?? [] {
            let isOld = Self.revision(name).map { $0 + Self.keptCount <= newest } ?? false
            if isOld || name.hasPrefix("swap.") { _ = unsafe unlink("\(path)/\(name)") }
        }
        passes?(.pruned)
    }

    private func statePath(_ revision: UInt64) -> String { "\(path)/state.\(revision)" }

    private func revisions() throws(ArbiterError) -> [UInt64] {
        try names().compactMap(Self.revision)
    }

    /// `state.12` as 12; nil for every other name, `state.012` too.
    private static func revision(_ name: String) -> UInt64? {
        guard name.hasPrefix("state."), let revision = UInt64(name.dropFirst(6)), revision > 0,
            revision < UInt64.max / 2, name == "state.\(revision)"
        else { return nil }
        return revision
    }

    /// One call of the system, for as many names as a folder has here: what is there all the time
    /// and what came before what went is in the list.
    private func names() throws(ArbiterError) -> [String] {
        guard let folder = unsafe opendir(path) else { throw failed("list \(path)") }
        defer { unsafe closedir(folder) }
        var status = stat()
        guard unsafe fstat(dirfd(folder), &status) == 0 else { throw failed("examine \(path)") }
        try checkFolder(status)
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            names.append(name)
            errno = 0
        }
        guard errno == 0 else { throw failed("list \(path)") }
        return names
    }

    /// Nil when it is no longer there.
    private func decision(_ revision: UInt64) throws(ArbiterError) -> Decision? {
        let path = statePath(revision)
        let file = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw failed("open \(path)")
        }
        defer { _ = close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw failed("examine \(path)") }
        try checkFile(status, path)
        var number: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Decision.textByteCountMax + 1) {
            let count = unsafe Glibc.read(file, $0.baseAddress, $0.count)
            number = count < 0 ? errno : 0
            $1 = max(count, 0)
        }
        guard number == 0 else {
            errno = number
            throw failed("read \(path)")
        }
        do throws(ArbiterError) {
            return try Decision(text: bytes)
        } catch {
            throw ArbiterError(
                "\(path) \(error). It is the newest decision, so none is believed: find out on "
                    + "both hosts who was the last primary before you remove it")
        }
    }

    /// Only its owner, or root, may decide in it.
    private func checkFolder(_ status: stat) throws(ArbiterError) {
        let user = geteuid()
        guard [0, user].contains(status.st_uid) || user == 0, status.st_mode & 0o022 == 0 else {
            throw ArbiterError(
                "\(path) belongs to user \(status.st_uid) with mode "
                    + "\(String(status.st_mode & 0o7777, radix: 8)): whoever writes there decides "
                    + "who speaks, so give it to user \(user) alone (chown, chmod 755)")
        }
    }

    private func checkFile(_ status: stat, _ path: String) throws(ArbiterError) {
        guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o022 == 0 else {
            throw ArbiterError(
                "\(path) is no file that only its owner may write: find out who made it so")
        }
    }

    private func synchronizeFolder() throws(ArbiterError) {
        if let before = failure.withLock({ $0 }) { throw before }
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failed("open \(path)") }
        defer { _ = close(folder) }
        guard fsync(folder) == 0 else {
            let error = failed("fsync \(path)")
            failure.withLock { $0 = error }
            throw error
        }
    }

    private func failed(_ action: String) -> ArbiterError {
        let number = errno
        let cure =
            switch number {
            case ENOENT, ENOTDIR: "make the folder that `cluster.arbiter` names"
            case EACCES, EPERM: "give it to user \(geteuid())"
            case ENOSPC, EDQUOT: "make room on its disk"
            case EROFS: "mount it for writing"
            default: "find out what its disk says (dmesg)"
            }
        return ArbiterError("cannot \(action): \(SystemText.of(number)); \(cure)")
    }
}
