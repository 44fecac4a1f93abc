// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: memory is passed by address; what it must hold and for how long is said at each member.

/// An open file of a `JournalStorage`; means something to the storage that gave it only.
public struct JournalFile: RawRepresentable, Hashable, Sendable {
    /// A descriptor, or whatever the storage numbers its files by.
    public var rawValue: Int32
    /// Wraps the number.
    public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// What became of a submitted write or sync.
public struct WriteCompletion: Equatable, Sendable {
    /// The number that came with it.
    public var token: UInt64
    /// Bytes that were taken (of a sync 0), or an errno as a negative number.
    public var result: Int32
    /// Both.
    public init(token: UInt64, result: Int32) {
        self.token = token
        self.result = result
    }
}

/// The files of one journal: one folder, flat.
///
/// Threading: everything but the queue (`submitWrite`, `submitSync`, `flush`, `reap`, `settle`) may
/// be called by the journal's thread and the segment maker's at once; the queue is the journal's
/// alone.
public protocol JournalStorage: AnyObject, Sendable {
    /// Where it lies and how it is written, in a line for the start-up report.
    var description: String { get }

    /// The folder's full path, for messages.
    var folder: String { get }

    /// Names of all files but folders, in any order.
    func list() throws(StorageError) -> [String]
    /// Makes a file of `byteCount` zero bytes that are the file's own (or ENOSPC), mode 0600, open
    /// for writing; whatever had the name is gone. Durable after `sync` and `syncFolder`.
    func create(_ name: String, byteCount: Int) throws(StorageError) -> JournalFile
    /// Opens a file that is there.
    func open(_ name: String, forWriting: Bool) throws(StorageError) -> JournalFile
    /// Lets a file go. Nothing of it is in flight.
    func close(_ file: JournalFile)
    /// Bytes of a file.
    func byteCount(of file: JournalFile) throws(StorageError) -> Int
    /// Gives a file another name, at once and whole, instead of the one that had it.
    func rename(_ name: String, to newName: String) throws(StorageError)
    /// Removes a name.
    func remove(_ name: String) throws(StorageError)
    /// Reads up to `byteCount` bytes and says how many; fewer only at the file's end.
    func read(
        _ file: JournalFile, into memory: UnsafeMutableRawPointer, byteCount: Int, offset: Int
    ) throws(StorageError) -> Int
    /// Writes whole pages from page-aligned memory, all of them. Durable after `sync`.
    func write(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int, offset: Int
    ) throws(StorageError)
    /// Makes the file's bytes durable.
    func sync(_ file: JournalFile) throws(StorageError)
    /// Makes created, renamed and removed names durable.
    func syncFolder() throws(StorageError)

    /// Makes an empty file to be added to, mode 0600; whatever had the name is gone. For what
    /// recovery does not need: nobody makes it durable.
    func createPlain(_ name: String) throws(StorageError) -> JournalFile
    /// Adds bytes to the end of such a file, through the page cache. After an error some of them
    /// may be there.
    func append(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int
    ) throws(StorageError)

    /// Queues a write of whole pages from page-aligned memory, which stays as it is until the
    /// completion, which brings `token` back. Durable after a sync that is submitted behind the
    /// completion.
    func submitWrite(
        _ file: JournalFile, from memory: UnsafeRawPointer, byteCount: Int, offset: Int,
        token: UInt64
    ) throws(StorageError)
    /// Queues a sync: its completion means that all writes to the file are durable whose
    /// completions were reaped before.
    func submitSync(_ file: JournalFile, token: UInt64) throws(StorageError)
    /// Hands what is queued to the system.
    func flush() throws(StorageError)
    /// The next completion, in any order; nil when there is none yet. Never waits.
    func reap() throws(StorageError) -> WriteCompletion?
    /// Waits until there is a completion, at most so long (below a second); may come back early.
    func wait(nanos: UInt64)
    /// Waits until nothing is in flight and forgets the completions.
    func settle()
}
