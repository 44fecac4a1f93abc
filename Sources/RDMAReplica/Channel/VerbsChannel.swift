// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the C channel lives from `init` to `close`. The pages of registered memory stay with the
// device until then, also when their owner is gone. Texts and structures that C fills are locals of
// the call.
internal import CVerbs
internal import Glibc
internal import Platform

/// One reliable connected queue pair: registers memory, is connected by address, and writes into
/// the peer's memory. Nothing is received on it but what the peer writes. `connect` and `accept`
/// wait for the peer.
///
/// Threading: one thread at a time.
@safe final class VerbsChannel: MirrorChannel, @unchecked Sendable {
    private let channel: OpaquePointer
    private let timeoutMillis: UInt32
    private var isOpen = true
    private var answer: MirrorAnswer?
    /// The device, as in /sys/class/infiniband, and its port.
    let device: String
    let devicePort: Int
    let description: String
    let transport = MirrorTransport.rdma
    let gatherNanos: UInt64 = 0

    /// Finds the device that leads to the standby, and makes a queue pair on it. Throws EXDEV when
    /// that is another than the profile names.
    convenience init(_ settings: MirrorSettings) throws(MirrorError) {
        var error = cverbs_error()
        let opened = unsafe cverbs_open(
            settings.peerAddress, settings.peerPort, settings.timeoutMillis, &error)
        guard let opened = unsafe opened else { throw MirrorError(error) }
        unsafe self.init(opened, direction: "to", timeoutMillis: settings.timeoutMillis)
        guard let wanted = settings.device, wanted.name != device || wanted.port != devicePort
        else { return }
        throw MirrorError(
            code: EXDEV,
            "\(IPv4Text.format(settings.peerAddress)) is reached by \(device) port \(devicePort), "
                + "and the profile names \(wanted.name) port \(wanted.port): correct the address, "
                + "the route or the key rdma")
    }

    @unsafe convenience init(requested channel: OpaquePointer) {
        unsafe self.init(channel, direction: "from", timeoutMillis: 2_000)
    }

    @unsafe private init(_ channel: OpaquePointer, direction: String, timeoutMillis: UInt32) {
        precondition(MirrorWrites.limit == Int(CVERBS_WRITE_LIMIT), "as many as the queue takes")
        unsafe self.channel = channel
        self.timeoutMillis = timeoutMillis
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

    func close() {
        guard isOpen else { return }
        isOpen = false
        unsafe cverbs_close(channel)
    }

    @unsafe func register(
        region: Int, _ base: UnsafeMutableRawPointer, byteCount: Int, isWrittenByPeer: Bool
    ) throws(MirrorError) -> UInt32 {
        var error = cverbs_error()
        let number = UInt32(region)
        guard unsafe cverbs_register(channel, number, base, byteCount, isWrittenByPeer, &error)
        else { throw MirrorError(error) }
        return unsafe cverbs_remote_key(channel, number)
    }

    func connect(_ hello: MirrorHello) throws(MirrorError) {
        var error = cverbs_error()
        let said = Hello(hello)
        let heard = Hello(MirrorAnswer(magic: 0))
        let isConnected = unsafe cverbs_connect(
            channel, said.bytes, heard.mutableBytes, timeoutMillis, &error)
        let found = heard.read(as: MirrorAnswer.self)
        guard isConnected || found.refusal != 0 else { throw MirrorError(error) }
        answer = found
    }

    func takeAnswer() -> MirrorAnswer? { answer.take() }

    func accept(_ answer: MirrorAnswer) throws(MirrorError) {
        var error = cverbs_error()
        let said = Hello(answer)
        guard unsafe cverbs_accept(channel, said.bytes, timeoutMillis, &error) else {
            throw MirrorError(error)
        }
    }

    func reject(_ answer: MirrorAnswer) {
        let said = Hello(answer)
        unsafe cverbs_reject(channel, said.bytes)
    }

    @unsafe func write(
        region: Int, from memory: UnsafeRawPointer, byteCount: Int, to address: UInt64,
        key: UInt32, token: UInt64, isSignalled: Bool
    ) throws(MirrorError) {
        let code = unsafe cverbs_write(
            channel, UInt32(region), memory, UInt32(byteCount), address, key, token, isSignalled)
        guard code == 0 else {
            throw MirrorError(code: code, "the queue pair takes no write: \(SystemText.of(code))")
        }
    }

    func takeCompletion() throws(MirrorError) -> UInt64? {
        var completion = cverbs_completion()
        let count = unsafe cverbs_poll(channel, &completion)
        guard count >= 0 else {
            throw MirrorError(code: -count, "the completion queue is broken")
        }
        guard count > 0 else { return nil }
        guard completion.status == 0 else {
            let text = unsafe String(cString: cverbs_status_text(completion.status))
            throw MirrorError(code: completion.status, text)
        }
        return completion.token
    }

    /// The device moves what there is.
    func pump() -> Bool { false }

    func checkPeer() throws(MirrorError) {
        let code = unsafe cverbs_lost(channel)
        if code == ENODEV { throw MirrorError(code: code, "the RDMA device is gone") }
        if code != 0 { throw MirrorError(code: code, "the peer has ended the connection") }
    }

    func fence(_ method: Fence) throws(MirrorError) {
        let code =
            switch method {
            case .access: unsafe cverbs_allow_remote_writes(channel, false)
            case .reset: unsafe cverbs_reset(channel)
            }
        guard code == 0 else {
            throw MirrorError(
                code: code, "the device cannot fence by \(method): \(SystemText.of(code))")
        }
    }

    func disconnect() { unsafe cverbs_disconnect(channel) }
}

/// Where requests over RDMA come in.
@safe final class VerbsAcceptor: MirrorAcceptor {
    private let listener: OpaquePointer
    let description: String

    /// Listens at a local address, host order (0 = all), of an RDMA device.
    init(address: UInt32, port: UInt16) throws(MirrorError) {
        var error = cverbs_error()
        guard let listener = unsafe cverbs_listen(address, port, &error) else {
            throw MirrorError(error)
        }
        unsafe self.listener = listener
        description = "rdma at \(IPv4Text.format(address)):\(port)"
    }

    deinit { unsafe cverbs_stop_listening(listener) }

    func takeRequest() throws(MirrorError) -> (channel: any MirrorChannel, hello: MirrorHello)? {
        var error = cverbs_error()
        let heard = Hello(MirrorHello(magic: 0))
        let request = unsafe cverbs_take_request(listener, 0, heard.mutableBytes, &error)
        guard let request = unsafe request else {
            if error.code != 0 { throw MirrorError(error) }
            return nil
        }
        let channel = unsafe VerbsChannel(requested: request)
        return (channel, heard.read(as: MirrorHello.self))
    }
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
