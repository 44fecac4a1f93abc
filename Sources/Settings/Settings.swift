// SPDX-License-Identifier: Apache-2.0
internal import Yams

//  YAML text ─▶ SettingsReader ─▶ typed values
//                     └─▶ SettingsError: everything that is wrong, each with line, key and cure
//
// How files that people write are read: configurations and profiles. Once, at the start, on one
// thread.

/// A file of settings.
public enum Settings {
    /// Has `body` read the text's one mapping. Throws when the text is not YAML, or `body` left
    /// problems in the reader, or keys that nobody asked for.
    public static func read(
        yaml: String, file: String, _ body: (inout SettingsReader) -> Void
    ) throws(SettingsError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw SettingsError(file: file, problems: [syntaxProblem(error)])
        }
        var reader = SettingsReader(root)
        body(&reader)
        reader.rejectUnknownKeys()
        guard reader.problems.isEmpty else {
            throw SettingsError(file: file, problems: reader.problems.sorted { $0.line < $1.line })
        }
    }

    private static func syntaxProblem(_ error: any Error) -> SettingsError.Problem {
        switch error as? YamlError {
        case .parser(_, let problem, let mark, _), .scanner(_, let problem, let mark, _):
            .init(line: mark.line, key: "", message: "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, _):
            .init(
                line: 0, key: "",
                message: "given twice: \(duplicates.joined(separator: ", "))")
        default:
            .init(line: 0, key: "", message: "not YAML: \(error)")
        }
    }
}
