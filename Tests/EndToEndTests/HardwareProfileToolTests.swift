// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite(.enabled(if: Machine.hasExecutables, "needletail is not built beside the tests"))
struct `The tools for a profile` {
    private let folder: ScratchFolder
    private let machine: String

    init() throws {
        folder = try ScratchFolder()
        machine = "\(folder.path)/machine"
        let text = Machine.packageRoot.appendingPathComponent(
            "Tests/HardwareTests/Machines/vm-vfio-rdma.machine")
        let script = Machine.packageRoot.appendingPathComponent("hw/scripts/machine-text")
        let unpacked = try run([script.path, "unpack", text.path, machine])
        try #require(unpacked.status == 0, "\(unpacked.output)")
    }

    private func hw(_ arguments: [String]) throws -> Outcome {
        try run([Machine.needletail, "hw"] + arguments)
    }

    private func write(_ name: String, _ text: String) throws -> String {
        let file = "\(folder.path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }

    @Test func `probe writes a profile once, and check and plan take it`() throws {
        let file = "\(folder.path)/host.yaml"
        let first = try hw(["probe", "--root", machine, "--write", file])
        #expect(first.status == 0 && first.output.contains("gateway on 3"), "\(first.output)")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let second = try hw(["probe", "--root", machine, "--write", file, "--port", "memory"])
        #expect(second.status == 74 && second.output.contains("is there already"))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
        let check = try hw(["check", file, "--root", machine])
        #expect(check.status == 0 && check.output.contains("0000:00:08.0, bound to vfio-pci"))
        #expect(try hw(["check", file, "--root", machine, "--strict"]).status == 1)
        let plan = try hw(["plan", file, "--root", machine])
        #expect(plan.status == 0 && plan.output.contains("needletail@host"), "\(plan.output)")
    }

    @Test func `apply shows its steps, does them and takes them back`() throws {
        let pages =
            "\(machine)/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages"
        func count() throws -> String { try String(contentsOfFile: pages, encoding: .utf8) }
        let before = try count()
        let file = try write("host.yaml", "hugePages: [{node: 0, pageMB: 2, count: 777}]\n")
        let undo = "\(folder.path)/undo"
        let dry = try hw(["apply", file, "--root", machine, "--dry-run"])
        #expect(dry.status == 0 && dry.output.contains("-> 777"), "\(dry.output)")
        #expect(try count() == before)
        let done = try hw(["apply", file, "--root", machine, "--undo-file", undo])
        #expect(done.status == 0 && done.output.contains("done "), "\(done.output)")
        #expect(try count() == "777\n")
        let back = try hw(["apply", "--undo", undo, "--root", machine])
        #expect(back.status == 0, "\(back.output)")
        #expect(try count() == before)
        let again = try hw(["apply", "--undo", undo, "--root", machine])
        #expect(again.status == 0 && again.output.contains("nothing to take back"))
    }

    /// The undo file, and the command for it, are of that tree.
    @Test func `apply below a root leaves the host's own undo file alone`() throws {
        let name = "of-a-tree-\(UUID().uuidString)"
        let file = try write(
            "tree.yaml", "name: \(name)\nhugePages: [{node: 0, pageMB: 2, count: 777}]\n")
        let done = try hw(["apply", file, "--root", machine])
        let undo = "\(machine)/run/needletail/undo-\(name)"
        #expect(done.status == 0, "\(done.output)")
        #expect(done.output.contains("hw apply --root \(machine) --undo \(undo)\n"))
        #expect(FileManager.default.fileExists(atPath: undo))
        #expect(!FileManager.default.fileExists(atPath: "/run/needletail/undo-\(name)"))
        let other = try hw(["apply", "--undo", undo, "--root", folder.path])
        #expect(other.status == 1 && other.output.contains("is of the machine at \(machine)"))
        #expect(try hw(["apply", "--undo", undo, "--root", machine]).status == 0)
    }

    @Test func `say what is wrong in one sentence`() throws {
        let wrong = try write("wrong.yaml", "polling: sometimes\n")
        let right = try write("right.yaml", "name: right\n")
        let empty = try write("empty.yaml", "# nothing\n\n")
        let venue = try write("venue.yaml", "instruments:\n  - number: 1\n")
        let cases: [([String], Int32, String)] = [
            (["check", wrong], 78, "wrong.yaml:1: polling: `sometimes` is none of busy"),
            (["plan", "\(folder.path)/none.yaml"], 78, "cannot be read"),
            (["check", empty], 78, "says nothing"),
            (["check", venue], 78, "this is a configuration, not a profile"),
            (["qualify", venue], 78, "this is a configuration, not a profile"),
            (["jitter", "--cpus", "abc"], 64, "needletail hw jitter"),
            (["check", right, "--root", "\(folder.path)/none"], 66, "is not a folder"),
            (["check", right, "--shards", "99"], 64, "from 1 to 16"),
            (["apply"], 64, "Give a profile, or --undo FILE"),
            (["apply", right, "--undo", "x"], 64, "Give a profile, or --undo FILE"),
            (["apply", right, "--root", machine, "--bind-nic"], 1, "profile names no port"),
            (["probe", "--port", "memory"], 64, "go with --write"),
            (["probe", "--write", "/nowhere/x", "--port", "nonsense"], 64, "one of pci:"),
            (["probe", "--write", "/nowhere/x"], 74, "/nowhere/x cannot be written"),
        ]
        for (arguments, status, text) in cases {
            let end = try hw(arguments)
            #expect(
                end.status == status && end.output.contains(text), "\(arguments)\n\(end.output)")
        }
    }
}
