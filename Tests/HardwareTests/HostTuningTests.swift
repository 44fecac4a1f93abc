// SPDX-License-Identifier: Apache-2.0
import Foundation
import Platform
import Testing

@testable import Hardware

/// A copy of a recorded machine that may be written to, and a place for an undo file.
final class WritableMachine {
    let root: String
    var undoFile: String { root + "/undo" }

    init(_ name: String) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("needletail-host-\(UUID().uuidString)")
        root = folder.path
        try FileManager.default.copyItem(
            at: URL(fileURLWithPath: recordedTree(name)), to: folder)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    var facts: MachineFacts { .read(root: root) }

    func write(_ path: String, _ text: String) throws {
        let file = URL(fileURLWithPath: "\(root)/\(path)")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    /// A folder in a file's place: nothing can be written there, not even by root.
    func block(_ path: String) throws {
        try FileManager.default.removeItem(atPath: "\(root)/\(path)")
        try FileManager.default.createDirectory(
            atPath: "\(root)/\(path)", withIntermediateDirectories: false)
    }

    /// Every file below, and what is in it.
    func contents() throws -> [String: String] {
        var files: [String: String] = [:]
        let walk = try #require(FileManager.default.enumerator(atPath: root))
        for case let path as String in walk {
            files[path] = try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
        }
        return files
    }

    /// What a kernel does to a choice: it shows all words, and the chosen one in brackets.
    func showChoices(as before: [String: String]) throws {
        for (path, shown) in before where shown.contains("[") {
            let words = shown.split { " []\n".contains($0) }
            let text = try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
            guard let word = words.first(where: { "\($0)\n" == text }) else { continue }
            guard !shown.contains("[\(word)]") else {
                try write(path, shown)
                continue
            }
            let line = words.map { $0 == word ? "[\($0)]" : String($0) }.joined(separator: " ")
            try write(path, line + "\n")
        }
    }

    func steps(_ profile: HardwareProfile) -> [TuningStep] {
        HostTuning(HostCheck(profile, on: facts).profile, on: facts).steps
    }
}

@Suite struct `A tuning` {
    /// Of each recorded machine: a profile that fits, and one with things to do.
    @Test(arguments: ["fits", "wrong"])
    func `does all that check leaves to it, and takes it back`(which: String) throws {
        for name in try recordedNames() {
            let host = try WritableMachine(name)
            let profile = try recordedProfile(name, which)
            let before = try host.contents()
            let steps = host.steps(profile)
            var outcomes: [Tuner.Outcome] = []
            try Tuner(root: host.root).apply(steps, undoFile: host.undoFile) {
                outcomes.append($2)
            }
            #expect(outcomes == steps.map { _ in .done }, "\(name)")
            try host.showChoices(as: before)
            // What the kernel shows of an interrupt follows what it may do.
            for step in steps where step.path.hasSuffix("/smp_affinity_list") {
                let shown = step.path.replacingOccurrences(of: "smp_aff", with: "effective_aff")
                try host.write(shown, step.after + "\n")
            }
            let left = HostCheck(profile, on: host.facts).findings.filter {
                $0.remedy == .apply && !$0.topic.hasSuffix("memory")
            }
            #expect(left.isEmpty, "\(name): \(left)")
            #expect(host.steps(profile).isEmpty, "\(name): nothing is left")
            guard !steps.isEmpty else { continue }
            try Tuner(root: host.root).undo(host.undoFile) { _, _, outcome in
                #expect(outcome == .done)
            }
            try host.showChoices(as: before)
            let after = try host.contents().filter { !$0.key.contains("effective_affinity") }
            #expect(after == before.filter { !$0.key.contains("effective_affinity") }, "\(name)")
        }
    }

    @Test func `that fails in the middle leaves the machine as it was`() throws {
        let host = try WritableMachine("vm-two-sockets")
        let profile = try recordedProfile("vm-two-sockets", "wrong")
        let steps = host.steps(profile)
        let broken = try #require(steps.last { !$0.mayBeRefused && $0.path != steps[0].path })
        try host.block(broken.path)
        let before = try host.contents()
        var failed: [String] = []
        let error = #expect(throws: TuningError.self) {
            try Tuner(root: host.root).apply(steps, undoFile: host.undoFile) { step, _, outcome in
                if case .failed = outcome { failed.append(step.path) }
            }
        }
        #expect(failed == [broken.path])
        #expect(error?.description.contains("as it was before") == true, "\(error as Any)")
        try host.showChoices(as: before)
        #expect(try host.contents() == before, "with no undo file left")
    }

