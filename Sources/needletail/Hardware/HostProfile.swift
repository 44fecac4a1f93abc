// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Hardware
internal import Platform
internal import Settings

/// A profile from a file, for the tools that look at a host.
enum HostProfile {
    /// What it says. Tells what is wrong with it, and throws the exit status.
    static func given(_ path: String) throws -> HardwareProfile {
        do {
            return try HardwareProfile(yaml: SettingsFile.text(path), file: path)
        } catch {
            StandardError.write("\(error)\n")
            throw Exit.wrongSettings
        }
    }

    /// The same, with the processors chosen that it leaves open.
    static func read(_ path: String) throws -> HardwareProfile {
        let host = try given(path)
        return host.completed(shards: 1, hasJournal: host.journalDisk != nil)
    }
}
