// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the buffers are allocated in `init` and freed in `deinit`; the kernel gets them with the
// sizes they have, and keeps none beyond a call. Offsets are checked against `byteCountMax`.
import Glibc
import OrderEntryClient

/// A connected kernel UDP socket for one datagram at a time: one system call each way, no waiting.
@safe struct PingSocket: ~Copyable {
    static let byteCountMax = 2_048
    private static let controlByteCount = 64
    /// SO_TIMESTAMPNS, and the type of the control message that it brings.
    private static let arrivalStamps: Int32 = 35

    private let descriptor: Int32
    private let outgoing: UnsafeMutableRawPointer
    private let incoming: UnsafeMutableRawPointer
    private let control: UnsafeMutableRawPointer
    private let vector: UnsafeMutablePointer<iovec>
    private let message: UnsafeMutablePointer<msghdr>
    /// UTC nanoseconds at which the kernel got the last datagram from the other side; 0 = unknown.
    private(set) var arrivalNanos: UInt64 = 0

    /// `stampsArrivals`: ask the kernel when each datagram arrived.
    init(to peer: SocketAddress, stampsArrivals: Bool) throws(ClientError) {
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_INET, kind, 0)
        unsafe outgoing = .allocate(byteCount: Self.byteCountMax, alignment: 64)
        unsafe outgoing.initializeMemory(as: UInt8.self, repeating: 0, count: Self.byteCountMax)
        unsafe incoming = .allocate(byteCount: Self.byteCountMax, alignment: 64)
        unsafe control = .allocate(byteCount: Self.controlByteCount, alignment: 64)
        unsafe vector = .allocate(capacity: 1)
        unsafe vector.initialize(to: iovec(iov_base: incoming, iov_len: Self.byteCountMax))
        unsafe message = .allocate(capacity: 1)
        unsafe message.initialize(to: msghdr())
        unsafe message.pointee.msg_iov = vector
        unsafe message.pointee.msg_iovlen = 1
        unsafe message.pointee.msg_control = control
        guard descriptor >= 0 else { throw ClientError("no socket (errno \(errno))") }
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        if stampsArrivals {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, Self.arrivalStamps, &one, size)
        }
        var bytes: Int32 = 4 << 20
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, size)
        var native = sockaddr_in()
        native.sin_family = sa_family_t(AF_INET)
        native.sin_port = peer.port.bigEndian
        native.sin_addr.s_addr = peer.address.bigEndian
        let connected = unsafe withUnsafePointer(to: &native) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw ClientError("connect to \(peer): errno \(errno)") }
    }

    deinit {
        close(descriptor)
        unsafe outgoing.deallocate()
        unsafe incoming.deallocate()
        unsafe control.deallocate()
        unsafe vector.deallocate()
        unsafe message.deallocate()
    }

    /// Puts a value into the datagram that is sent next.
    func write<Value: BitwiseCopyable>(_ value: Value, at offset: Int) {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= Self.byteCountMax)
        unsafe outgoing.storeBytes(of: value, toByteOffset: offset, as: Value.self)
    }

    /// Reads a value of the datagram that came last.
    func read<Value: BitwiseCopyable>(_ offset: Int, as type: Value.Type) -> Value {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= Self.byteCountMax)
        return unsafe incoming.loadUnaligned(fromByteOffset: offset, as: Value.self)
    }

    /// Sends the first `byteCount` bytes written.
    func send(_ byteCount: Int) {
        _ = unsafe Glibc.send(descriptor, outgoing, min(byteCount, Self.byteCountMax), 0)
    }

    /// The byte count of a datagram that was there; below 0 when there was none.
    func receive() -> Int { unsafe recv(descriptor, incoming, Self.byteCountMax, 0) }

    /// As `receive`; also sets `arrivalNanos`.
    mutating func receiveStamped() -> Int {
        unsafe message.pointee.msg_controllen = Self.controlByteCount
        let byteCount = unsafe recvmsg(descriptor, message, 0)
        guard byteCount >= 0 else { return byteCount }
        arrivalNanos = 0
        // One control message: length 8, level 4, type 4, then seconds and nanoseconds.
        if unsafe message.pointee.msg_controllen >= 32,
            unsafe control.load(fromByteOffset: 12, as: Int32.self) == Self.arrivalStamps
        {
            let seconds = unsafe control.load(fromByteOffset: 16, as: UInt64.self)
            let nanos = unsafe control.load(fromByteOffset: 24, as: UInt64.self)
            arrivalNanos = seconds &* 1_000_000_000 &+ nanos
        }
        return byteCount
    }

    /// UTC nanoseconds: the clock of `arrivalNanos`.
    static func nowNanos() -> UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
    }
}
