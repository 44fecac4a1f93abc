// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: both paths are lent for one call.
internal import CPlatform
internal import Glibc

/// Files below a folder that stands for the "/" of another machine.
public enum RootedFile {
    /// Opens a file that is there; any thread. Below another root than "/" its links, absolute ones
    /// too, lead to nothing outside. Returns the descriptor, the caller's to close, or -1 with
    /// `errno` set.
    ///
    /// - Parameters:
    ///   - path: below the root.
    ///   - root: "/" or another folder.
    ///   - flags: those of `open`, without `O_CREAT`.
    public static func open(_ path: String, below root: String, flags: Int32) -> Int32 {
        root == "/"
            ? unsafe Glibc.open("/\(path)", flags)
            : unsafe cplatform_open_below(root, path, flags)
    }
}
