// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Glibc
internal import OrderEntryClient

/// Whole small text files.
enum TextFile {
    static func read(_ path: String) throws(ClientError) -> String {
        let lines = try LineReader(path: path)
        var text = ""
        while let line = lines.next() { text += line + "\n" }
        return text
    }
}

/// Lines of a file, or of what a program prints.
///
/// SAFETY: `stream` is open from `init` to `deinit`; `buffer` belongs to getline, which grows it,
/// and is freed once, in `deinit`. A line is copied before the next call.
@safe final class LineReader {
    private let stream: UnsafeMutablePointer<FILE>
    private let child: pid_t
    private var buffer: UnsafeMutablePointer<CChar>?
    private var capacity = 0
    let path: String
    private(set) var lineNumber = 0

    init(path: String) throws(ClientError) {
        guard let stream = unsafe fopen(path, "r") else {
            let reason = SystemText.of(errno)
            throw ClientError("\(path): \(reason)")
        }
        unsafe self.stream = stream
        self.path = path
        child = 0
    }

    /// Reads one member of a zip through unzip, which every distribution has; a decompressor of our
    /// own would be the larger risk.
    init(zip: String, member: String) throws(ClientError) {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw ClientError("pipe failed: errno \(errno)") }
        // Else the next child would hold this pipe open, and this one would never see its end.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        let words = ["unzip", "-p", zip, member]
        let arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        var child: pid_t = 0
        let result = unsafe posix_spawnp(&child, "unzip", &actions, nil, arguments, environ)
        unsafe arguments.forEach { unsafe free($0) }
        unsafe posix_spawn_file_actions_destroy(&actions)
        close(ends[1])
        guard result == 0, let stream = unsafe fdopen(ends[0], "r") else {
            close(ends[0])
            throw ClientError(
                "\(zip): unzip does not start: install it (apt-get install unzip), or unpack the "
                    + "file and give MESSAGE.csv,BOOK.csv")
        }
        unsafe self.stream = stream
        path = "\(zip):\(member)"
        self.child = child
    }

    deinit {
        unsafe fclose(stream)
        unsafe free(buffer)
        if child > 0 {
            var status: Int32 = 0
            unsafe waitpid(child, &status, 0)
        }
    }

    /// The next line without its end; nil at the end of the file.
    func next() -> String? {
        let count = unsafe getline(&buffer, &capacity, stream)
        guard count >= 0, let buffer = unsafe buffer else { return nil }
        lineNumber += 1
        var end = count
        while end > 0, unsafe buffer[end - 1] == 10 || buffer[end - 1] == 13 { end -= 1 }
        let bytes = unsafe UnsafeBufferPointer(start: buffer, count: end)
        return unsafe String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The whole numbers of the next line; those with a point are cut there.
    func nextNumbers() throws(ClientError) -> [Int64]? {
        let count = unsafe getline(&buffer, &capacity, stream)
        guard count >= 0, let buffer = unsafe buffer else { return nil }
        lineNumber += 1
        var numbers: [Int64] = []
        var number: Int64 = 0
        var isNegative = false
        var isFraction = false
        for index in 0..<count {
            let byte = unsafe UInt8(bitPattern: buffer[index])
            switch byte {
            case 48...57: if !isFraction { number = number &* 10 &+ Int64(byte - 48) }
            case 45: isNegative = true
            case 46: isFraction = true
            case 13: break
            case 44, 10:
                numbers.append(isNegative ? -number : number)
                (number, isNegative, isFraction) = (0, false, false)
            default: throw ClientError("\(path):\(lineNumber): no number at column \(index + 1)")
            }
        }
        if count > 0, unsafe buffer[count - 1] != 10 {
            numbers.append(isNegative ? -number : number)
        }
        return numbers
    }
}

/// The two files of a LOBSTER sample, row by row.
struct LobsterFiles {
    private let messages: LineReader
    private let books: LineReader

    init(_ path: String) throws(ClientError) {
        if path.hasSuffix(".zip") {
            // Opened once by ourselves, for a clear error.
            _ = try LineReader(path: path)
            messages = try LineReader(zip: path, member: "*_message_10.csv")
            books = try LineReader(zip: path, member: "*_orderbook_10.csv")
            return
        }
        let parts = path.split(separator: ",").map(String.init)
        guard parts.count == 2 else {
            throw ClientError("\(path): expected a .zip, or MESSAGE.csv,BOOK.csv")
        }
        messages = try LineReader(path: parts[0])
        books = try LineReader(path: parts[1])
    }

    func next() throws(ClientError) -> (message: LobsterMessage, book: LobsterRow)? {
        guard let message = try messages.nextNumbers(), let book = try books.nextNumbers() else {
            if messages.lineNumber == 0 {
                throw ClientError("\(messages.path): no row: is this a ten-level sample?")
            }
            return nil
        }
        guard message.count == 6, let message = LobsterMessage(message.dropFirst()) else {
            throw ClientError(
                "\(messages.path):\(messages.lineNumber): expected time,type,id,size,price,side "
                    + "with a price in whole cents")
        }
        guard let row = LobsterRow(book) else {
            throw ClientError("\(books.path):\(books.lineNumber): expected ten levels, 40 numbers")
        }
        return (message, row)
    }
}
