// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: names are read from an entry before the next one is.
internal import Glibc

/// Folders as a whole.
enum FolderTree {
    static func names(_ folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    static func remove(_ folder: String) {
        for name in names(folder) {
            let path = folder + "/" + name
            if unsafe unlink(path) != 0 { remove(path) }
        }
        unsafe rmdir(folder)
    }
}
