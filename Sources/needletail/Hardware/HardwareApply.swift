// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import Hardware
internal import Platform

/// `needletail hw apply`: what can be done while the machine runs, and taken back.
struct HardwareApply: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Set this machine up as a profile says, as far as it goes without a reboot.",
        discussion: """
            Huge pages, governor, idle states, transparent huge pages, scheduler settings, the \
            journal disk's scheduler and interrupts; with --bind-nic the port's card goes from \
            the kernel to vfio-pci. Each step is shown. When one fails, those before it are taken \
            back. What takes everything back is in /run/needletail/undo-NAME, where NAME is the \
            profile's name; with --root all of it is below that folder. Nothing of it outlives a \
            boot.

            EXAMPLES
              needletail hw apply host.yaml --dry-run
              needletail hw apply host.yaml --bind-nic
              needletail hw apply --undo /run/needletail/undo-host

            EXIT CODES
              0   done, or there was nothing to do
              1   a step failed, or another apply is at work; the machine is as it was
              64  the command line is wrong
              66  --root is not a folder that can be read
              77  not permitted
              78  the profile is wrong
            """)

    @Argument(help: "The host's profile, a YAML file (see hw/profiles).")
    var profile: String?

    @OptionGroup var host: MachineOptions

    @Flag(help: "Only show the steps.")
    var dryRun = false

    @Flag(help: "Give the port's card to vfio-pci; its interface goes away.")
    var bindNic = false

    @Option(help: "Where to write what takes it back; default: ROOT/run/needletail/undo-NAME.")
    var undoFile: String?

    @Option(help: "Take back what this file of an earlier run says.")
    var undo: String?

    func validate() throws {
        if (profile == nil) == (undo == nil) {
            throw ValidationError("Give a profile, or --undo FILE.")
        }
        if undo != nil, dryRun || bindNic || undoFile != nil {
            throw ValidationError("--undo goes with --root only.")
        }
    }

    func run() throws {
        if let undo { return try takeBack(undo) }
        let given = try HostProfile.given(profile ?? "")
        let machine = try host.read()
        let check = HostCheck(given, on: machine, shards: host.shards)
        do {
            let steps =
                (bindNic ? try HostTuning(check.profile, on: machine).bindSteps() : [])
                + HostTuning(check.profile, on: machine).steps
            if dryRun { show(steps) } else { try apply(steps, given) }
        } catch let error as TuningError {
            StandardError.write("needletail: \(error)\n")
            throw Exit.mismatch
        }
        sayWhatIsLeft(check.profile, machine)
    }

    private func show(_ steps: [TuningStep]) {
        for step in steps { print("would  \(step.topic): \(step.before) -> \(step.result)") }
        if steps.isEmpty { print("nothing to do while the machine runs") }
    }

    private func apply(_ steps: [TuningStep], _ profile: HardwareProfile) throws {
        guard !steps.isEmpty else { return show([]) }
        try requireRoot()
        let tuner = Tuner(root: host.root)
        let file = undoFile ?? tuner.undoFile(of: profile)
        var done = 0
        try tuner.apply(steps, undoFile: file) { step, before, outcome in
            if outcome == .done { done += 1 }
            say("\(step.topic): \(before) -> \(step.result)", outcome)
        }
        if done > 0 { print("to take it back: \(tuner.undoCommand(file))") }
    }

    private func takeBack(_ file: String) throws {
        try requireRoot()
        do {
            let isThere = try Tuner(root: host.root).undo(file) { entry, before, outcome in
                say("/\(entry.path): \(before) -> \(entry.value)", outcome)
            }
            if !isThere { print("nothing to take back: \(file) is not there") }
        } catch {
            StandardError.write("needletail: \(error)\n")
            throw Exit.mismatch
        }
    }

    private func say(_ line: String, _ outcome: Tuner.Outcome) {
        switch outcome {
        case .done: print("done     \(line)")
        case .wasSo: print("was so   \(line)")
        case .refused(let cause): print("refused  \(line)\n         \(cause)")
        case .failed(let cause): print("FAILED   \(line)\n         \(cause)")
        }
    }

    /// A recorded tree belongs to whoever made it.
    private func requireRoot() throws {
        guard host.root == "/", geteuid() != 0 else { return }
        StandardError.write(
            "needletail: only root may set the machine up; "
                + "say `sudo needletail hw apply …`, or look with --dry-run\n")
        throw Exit.notPermitted
    }

    private func sayWhatIsLeft(_ profile: HardwareProfile, _ machine: MachineFacts) {
        let words = BootWord.wanted(profile, machine).filter { !$0.isThere }
        guard !words.isEmpty else { return }
        print("not while it runs, but by a reboot (`needletail hw plan` has the commands):")
        for word in words { print("  \(word.text)   \(word.reason)") }
    }
}
