// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Where recorded machines are: each a text of hw/scripts/machine-text, with its golden files.
let recordedMachines = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Machines")

/// The recorded machines by name.
func recordedNames() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: recordedMachines.path)
        .filter { $0.hasSuffix(".machine") }.map { String($0.dropLast(8)) }.sorted()
}

/// A recorded machine as a folder: one for all tests, which only read it.
func recordedTree(_ name: String) -> String { UnpackedMachines.all.folder + "/\(name)" }

private final class UnpackedMachines: Sendable {
    static let all = UnpackedMachines()
    let folder: String

    private init() {
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("needletail-machines-\(getpid())")
        folder = place.path
        try? FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        // At the end of the process: globals are not deinitialised.
        atexit { try? FileManager.default.removeItem(atPath: UnpackedMachines.all.folder) }
        for name in (try? recordedNames()) ?? [] {
            let unpack = Process()
            unpack.executableURL =
                recordedMachines.deletingLastPathComponent()
                .appendingPathComponent("../../hw/scripts/machine-text").standardizedFileURL
            unpack.arguments = [
                "unpack", recordedMachines.appendingPathComponent("\(name).machine").path,
                "\(folder)/\(name)",
            ]
            try? unpack.run()
            unpack.waitUntilExit()
        }
    }
}
