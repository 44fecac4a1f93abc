// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: an address and a buffer are lent for one call each; the descriptor is closed once.
internal import CPlatform
internal import Glibc
internal import Platform
internal import Synchronization

/// Where a host hears of the other's death: UDP, at the address and port of the mirror.
///
/// Threading: `wait` and `take` belong to one thread; the counts are for all.
public final class NoticeListener: Sendable {
    private static var looksMax: Int { 64 }

    private let handle: Int32
    private let identity: MirrorIdentity
    private let key: MirrorKey?
    private let refused = Atomic<UInt64>(0)

    /// Datagrams that were no notice of the other host, or not proven.
    public var refusedCount: UInt64 { refused.load(ordering: .relaxed) }

    /// Listens at a local address, host order (0 = all), for notices to a host. Throws what a
    /// person can mend.
    public init(
        address: UInt32, port: UInt16, to identity: MirrorIdentity, key: MirrorKey?
    ) throws(MirrorError) {
        self.identity = identity
        self.key = key
        handle = socket(
            AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var native = sockaddr_in()
        native.sin_family = sa_family_t(AF_INET)
        native.sin_port = port.bigEndian
        native.sin_addr.s_addr = address.bigEndian
        let bound = unsafe withUnsafePointer(to: &native) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard handle >= 0, bound == 0 else {
            let number = errno
            if handle >= 0 { close(handle) }
            throw MirrorError(
                code: number,
                "cannot listen for the other host's end at UDP \(IPv4Text.format(address)):\(port):"
                    + " \(SystemText.of(number)); correct cluster.listen, or end who has the port")
        }
    }

    deinit { close(handle) }

    /// Waits for something to come, at most so long. False when nothing did.
    @discardableResult
    public func wait(nanos: UInt64) -> Bool { cdatagrams_wait(handle, 0, nanos) != 0 }

    /// The next notice; nil when there is none among what has come. Of a flood it looks at a few.
    public func take() -> DeathNotice? {
        var bytes = [UInt8](repeating: 0, count: DeathNotice.byteCount + 1)
        for _ in 0..<Self.looksMax {
            let count = unsafe recv(handle, &bytes, bytes.count, 0)
            guard count >= 0 else { return nil }
            if let notice = DeathNotice(bytes.prefix(count), to: identity, key: key) {
                return notice
            }
            refused.add(1, ordering: .relaxed)
        }
        return nil
    }
}
