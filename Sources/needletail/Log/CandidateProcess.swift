// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: bytes are read into `buffer`, and values out of it, within its bounds.
internal import ArgumentParser
internal import Foundation
internal import Platform
internal import Wire

/// Another build's program under way. What it says of errors goes where ours goes.
final class CandidateProcess {
    private let path: String
    private let process = Process()
    private let pipe = Pipe()

    /// What it writes.
    var output: Int32 { pipe.fileHandleForReading.fileDescriptor }

    /// Starts it; ends this program with a message when it cannot be run.
    init(_ path: String, _ arguments: [String]) throws {
        self.path = path
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        do { try process.run() } catch {
            throw Self.refuse(
                "\(path) cannot be run: name the candidate's program, needletail of its build")
        }
        try? pipe.fileHandleForWriting.close()
    }

    /// A message about it; the exit code to throw.
    func refusal(_ what: String) -> ExitCode { Self.refuse("the candidate \(path): \(what)") }

    private static func refuse(_ text: String) -> ExitCode {
        LogSource.note(text)
        return Exit.unavailable
    }

    /// It has ended of itself, and says that all went well. Waits for its end.
    var hasSucceeded: Bool {
        process.waitUntilExit()
        return process.terminationReason == .exit && process.terminationStatus == 0
    }

    /// Ends it, if it has not: at once, for it only reads, and holds back signals as this program
    /// does.
    func end() {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }
}

/// Reads what a candidate writes, a block at a time.
final class CandidateReader {
    private static let byteCount = 1 << 16
    private let file: Int32
    private var buffer = [UInt8](repeating: 0, count: byteCount)
    private var used = 0
    private var filled = 0
    /// An operator has asked for the end.
    private(set) var isStopped = false

    init(_ file: Int32) { self.file = file }

    /// The stream's first bytes; nil when there are none.
    func header(_ stop: StopSignal) throws -> EventStreamHeader? {
        take(EventStreamHeader.self, stop)
    }

    /// The next event, waited for; nil at the candidate's end, and when the end is asked for.
    func next(_ stop: StopSignal) -> EventStreamEntry? { take(EventStreamEntry.self, stop) }

    /// All that the candidate wrote is taken, and nothing more comes.
    var hasEnded: Bool {
        guard used == filled else { return false }
        var waiting = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
        _ = unsafe poll(&waiting, 1, 0)
        return Int32(waiting.revents) & (POLLIN | POLLHUP) == POLLHUP
    }

    private func take<Value: BitwiseCopyable>(_ type: Value.Type, _ stop: StopSignal) -> Value? {
        let size = MemoryLayout<Value>.size
        while filled - used < size {
            guard fill(stop) else { return nil }
        }
        defer { used += size }
        return unsafe buffer.withUnsafeBytes {
            unsafe $0.loadUnaligned(fromByteOffset: used, as: Value.self)
        }
    }

    /// False at the end, and when it is asked for.
    private func fill(_ stop: StopSignal) -> Bool {
        buffer.removeSubrange(0..<used)
        filled -= used
        used = 0
        buffer.append(contentsOf: repeatElement(0, count: Self.byteCount - buffer.count))
        while true {
            var waiting = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
            if unsafe poll(&waiting, 1, 50) > 0 { break }
            if stop.wait(milliseconds: 0) {
                isStopped = true
                return false
            }
        }
        let count = unsafe buffer.withUnsafeMutableBytes {
            unsafe read(file, $0.baseAddress! + filled, $0.count - filled)
        }
        filled += max(count, 0)
        // Ctrl-C ends the candidate too.
        if count <= 0, stop.wait(milliseconds: 50) { isStopped = true }
        return count > 0
    }
}
