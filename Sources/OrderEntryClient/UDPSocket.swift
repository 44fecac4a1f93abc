// SPDX-License-Identifier: Apache-2.0
internal import CPlatform
internal import Glibc

/// A kernel UDP socket, non-blocking, that moves datagrams in batches of up to 64.
///
/// Threading: one thread. After `init` nothing is allocated.
///
/// SAFETY: the C calls get slots of `slotByteCount` inside `incoming` and `outgoing` and the two
/// arrays of lengths, all of which live as long as the socket and are not kept by the callee; they
/// touch `batchMax` slots at most.
@safe public struct UDPSocket: ~Copyable {
    /// Datagrams of one system call, at most.
    public static let batchMax = Int(CDATAGRAMS_BATCH_MAX)
    static let slotByteCount = 2_048

    private let descriptor: Int32
    private var incoming = ByteSlab(byteCount: batchMax * slotByteCount)
    private var outgoing = ByteSlab(byteCount: batchMax * slotByteCount)
    private var incomingLengths = [64 of UInt32](repeating: 0)
    private var outgoingLengths = [64 of UInt32](repeating: 0)
    private var stagedCount = 0
    /// Datagrams that the kernel would not take: its buffer was full, or nobody listens there.
    public private(set) var datagramsDropped: UInt64 = 0

    private init(descriptor: Int32) {
        self.descriptor = descriptor
        precondition(
            incomingLengths.count == Self.batchMax && outgoingLengths.count == Self.batchMax,
            "a length for each datagram of a batch")
    }

    deinit { close(descriptor) }

    // MARK: Opening

    /// A socket to one peer: sends there and takes only what comes from there. `local` may be
    /// left out; `bufferBytes` is asked of the kernel for both directions.
    public static func connected(
        to peer: SocketAddress, from local: SocketAddress? = nil, bufferBytes: Int = 4 << 20
    ) throws(ClientError) -> UDPSocket {
        let descriptor = try open(bufferBytes: bufferBytes)
        let udp = UDPSocket(descriptor: descriptor)
        if let local { try bind(descriptor, to: local) }
        guard unsafe call(descriptor, peer, connect) == 0 else { throw .call("connect to \(peer)") }
        return udp
    }

    /// A socket that receives what is sent to a multicast group, on one interface (by name), or on
    /// the kernel's choice of one.
    public static func joined(
        to group: SocketAddress, interface: String?, bufferBytes: Int = 8 << 20
    ) throws(ClientError) -> UDPSocket {
        guard group.isMulticast else {
            throw ClientError("\(group) is no multicast group: use 224.0.0.0…239.255.255.255")
        }
        let descriptor = try open(bufferBytes: bufferBytes)
        let udp = UDPSocket(descriptor: descriptor)
        set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        try bind(descriptor, to: group)
        var request = ip_mreqn()
        request.imr_multiaddr.s_addr = group.address.bigEndian
        if let interface {
            let index = unsafe if_nametoindex(interface)
            guard index > 0 else { throw .call("interface \(interface)") }
            request.imr_ifindex = Int32(index)
        }
        let size = socklen_t(MemoryLayout<ip_mreqn>.size)
        let joined = unsafe setsockopt(
            descriptor, Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, &request, size)
        guard joined == 0 else { throw .call("join \(group) on \(interface ?? "any interface")") }
        return udp
    }

