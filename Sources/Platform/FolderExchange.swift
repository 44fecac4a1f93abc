// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: both paths are lent for one call.
internal import CPlatform
internal import Glibc

/// Two names that change places.
public enum FolderExchange {
    /// Gives two files or folders of one file system each other's name, in one step: nobody ever
    /// finds one of the names without anything behind it. Any thread. Returns 0 or an errno;
    /// `EINVAL` where the file system cannot.
    public static func exchange(_ path: String, _ other: String) -> Int32 {
        unsafe cplatform_exchange(path, other) == 0 ? 0 : errno
    }
}
