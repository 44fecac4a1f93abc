// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the C channel lives from `init` to `close`. The pages of registered memory stay with the
// device until then, also when their owner is gone. Texts and structures that C fills are locals of
// the call.
internal import CVerbs
internal import Glibc
internal import Platform

/// One reliable connected queue pair: registers memory, is connected by address, and writes into
/// the peer's memory. Nothing is received on it but what the peer writes.
///
/// Threading: one thread at a time.
@safe final class VerbsChannel: @unchecked Sendable {
    /// The end of a write and, if it has failed, of the connection.
    typealias Completion = cverbs_completion

    private let channel: OpaquePointer
    private var isOpen = true
    /// Writes that may be under way.
    static var writeLimit: Int { Int(CVERBS_WRITE_LIMIT) }
    /// A completion is asked for so often: so four of them cover all that may be under way.
    static var signalInterval: UInt64 { UInt64(writeLimit) / 4 }
    /// A number below `writeLimit` that no other write under way has.
    static func slot(_ write: UInt64) -> Int {
        Int(truncatingIfNeeded: write % UInt64(writeLimit))
    }
    /// The device, as in /sys/class/infiniband, and its port.
    let device: String
    let devicePort: Int
    /// What it runs over and to whom, as `rxe0 port 1 to 10.9.0.1:7471`.
    let description: String

    /// Finds the device that leads to the address, host order, and makes a queue pair on it.
    convenience init(to address: UInt32, port: UInt16, timeoutMillis: UInt32) throws(VerbsError) {
        var error = cverbs_error()
        guard let channel = unsafe cverbs_open(address, port, timeoutMillis, &error) else {
            throw VerbsError(error)
        }
        unsafe self.init(channel, direction: "to")
    }

    @unsafe convenience init(requested channel: OpaquePointer) {
        unsafe self.init(channel, direction: "from")
    }

    @unsafe private init(_ channel: OpaquePointer, direction: String) {
        unsafe self.channel = channel
        var info = unsafe cverbs_describe(channel)
        device = unsafe withUnsafeBytes(of: &info.device) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        devicePort = Int(info.port)
        description =
            "\(device) port \(info.port) \(direction) "
            + "\(IPv4Text.format(info.peer_address)):\(info.peer_port)"
    }

    deinit { close() }

    /// Ends it: from here on the device neither reads nor writes registered memory. Nothing else is
    /// called after it.
    func close() {
        guard isOpen else { return }
        isOpen = false
        unsafe cverbs_close(channel)
    }

    /// Registers memory as region 0 or 1 and answers the key by which the peer names it.
    @unsafe func register(
        region: UInt32, _ base: UnsafeMutableRawPointer, byteCount: Int, isWrittenByPeer: Bool
    ) throws(VerbsError) -> UInt32 {
        var error = cverbs_error()
        guard unsafe cverbs_register(channel, region, base, byteCount, isWrittenByPeer, &error)
        else { throw VerbsError(error) }
        return unsafe cverbs_remote_key(channel, region)
    }

    /// Asks the peer. When it refuses, the error's code is EPERM and `answer` has its reason.
    func connect(
        _ hello: MirrorHello, answer: inout MirrorAnswer, timeoutMillis: UInt32
    ) throws(VerbsError) {
        var error = cverbs_error()
        let said = Hello(hello)
        let heard = Hello(MirrorAnswer(magic: 0))
        let isConnected = unsafe cverbs_connect(
            channel, said.bytes, heard.mutableBytes, timeoutMillis, &error)
        answer = heard.read(as: MirrorAnswer.self)
        if !isConnected { throw VerbsError(error) }
    }

    /// Answers the request that this channel came from, and waits until it stands.
    func accept(_ answer: MirrorAnswer, timeoutMillis: UInt32) throws(VerbsError) {
        var error = cverbs_error()
        let said = Hello(answer)
        guard unsafe cverbs_accept(channel, said.bytes, timeoutMillis, &error) else {
            throw VerbsError(error)
        }
    }

    /// Refuses it.
    func reject(_ answer: MirrorAnswer) {
        let said = Hello(answer)
        unsafe cverbs_reject(channel, said.bytes)
    }

    /// Writes out of a region; see `cverbs_write`.
    @unsafe func write(
        region: UInt32, from memory: UnsafeRawPointer, byteCount: UInt32, to address: UInt64,
        key: UInt32, token: UInt64, isSignalled: Bool
    ) throws(VerbsError) {
        let code = unsafe cverbs_write(
            channel, region, memory, byteCount, address, key, token, isSignalled)
        guard code == 0 else {
            throw VerbsError(code: code, "the queue pair takes no write: \(SystemText.of(code))")
        }
    }

    /// Takes one completion, if there is one. Throws when it is of a write that has failed.
    func takeCompletion() throws(VerbsError) -> UInt64? {
        var completion = Completion()
        let count = unsafe cverbs_poll(channel, &completion)
        guard count >= 0 else {
            throw VerbsError(code: -count, "the completion queue is broken")
        }
        guard count > 0 else { return nil }
        guard completion.status == 0 else {
            let text = unsafe String(cString: cverbs_status_text(completion.status))
            throw VerbsError(code: completion.status, text)
        }
        return completion.token
    }

    /// Throws once the connection is over. Makes a system call.
    func checkPeer() throws(VerbsError) {
        let code = unsafe cverbs_lost(channel)
        if code == ENODEV { throw VerbsError(code: code, "the RDMA device is gone") }
        if code != 0 { throw VerbsError(code: code, "the peer has ended the connection") }
    }

    /// Takes the peer's right to write away.
    func fence(_ method: Fence) throws(VerbsError) {
        let code =
            switch method {
            case .access: unsafe cverbs_allow_remote_writes(channel, false)
            case .reset: unsafe cverbs_reset(channel)
            }
        guard code == 0 else {
            throw VerbsError(
                code: code, "the device cannot fence by \(method): \(SystemText.of(code))")
        }
    }

    /// Tells the peer that this is the end.
    func disconnect() { unsafe cverbs_disconnect(channel) }
}

/// `CVERBS_HELLO_LIMIT` bytes of memory, with a structure at their beginning and then zeroes.
@safe final class Hello {
    private let memory: UnsafeMutableRawPointer

    init<Said: BitwiseCopyable>(_ said: Said) {
        unsafe memory = .allocate(byteCount: Int(CVERBS_HELLO_LIMIT), alignment: 8)
        unsafe memory.initializeMemory(
            as: UInt8.self, repeating: 0, count: Int(CVERBS_HELLO_LIMIT))
        precondition(MemoryLayout<Said>.size <= Int(CVERBS_HELLO_LIMIT), "a hello fits")
        unsafe memory.storeBytes(of: said, as: Said.self)
    }

    deinit { unsafe memory.deallocate() }

    var bytes: UnsafeRawPointer { unsafe UnsafeRawPointer(memory) }
    var mutableBytes: UnsafeMutableRawPointer { unsafe memory }
    func read<Heard: BitwiseCopyable>(as type: Heard.Type) -> Heard {
        unsafe memory.loadUnaligned(as: type)
    }
}
