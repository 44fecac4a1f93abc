// SPDX-License-Identifier: Apache-2.0

/// A thread of this process, as the kernel has it.
public struct RunningThread: Equatable, Sendable {
    /// At most 15 characters.
    public let name: String
    /// Where it may run, ascending; nil if unknown.
    public let cpus: [Int]?

    /// From its parts.
    public init(name: String, cpus: [Int]?) {
        self.name = name
        self.cpus = cpus
    }

    /// All that run now, in the order in which they were made.
    public static func readAll(root: String = "/") -> [RunningThread] {
        let root = MachineRoot(root)
        let folder = "proc/self/task"
        return (root.numbers(folder, behind: "") ?? []).compactMap { thread in
            guard let name = root.word("\(folder)/\(thread)/comm") else { return nil }
            return RunningThread(
                name: name, cpus: allowed(root.text("\(folder)/\(thread)/status") ?? ""))
        }
    }

    private static func allowed(_ status: String) -> [Int]? {
        let key = "Cpus_allowed_list:"
        for line in status.split(separator: "\n") where line.hasPrefix(key) {
            return NumberList.numbers(String(line.dropFirst(key.utf8.count).drop { $0 <= " " }))
        }
        return nil
    }
}
