// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: paths and buffers are lent for one call each; a descriptor is closed by whoever opened
// it, once.
internal import CPlatform
internal import Glibc

/// Why a running gateway could not be asked, for a person to read.
public struct ControlError: Error, Equatable, CustomStringConvertible, Sendable {
    /// One sentence: cause and cure.
    public let description: String
    /// Nobody listens there.
    public var isNobody = false
    /// From its text.
    public init(_ description: String) { self.description = description }
}

/// What both ends of a control socket keep to: docs/formats/control.md.
enum ControlLimits {
    /// A request with its line feed.
    static let requestBytesMax = 1_024
    /// An answer with its line feed.
    static let answerBytesMax = 1 << 20
    /// Whoever connects has so long for its request, and for taking the answer.
    static let patienceMillis: UInt32 = 1_000
}

/// A question to a running gateway: one line there, one line back.
public enum ControlClient {
    /// Asks whoever listens at a path. Waits at most so long for the answer.
    public static func ask(
        _ line: String, at path: String, timeoutMillis: UInt32 = 2_000
    ) throws(ControlError) -> String {
        let handle = unsafe ccontrol_connect(path, timeoutMillis)
        guard handle >= 0 else { throw failure("cannot ask the gateway at \(path)", errno) }
        defer { close(handle) }
        let request = Array("\(line)\n".utf8)
        precondition(
            request.count <= ControlLimits.requestBytesMax, "requests are a few words of ours")
        let sent = unsafe send(handle, request, request.count, Int32(MSG_NOSIGNAL))
        guard sent == request.count else {
            throw failure("cannot ask the gateway at \(path)", errno)
        }
        var answer: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 16_384)
        while answer.last != 0x0a, answer.count <= ControlLimits.answerBytesMax {
            let count = unsafe recv(handle, &bytes, bytes.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("the gateway at \(path) does not answer", errno) }
            guard count > 0 else { break }
            answer += bytes.prefix(count)
        }
        guard answer.last == 0x0a else {
            throw ControlError("the gateway at \(path) has ended before it answered: ask again")
        }
        return String(decoding: answer.dropLast(), as: UTF8.self)
    }

    /// Whether somebody listens at a path.
    static func isAnswered(_ path: String) -> Bool {
        let handle = unsafe ccontrol_connect(path, 100)
        // Whoever may not connect, or is too busy to accept, does not know that nobody is there.
        guard handle >= 0 else { return errno != ECONNREFUSED && errno != ENOENT }
        close(handle)
        return true
    }

    private static func failure(_ what: String, _ number: Int32) -> ControlError {
        let cure =
            switch number {
            case EACCES, EPERM: "run this as root, or as the user of the gateway"
            case ECONNREFUSED, ENOENT: "it has ended; start it again"
            case EAGAIN: "it is busy, or hangs; ask again, then see what its log says"
            default: "see what its log says"
            }
        var error = ControlError("\(what): \(SystemText.of(number)); \(cure)")
        error.isNobody = number == ECONNREFUSED || number == ENOENT
        return error
    }
}

/// The control socket of this process: whoever is root or of the same user may ask.
///
/// Threading: `serve` belongs to one thread; `close` may be called by another, and ends it.
public final class ControlListener: Sendable {
    /// Where it is.
    public let path: String
    private let handle: Int32

    /// Listens in a folder, by the name of a gateway (`10.77.0.2:7000`) and the number of this
    /// process, so that no two collide. What killed processes left there is removed first.
    public init(gateway: String, folder: String) throws(ControlError) {
        let name = gateway.map { $0 == ":" ? "-" : String($0) }.joined()
        path = "\(folder)/needletail-\(name)-\(getpid())\(CountersFolders.controlSuffix)"
        for found in CountersFolders.controlSockets(in: folder)
        where !ControlClient.isAnswered(found) {
            unsafe unlink(found)
        }
        handle = unsafe ccontrol_listen(path)
        guard handle >= 0 else {
            throw ControlError(
                "cannot listen for control at \(path): \(SystemText.of(errno)); make its folder "
                    + "writable for this user, or name a shorter one with RUNTIME_DIRECTORY")
        }
    }

    deinit { Glibc.close(handle) }

    /// Ends it: the name is gone, and `serve` returns.
    public func close() {
        unsafe unlink(path)
        shutdown(handle, Int32(SHUT_RDWR))
    }

    /// Answers those who ask, one by one, until it is closed. What is no line of text in the time
    /// that there is gets no answer.
    public func serve(_ answer: (_ request: String, _ user: UInt32) -> String) {
        var waiting = pollfd(fd: handle, events: Int16(POLLIN), revents: 0)
        while true {
            guard unsafe poll(&waiting, 1, -1) > 0 else { continue }
            if waiting.revents & Int16(POLLHUP) != 0 { return }
            var user: UInt32 = 0
            let peer = unsafe ccontrol_accept(handle, &user)
            if peer < 0 {
                if errno == EMFILE || errno == ENFILE || errno == ENOMEM { usleep(100_000) }
                continue
            }
            defer { Glibc.close(peer) }
            guard let request = Self.readLine(peer) else { continue }
            Self.write("\(answer(request, user))\n", to: peer)
        }
    }

    /// All of it within the patience that there is for one.
    private static func readLine(_ peer: Int32) -> String? {
        let end = nowNanos + UInt64(ControlLimits.patienceMillis) * 1_000_000
        var line: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: ControlLimits.requestBytesMax)
        while wait(for: peer, POLLIN, until: end) {
            let room = bytes.count - line.count
            let count = unsafe recv(peer, &bytes, room, Int32(MSG_DONTWAIT))
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else { return nil }
            line += bytes.prefix(count)
            if let place = line.firstIndex(of: 0x0a) {
                // One request for a connection: what follows is for nobody.
                return place == line.count - 1
                    ? String(validating: line[..<place], as: UTF8.self) : nil
            }
            guard line.count < ControlLimits.requestBytesMax else { return nil }
        }
        return nil
    }

    private static func write(_ text: String, to peer: Int32) {
        let end = nowNanos + UInt64(ControlLimits.patienceMillis) * 1_000_000
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty, wait(for: peer, POLLOUT, until: end) {
            let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe send(peer, bytes.baseAddress, bytes.count, flags)
            }
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static var nowNanos: UInt64 { cplatform_clock_nanos(CLOCK_MONOTONIC) }

    private static func wait(for peer: Int32, _ event: Int32, until end: UInt64) -> Bool {
        var waiting = pollfd(fd: peer, events: Int16(event), revents: 0)
        while true {
            let now = nowNanos
            guard now < end else { return false }
            let count = unsafe poll(&waiting, 1, Int32((end - now) / 1_000_000 + 1))
            if count > 0 { return true }
            if count < 0, errno != EINTR { return false }
        }
    }
}
