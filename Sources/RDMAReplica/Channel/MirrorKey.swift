// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the bytes of the file are in a local buffer, which is cleared; the C key lives as long as
// its owner, which every stream keeps.
internal import CTLS
internal import Glibc
internal import Platform

/// What both sides of a TCP mirror know and nobody else does.
///
/// Threading: any.
@safe public final class MirrorKey: @unchecked Sendable {
    private static var byteCountMax: Int { 4_096 }

    let handle: OpaquePointer

    /// Reads the key from a file: its bytes as they are, at least 32, mode 0600. Throws what a
    /// person can mend.
    public init(file: String) throws(MirrorError) {
        // Nothing here may wait for somebody: a pipe's other end, say.
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw MirrorError(
                code: errno,
                "the key of the mirror cannot be read from \(file): \(SystemText.of(errno)); make "
                    + "one: `head -c 32 /dev/urandom > FILE; chmod 600 FILE`, the same on both "
                    + "hosts")
        }
        defer { Glibc.close(descriptor) }
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG,
            info.st_size <= Self.byteCountMax
        else {
            throw MirrorError(
                code: EINVAL,
                "\(file) is no file of \(CTLS_KEY_BYTES_MIN) to \(Self.byteCountMax) bytes, as a "
                    + "key is: `head -c 32 /dev/urandom > \(file)`, the same on both hosts")
        }
        guard info.st_mode & 0o077 == 0 else {
            throw MirrorError(
                code: EPERM, "others may read \(file), which is a key: `chmod 600 \(file)`")
        }
        var bytes = [UInt8](repeating: 0, count: Self.byteCountMax)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        defer { for index in bytes.indices { bytes[index] = 0 } }
        guard count >= Int(CTLS_KEY_BYTES_MIN) else {
            throw MirrorError(
                code: EINVAL,
                "\(file) has \(max(0, count)) bytes, and a key has \(CTLS_KEY_BYTES_MIN) at least: "
                    + "`head -c 32 /dev/urandom > \(file)`, the same on both hosts")
        }
        guard let handle = unsafe ctls_make_key(bytes, count) else {
            throw MirrorError(code: ENOMEM, "there is no memory for the key of the mirror")
        }
        unsafe self.handle = handle
    }

    deinit { unsafe ctls_free_key(handle) }
}
