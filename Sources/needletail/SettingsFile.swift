// SPDX-License-Identifier: Apache-2.0
import Foundation
import Settings

/// A configuration or a profile on disk.
enum SettingsFile {
    /// What is in it.
    static func text(_ path: String) throws(SettingsError) -> String {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw SettingsError(
                file: path,
                problems: [.init(line: 0, key: "", message: "cannot be read: is it there?")])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
