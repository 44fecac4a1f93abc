// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The error stream, for the command lines: at once, and without Foundation.
public enum StandardError {
    /// Writes the text as it is; any thread. What the stream does not take is lost.
    public static func write(_ text: String) {
        var text = text
        // SAFETY: the bytes are the string's own while they are written.
        text.withUTF8 { bytes in
            _ = unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}
