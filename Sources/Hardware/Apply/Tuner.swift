// SPDX-License-Identifier: Apache-2.0
//
// SAFETY: a path is lent for one call; what `realpath` returns is copied, then freed.
internal import Glibc
internal import Platform

/// Why a machine was left as it was. One sentence with cause and cure.
public struct TuningError: Error, Equatable, CustomStringConvertible, Sendable {
    /// The sentence.
    public let description: String

    internal init(_ description: String) { self.description = description }
}

/// Does the steps of a tuning, and takes them back. One thread; of a machine one tuner at a time,
/// and nobody else should change the same files meanwhile.
public struct Tuner: Sendable {
    /// What became of one step.
    public enum Outcome: Equatable, Sendable {
        /// The file holds the new value.
        case done
        /// It held it already.
        case wasSo
        /// The kernel refused, and that is no harm; why and what would help.
        case refused(String)
        /// It could not be done; why and what would help.
        case failed(String)
    }

    /// Without links in it.
    private let root: String
    private let files: TuningFiles

    /// `root` is "/" or the tree of a recorded machine.
    public init(root: String = "/") {
        self.root = Self.withoutLinks(root)
        files = TuningFiles(self.root)
    }

    private static func withoutLinks(_ path: String) -> String {
        guard let real = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }

    /// Where the undo file of a profile is unless told: beside the files that are changed.
    public func undoFile(of profile: HardwareProfile) -> String {
        (root == "/" ? "" : root) + "/run/needletail/undo-\(profile.instanceName)"
    }

    /// What a person types to take back what an undo file holds.
    public func undoCommand(_ undoFile: String) -> String {
        "needletail hw apply"
            + (root == "/" ? "" : " --root \(ShellText.quoted(root))")
            + " --undo \(ShellText.quoted(undoFile))"
    }

    /// Does the steps in their order. What takes each one back is in `undoFile` before it is done.
    /// When one fails, those before it are taken back and the error says why: the machine is as it
    /// was.
    public func apply(
        _ steps: [TuningStep], undoFile: String,
        report: (TuningStep, _ before: String, Outcome) -> Void
    ) throws(TuningError) {
        guard !steps.isEmpty else { return }
        let turn = try turn()
        defer { close(turn) }
        let undo = try UndoFile.made(at: undoFile, below: root)
        defer { undo.close() }
        let kept = undo.byteCount
        var done: [UndoFile.Entry] = []
        for step in steps {
            let before = step.order == nil ? files.value(step.path) ?? step.before : step.before
            if step.order == nil, files.isSame(step.path, before, step.after) {
                report(step, before, .wasSo)
                continue
            }
            let entry =
                step.order.map { UndoFile.Entry(path: $0.undoPath, value: $0.undoValue) }
                ?? UndoFile.Entry(path: step.path, value: before)
            let length = undo.byteCount
            guard let failure = undo.append(entry) ?? perform(step) else {
                done.append(entry)
                report(step, before, .done)
                continue
            }
            if step.mayBeRefused {
                // Nothing of it is left to be taken back, unless the kernel keeps half of it.
                if isAsBefore(step, before) { undo.forget(behind: length) }
                report(step, before, .refused(failure))
                continue
            }
            report(step, before, .failed(failure))
            let stuck = takeBack([entry] + done.reversed(), isFirstUncertain: true)
            guard stuck.isEmpty else {
                throw TuningError(
                    "\(step.topic): \(failure); of what was done before, "
                        + stuck.map { "/\($0.path)" }.joined(separator: ", ")
                        + " could not be taken back, see \(undoFile)")
            }
            undo.cut(to: kept)
            throw TuningError("\(step.topic): \(failure); everything is as it was before")
        }
        if done.isEmpty { undo.cut(to: kept) }
    }

    /// Takes back what an undo file holds, from its last line, and removes it when all is as it
    /// was. A line that cannot be taken back is told, and the others go on. Returns false if there
    /// is no such file, so nothing to take back.
    @discardableResult
    public func undo(
        _ undoFile: String, report: (UndoFile.Entry, _ before: String, Outcome) -> Void
    ) throws(TuningError) -> Bool {
        let turn = try turn()
        defer { close(turn) }
        guard let undo = try UndoFile.found(at: undoFile, below: root) else { return false }
        defer { undo.close() }
        let entries = try undo.read()
        var failures = 0
        for entry in entries.reversed() {
            let before = files.value(entry.path) ?? "?"
            let failure = files.write(entry.path, entry.value)
            if failure != nil { failures += 1 }
            report(entry, before, failure.map { .failed($0) } ?? .done)
        }
        guard failures == 0 else {
            throw TuningError(
                "\(failures) of \(entries.count) could not be taken back; \(undoFile) "
                    + "is kept, so that it can be tried again")
        }
        undo.remove()
        return true
    }

    /// Until it is closed, or the process ends, no other tuner has this machine, whatever undo file
    /// it names. A lock of the root folder leaves nothing behind.
    private func turn() throws(TuningError) -> Int32 {
        let folder = unsafe open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else {
            throw TuningError(
                "nothing was changed: \(root) cannot be read: \(SystemText.of(errno))")
        }
        guard flock(folder, LOCK_EX | LOCK_NB) == 0 else {
            close(folder)
            throw TuningError(
                "nothing was changed: another `needletail hw apply` is at work below \(root); try "
                    + "again when it has ended")
        }
        return folder
    }

    /// Why it could not be done; nil if it was.
    private func perform(_ step: TuningStep) -> String? {
        let cure = step.cure.isEmpty ? "" : "; \(step.cure)"
        if let failure = files.write(step.path, step.after) { return failure + cure }
        if let order = step.order {
            guard let proof = order.proof else { return nil }
            let lines = (files.value(proof.path) ?? "").split(separator: "\n")
            return lines.contains { $0 == proof.line }
                ? nil : "/\(proof.path) has no \(proof.line)\(cure)"
        }
        guard let now = files.value(step.path), !files.isSame(step.path, now, step.after) else {
            return nil
        }
        return "/\(step.path) holds \(now) instead of \(step.after)\(cure)"
    }

    /// Whether a refused step has changed nothing, or could be made so.
    private func isAsBefore(_ step: TuningStep, _ before: String) -> Bool {
        guard let now = files.value(step.path), !files.isSame(step.path, now, before) else {
            return true
        }
        return files.write(step.path, before) == nil
    }

    /// Those that could not be taken back. The first may never have been done: it is tried only.
    private func takeBack(
        _ entries: [UndoFile.Entry], isFirstUncertain: Bool
    ) -> [UndoFile.Entry] {
        entries.enumerated().filter { index, entry in
            files.write(entry.path, entry.value) != nil && !(isFirstUncertain && index == 0)
        }.map(\.element)
    }
}
