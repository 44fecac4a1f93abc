// SPDX-License-Identifier: Apache-2.0

/// Everything that is wrong with a file of settings, each with its place and the cure.
public struct SettingsError: Error, CustomStringConvertible, Sendable {
    /// One thing that is wrong.
    public struct Problem: Sendable, Equatable {
        /// Line in the file, from 1; 0 = the file as a whole.
        public var line: Int
        /// The key, with the keys around it: `sessions.capacity`.
        public var key: String
        /// What is wrong and what would be right.
        public var message: String

        /// From its parts.
        public init(line: Int, key: String, message: String) {
            self.line = line
            self.key = key
            self.message = message
        }
    }
    /// The file's name.
    public var file: String
    /// In order of lines.
    public var problems: [Problem]

    /// From its parts.
    public init(file: String, problems: [Problem]) {
        self.file = file
        self.problems = problems
    }

    /// `file:line: key: message`, a line each.
    public var description: String {
        problems.map { problem in
            let place = problem.line > 0 ? "\(file):\(problem.line)" : file
            return problem.key.isEmpty
                ? "\(place): \(problem.message)" : "\(place): \(problem.key): \(problem.message)"
        }.joined(separator: "\n")
    }
}
