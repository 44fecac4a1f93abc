// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: the text of `strerror` is copied at once.
internal import Glibc

/// What the system says of an errno.
public enum SystemText {
    /// Its words, as in "No space left on device"; any thread.
    public static func of(_ errno: Int32) -> String {
        guard let text = unsafe strerror(errno) else { return "error \(errno)" }
        return unsafe String(cString: text)
    }
}
