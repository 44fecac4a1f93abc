// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Hardware

private let setting = "proc/sys/vm/swappiness"

private func step(_ path: String = setting) -> TuningStep {
    TuningStep(topic: "a setting", reason: "a reason", path: path, before: "60", after: "1")
}

@Suite struct `A tree from a stranger` {
    /// An absolute link, and one that climbs.
    @Test(arguments: [false, true])
    func `has nothing outside changed or read by its links`(climbs: Bool) throws {
        let outside = try MachineTree(["victim": "60"])
        let host = try MachineTree(["undo-folder/x": "", "proc/sys/vm/x": ""])
        let victim = "\(outside.root)/victim"
        try FileManager.default.createSymbolicLink(
            atPath: "\(host.root)/\(setting)",
            withDestinationPath: climbs ? "../../../../../../../..\(victim)" : victim)
        #expect(throws: TuningError.self) {
            try Tuner(root: host.root).apply([step()], undoFile: "\(host.root)/undo") { _, _, _ in }
        }
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "60\n")
        #expect(MachineRoot(host.root).text(setting) == nil)
    }

    @Test func `keeps the links within it`() throws {
        let host = try MachineTree(["proc/sys/vm/real": "60"])
        try FileManager.default.createSymbolicLink(
            atPath: "\(host.root)/\(setting)", withDestinationPath: "/proc/sys/vm/real")
        let undo = "\(host.root)/undo"
        try Tuner(root: host.root).apply([step()], undoFile: undo) { _, _, _ in }
        #expect(MachineRoot(host.root).text("proc/sys/vm/real") == "1")
        try Tuner(root: host.root).undo(undo) { _, _, _ in }
        #expect(MachineRoot(host.root).text("proc/sys/vm/real") == "60")
    }

    /// A governor of two lines, and a disk whose name is a command.
    @Test func `gets no command into a plan`() throws {
        let disk = "$(touch${IFS}P6)"
        var files = twoSockets()
        files["sys/devices/system/cpu/cpu2/cpufreq/scaling_governor"] = "powersave\ntouch P5 #"
        files["sys/devices/disks/\(disk)/queue/scheduler"] = "[mq-deadline] none"
        files["sys/class/block/x"] = ""
        let host = try MachineTree(files)
        try FileManager.default.createSymbolicLink(
            atPath: "\(host.root)/sys/class/block/\(disk)",
            withDestinationPath: "../../devices/disks/\(disk)")
        let machine = MachineFacts.read(root: host.root)
        var profile = HardwareProfile()
        profile.cpus.gateway = [2]
        profile.kernel.governor = "performance"
        profile.journalDisk = disk
        let text = HostPlan(profile, file: "a\ntouch P7", on: machine, all: true).text
        #expect(text.contains("> '/sys/class/block/\(disk)/queue/scheduler'\n"), "\(text)")
        #expect(!text.contains("\ntouch P5"), "\(text)")
        // Once in a comment, and once as one quoted word.
        #expect(text.contains("apply 'a?touch P7'`"), "\(text)")
        #expect(text.contains("install -D -m 644 'a\ntouch P7' "), "\(text)")
        #expect(machine.cpus.processors[2].governor == nil)
    }
}
