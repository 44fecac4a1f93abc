// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Hardware
internal import Platform
internal import Settings

/// A profile from a file, for the tools that look at a host.
enum HostProfile {
    /// What it says. Tells what is wrong with it, and throws the exit status.
    static func given(_ path: String) throws -> HardwareProfile {
        var text = ""
        do {
            text = try SettingsFile.text(path)
            if !says(text) {
                StandardError.write(
                    "needletail: \(path) says nothing. `needletail hw probe --write FILE` makes a "
                        + "profile of this machine.\n")
                throw Exit.wrongSettings
            }
            return try HardwareProfile(yaml: text, file: path)
        } catch let error as SettingsError {
            // Its keys are a profile's and more.
            let isVenue = text.split(separator: "\n").contains { $0.hasPrefix("instruments:") }
            StandardError.write(
                isVenue
                    ? "needletail: \(path): this is a configuration, not a profile: use "
                        + "`needletail gateway --config \(path) --check`.\n"
                    : "\(error)\n")
            throw Exit.wrongSettings
        }
    }

    /// Whether there is anything but comments.
    private static func says(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).contains { line in
            line.first { $0 != " " && $0 != "\t" }.map { $0 != "#" } ?? false
        }
    }

    /// The same, with the processors chosen that it leaves open.
    static func read(_ path: String) throws -> HardwareProfile {
        let host = try given(path)
        return host.completed(shards: 1, hasJournal: host.journalDisk != nil)
    }
}