    @Test func `goes on where the kernel may refuse`() throws {
        let host = try WritableMachine("vm-two-sockets")
        let profile = try recordedProfile("vm-two-sockets", "wrong")
        let steps = host.steps(profile)
        let managed = try #require(steps.first { $0.mayBeRefused })
        try host.block(managed.path)
        let before = try host.contents()
        var refused: [String] = []
        try Tuner(root: host.root).apply(steps, undoFile: host.undoFile) { step, _, outcome in
            if case .refused = outcome { refused.append(step.path) }
        }
        #expect(refused == [managed.path])
        try host.showChoices(as: before)
        try Tuner(root: host.root).undo(host.undoFile) { _, _, outcome in
            #expect(outcome == .done)
        }
        try host.showChoices(as: before)
        #expect(try host.contents() == before, "what was refused is not taken back")
    }

    /// The first one is: nothing stands before it in the file.
    @Test func `that is refused altogether leaves no undo file`() throws {
        let host = try WritableMachine("vm-two-sockets")
        let steps = host.steps(try recordedProfile("vm-two-sockets", "wrong"))
        let managed = try #require(steps.first { $0.mayBeRefused })
        let other = try #require(steps.first { $0.path.hasSuffix("numa_balancing") })
        try host.block(managed.path)
        let before = try host.contents()
        try Tuner(root: host.root).apply([managed], undoFile: host.undoFile) { _, _, _ in }
        #expect(try host.contents() == before)
        try Tuner(root: host.root).apply([managed, other], undoFile: host.undoFile) { _, _, _ in }
        try Tuner(root: host.root).undo(host.undoFile) { _, _, _ in }
        #expect(try host.contents() == before)
    }

    @Test func `is taken back as a whole, however long the file`() throws {
        let host = try WritableMachine("vm-two-sockets")
        let paths = (0..<2_000).map { "sys/kernel/a-setting-with-a-long-name-\($0)" }
        for path in paths { try host.write(path, "after\n") }
        try host.write("undo", UndoFile.head(host.root) + paths.map { "/\($0)=before\n" }.joined())
        try Tuner(root: host.root).undo(host.undoFile) { _, _, _ in }
        let after = try host.contents()
        #expect(paths.filter { after[$0] != "before\n" }.isEmpty)
    }

    @Test func `is not taken back by half when the file is too long`() throws {
        let host = try WritableMachine("vm-two-sockets")
        try host.write("undo", String(repeating: "# a comment\n", count: 1_500_000))
        let error = #expect(throws: TuningError.self) {
            try Tuner(root: host.root).undo(host.undoFile) { _, _, _ in }
        }
        #expect(error?.description.contains("longer than") == true)
        #expect(FileManager.default.fileExists(atPath: host.undoFile))
    }

    @Test func `done twice leads back to the beginning`() throws {
        let host = try WritableMachine("vm-vfio-rdma")
        var profile = try recordedProfile("vm-vfio-rdma", "fits")
        let before = try host.contents()
        for count in [200, 300] {
            profile.hugePages[0].count = count
            try Tuner(root: host.root).apply(host.steps(profile), undoFile: host.undoFile) {
                _, _, _ in
            }
        }
        #expect(host.facts.nodes[0].hugePages.contains { $0.total == 300 })
        try Tuner(root: host.root).undo(host.undoFile) { _, _, _ in }
        #expect(try host.contents() == before)
    }

    @Test func `changes nothing when it could not be taken back`() throws {
        let host = try WritableMachine("vm-vfio-rdma")
        var profile = try recordedProfile("vm-vfio-rdma", "fits")
        profile.hugePages[0].count = 200
        let before = try host.contents()
        let error = #expect(throws: TuningError.self) {
            try Tuner(root: host.root).apply(
                host.steps(profile), undoFile: host.root + "/proc/cmdline/undo"
            ) { _, _, _ in }
        }
        #expect(error?.description.hasPrefix("nothing was changed") == true)
        #expect(try host.contents() == before)
    }

    @Test(arguments: [
        "/etc/passwd=x", "/sys/../etc/passwd=x", "sys/kernel/x=1", "/sys/kernel/x", "nonsense",
        "/proc/self/mem=1",
    ])
    func `takes nothing back that no tuning has done`(line: String) throws {
        let host = try WritableMachine("vm-vfio-rdma")
        try host.write(
            "undo", "\(UndoFile.head(host.root))# comment\n/proc/sys/vm/swappiness=1\n\(line)\n")
        let before = try host.contents()
        #expect(throws: TuningError.self) {
            try Tuner(root: host.root).undo(host.undoFile) { _, _, _ in }
        }
        #expect(try host.contents() == before)
    }
}

@Suite struct `Giving a card to vfio-pci` {
    /// It has a table of routes, as every kernel, and no card in it.
    private func machine(_ name: String = "vm-two-sockets") throws -> WritableMachine {
        let host = try WritableMachine(name)
        try host.write("proc/net/route", "Iface\n")
        return host
    }

    private func profile() throws -> HardwareProfile {
        try recordedProfile("vm-two-sockets", "wrong")
    }

