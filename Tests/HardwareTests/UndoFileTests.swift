// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Hardware

private let setting = "proc/sys/vm/swappiness"

private func step(_ path: String = setting) -> TuningStep {
    TuningStep(topic: "a setting", reason: "a reason", path: path, before: "60", after: "1")
}

@Suite struct `An undo file` {
    private let host: MachineTree
    private let other: MachineTree
    private var undoFile: String { "\(host.root)/undo" }

    init() throws {
        host = try MachineTree([setting: "60"])
        other = try MachineTree([setting: "60"])
    }

    private func value(_ tree: MachineTree) throws -> String {
        try String(contentsOfFile: "\(tree.root)/\(setting)", encoding: .utf8)
    }

    private func apply(_ tuner: Tuner, _ file: String) throws {
        try tuner.apply([step()], undoFile: file) { _, _, _ in }
    }

    @Test func `is of one machine, and no other takes it`() throws {
        let tuner = Tuner(root: host.root)
        try apply(tuner, undoFile)
        let text = try String(contentsOfFile: undoFile, encoding: .utf8)
        #expect(text.hasPrefix("# root \(host.root)\n"))
        let stranger = Tuner(root: other.root)
        for _ in 0..<2 {
            let error = #expect(throws: TuningError.self) {
                try stranger.undo(undoFile) { _, _, _ in }
            }
            #expect(error?.description.contains("name the right one by --root") == true)
            #expect(throws: TuningError.self) { try apply(stranger, undoFile) }
        }
        #expect(throws: TuningError.self) { try Tuner().undo(undoFile) { _, _, _ in } }
        #expect(try value(other) == "60\n")
        #expect(try tuner.undo(undoFile) { _, _, _ in })
        #expect(try value(host) == "60\n")
    }

    @Test func `is in the tree of a machine that is not this one`() throws {
        var profile = HardwareProfile()
        profile.name = "a"
        let tuner = Tuner(root: host.root + "/")
        let file = tuner.undoFile(of: profile)
        #expect(file == "\(host.root)/run/needletail/undo-a")
        #expect(
            tuner.undoCommand(file) == "needletail hw apply --root \(host.root) --undo \(file)")
        try apply(tuner, file)
        #expect(FileManager.default.fileExists(atPath: file))
        #expect(Tuner().undoFile(of: profile) == "/run/needletail/undo-a")
        #expect(Tuner().undoCommand("x") == "needletail hw apply --undo x")
    }

    @Test func `is not written through a link out of the tree`() throws {
        try FileManager.default.createSymbolicLink(
            atPath: "\(host.root)/run", withDestinationPath: other.root)
        let tuner = Tuner(root: host.root)
        let error = #expect(throws: TuningError.self) {
            try apply(tuner, tuner.undoFile(of: HardwareProfile()))
        }
        #expect(error?.description.contains("/run is a link") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other.root) == ["proc"])
    }

    /// Whatever undo file the other names: what two of them found before could not be told apart.
    @Test func `is of one tuning of a machine at a time`() throws {
        let tuner = Tuner(root: host.root)
        let second = "\(host.root)/second"
        var refusals: [String] = []
        try tuner.apply([step()], undoFile: undoFile) { _, _, _ in
            for attempt in [
                { try apply(tuner, undoFile) }, { try tuner.undo(undoFile) { _, _, _ in } },
                { try apply(tuner, second) }, { try tuner.undo(second) { _, _, _ in } },
            ] as [() throws -> Void] {
                do { try attempt() } catch { refusals.append("\(error)") }
            }
            #expect(throws: Never.self) {
                try apply(Tuner(root: other.root), "\(other.root)/undo")
            }
        }
        #expect(refusals.count == 4 && !FileManager.default.fileExists(atPath: second))
        #expect(refusals.allSatisfy { $0.contains("another `needletail hw apply`") })
        try tuner.undo(undoFile) { _, _, _ in
            #expect(throws: TuningError.self) { try apply(tuner, undoFile) }
        }
        #expect(try value(host) == "60\n")
    }

    @Test func `that is not there has nothing to take back`() throws {
        #expect(try !Tuner(root: host.root).undo("\(host.root)/none") { _, _, _ in })
    }
}