    private static func open(bufferBytes: Int) throws(ClientError) -> Int32 {
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_INET, kind | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .call("socket") }
        // The force forms need a privilege; the plain ones are capped by the kernel. Both may fail.
        for (forced, plain) in [(SO_RCVBUFFORCE, SO_RCVBUF), (SO_SNDBUFFORCE, SO_SNDBUF)] {
            let bytes = Int32(clamping: bufferBytes)
            if !set(descriptor, SOL_SOCKET, forced, bytes) {
                set(descriptor, SOL_SOCKET, plain, bytes)
            }
        }
        return descriptor
    }

    private static func bind(_ descriptor: Int32, to local: SocketAddress) throws(ClientError) {
        guard unsafe call(descriptor, local, Glibc.bind) == 0 else {
            throw .call("bind to \(local)")
        }
    }

    private static func call(
        _ descriptor: Int32, _ address: SocketAddress,
        _ body: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32
    ) -> Int32 {
        var native = address.native
        return unsafe withUnsafePointer(to: &native) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                unsafe body(descriptor, rebound, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    @discardableResult
    private static func set(
        _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32
    ) -> Bool {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe setsockopt(descriptor, level, option, &value, size) == 0
    }

    /// Where the socket is bound.
    public var localAddress: SocketAddress {
        var native = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &native) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { rebound in
                _ = unsafe getsockname(descriptor, rebound, &size)
            }
        }
        return SocketAddress(native: native)
    }

    // MARK: Receiving

    /// Takes what is there, at most 64 datagrams, without waiting; gives how many.
    public mutating func receiveBatch() -> Int {
        let base = unsafe incoming.address(of: 0)
        let slotBytes = UInt32(Self.slotByteCount)
        let descriptor = descriptor
        var lengths = incomingLengths.mutableSpan
        let count = unsafe lengths.withUnsafeMutableBufferPointer { lengths in
            unsafe cdatagrams_receive(
                descriptor, base, slotBytes, lengths.baseAddress, CDATAGRAMS_BATCH_MAX)
        }
        return Int(count)
    }

    /// A datagram of the last batch; empty when it came cut.
    @_lifetime(borrow self)
    public func received(_ index: Int) -> RawSpan {
        incoming.span(from: index * Self.slotByteCount, count: Int(incomingLengths[index]))
    }

    // MARK: Sending

    /// Lets `write` fill the next slot of the batch; 0 bytes stage nothing. Gives the bytes.
    public mutating func stage(_ write: (inout MutableRawSpan) -> Int) -> Int {
        if stagedCount == Self.batchMax { flush() }
        var target = outgoing.mutableSpan(
            from: stagedCount * Self.slotByteCount, count: Self.slotByteCount)
        let byteCount = write(&target)
        guard byteCount > 0 else { return 0 }
        outgoingLengths[stagedCount] = UInt32(byteCount)
        stagedCount += 1
        return byteCount
    }

    /// Sends what is staged. What the kernel refuses is dropped and counted: the protocol resends.
    public mutating func flush() {
        var sent = 0
        var attempts = 0
        while sent < stagedCount {
            let count = sendStaged(from: sent)
            if count > 0 {
                sent += count
            } else if errno == EAGAIN && attempts < 100 {
                attempts += 1
                wait(forOutput: true, timeoutNanos: 1_000_000)
            } else if errno != EINTR {
                // A refused connection is told once for a datagram sent before; go on behind it.
                sent += 1
                datagramsDropped &+= 1
            }
        }
        stagedCount = 0
    }

    private func sendStaged(from first: Int) -> Int {
        let base = unsafe outgoing.address(of: first * Self.slotByteCount)
        let descriptor = descriptor
        let count = Int32(stagedCount - first)
        let lengths = outgoingLengths.span.extracting(first..<stagedCount)
        let sent = unsafe lengths.withUnsafeBufferPointer { lengths in
            unsafe cdatagrams_send(
                descriptor, base, UInt32(Self.slotByteCount), lengths.baseAddress, count)
        }
        return Int(sent)
    }

    // MARK: Waiting

    /// Sleeps until a datagram is there (or there is room to send), or the time is over.
    @discardableResult
    public func wait(forOutput: Bool = false, timeoutNanos: UInt64) -> Bool {
        cdatagrams_wait(descriptor, forOutput ? 1 : 0, timeoutNanos) > 0
    }
}

/// The monotonic clock that sessions are driven by.
public enum MonotonicClock {
    /// Nanoseconds since some moment before the program started.
    public static func nowNanos() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