    @Test func `takes it back when no driver has it afterwards`() throws {
        let host = try machine()
        let device = "sys/bus/pci/devices/0000:81:00.0"
        for path in [
            "\(device)/driver/unbind", "\(device)/driver_override", "sys/bus/pci/drivers_probe",
            "sys/bus/pci/drivers/vfio-pci/unbind",
        ] { try host.write(path, "") }
        let steps = try HostTuning(try profile(), on: host.facts).bindSteps()
        #expect(steps.map(\.after) == ["0000:81:00.0", "vfio-pci", "0000:81:00.0"])
        let error = #expect(throws: TuningError.self) {
            try Tuner(root: host.root).apply(steps, undoFile: host.undoFile) { _, _, _ in }
        }
        #expect(error?.description.contains("has no DRIVER=vfio-pci") == true)
        func written(_ path: String) throws -> String {
            try String(contentsOfFile: "\(host.root)/\(path)", encoding: .utf8)
        }
        #expect(try written("\(device)/driver_override") == "\n", "any driver again")
        #expect(try written("sys/bus/pci/drivers/vfio-pci/unbind") == "0000:81:00.0\n")
        #expect(!FileManager.default.fileExists(atPath: host.undoFile))
    }

    @Test func `is refused while the host talks through it`() throws {
        let host = try machine()
        try host.write("proc/net/route", "Iface\tDestination\neth0\t00000000\n")
        let error = #expect(throws: TuningError.self) {
            try HostTuning(try profile(), on: host.facts).bindSteps()
        }
        #expect(error?.description.contains("eth0 at 0000:81:00.0 carries") == true)
    }

    @Test func `is refused without an IOMMU, without the module, and without a card`() throws {
        var wrong = try profile()
        let causes = [
            ("vm-one-socket", "0000:00:08.0", "modprobe vfio-pci"),
            ("vm-two-sockets", "0000:82:00.0", "nothing to bind"),
            ("vm-two-sockets", "0000:99:00.0", "nothing to bind"),
        ]
        for (name, address, text) in causes {
            wrong.port = "pci:\(address)"
            let host = try machine(name)
            let error = #expect(throws: TuningError.self) {
                try HostTuning(wrong, on: host.facts).bindSteps()
            }
            #expect(error?.description.contains(text) == true, "\(error as Any)")
        }
        let host = try machine()
        let group = "\(host.root)/sys/bus/pci/devices/0000:81:00.0/iommu_group"
        try FileManager.default.removeItem(atPath: group)
        let error = #expect(throws: TuningError.self) {
            try HostTuning(try profile(), on: host.facts).bindSteps()
        }
        #expect(error?.description.contains("intel_iommu=on") == true)
    }

    @Test func `has nothing to do where DPDK has it already`() throws {
        let facts = MachineFacts.read(root: recordedTree("vm-vfio-rdma"))
        let fits = try recordedProfile("vm-vfio-rdma", "fits")
        #expect(try HostTuning(fits, on: facts).bindSteps().isEmpty)
    }
}

@Suite struct `A plan` {
    /// With a name, a governor and a path that a shell would take apart.
    @Test func `is a script that a shell reads, whatever the profile says`() throws {
        for name in try recordedNames() {
            let machine = MachineFacts.read(root: recordedTree(name))
            var profile = try recordedProfile(name, "wrong")
            profile.name = "a'b\n$(touch /tmp/needletail-was-here)"
            profile.kernel.governor = "x'; touch /tmp/needletail-was-here; '"
            for all in [false, true] {
                let text = HostPlan(
                    profile, file: "it's $(here).yaml", on: machine, all: all
                ).text
                #expect(try status(of: text) == 0, "\(text)")
                #expect(!text.contains("\n$(touch"))
            }
        }
    }

    /// What the shell says of the syntax.
    private func status(of script: String) throws -> Int32 {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-n", "-c", script]
        try shell.run()
        shell.waitUntilExit()
        return shell.terminationStatus
    }

    @Test func `has nothing left for a host that is as it should be`() throws {
        let host = try WritableMachine("vm-two-sockets")
        try host.write("proc/sys/kernel/numa_balancing", "0\n")
        // More than is asked for, which stays.
        try host.write("proc/sys/vm/stat_interval", "120\n")
        let profile = try recordedProfile("vm-two-sockets", "fits")
        let text = HostPlan(profile, file: "host.yaml", on: host.facts).text
        for word in ["update-grub", "sysctl -p", "driver_override", "echo "] {
            #expect(!text.contains(word), "\(text)")
        }
    }

    @Test func `quotes what a shell would take apart`() {
        #expect(ShellText.quoted("a-b_c.d/e:9") == "a-b_c.d/e:9")
        #expect(ShellText.quoted("") == "''")
        #expect(ShellText.quoted("a'b $x") == "'a'\\''b $x'")
        #expect(ShellText.comment("a\nb\u{9B}c") == "a?b?c")
    }

    @Test func `writes masks as the kernel does`() {
        for numbers in [[0], [31], [32], [0, 1, 63, 64, 127], Array(0..<96)] {
            #expect(NumberList.mask(NumberList.maskText(numbers)) == numbers)
        }
        #expect(NumberList.maskText([0, 1, 32]) == "1,00000003")
    }
}
