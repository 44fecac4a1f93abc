// SPDX-License-Identifier: Apache-2.0

/// The one place that says which version this is: `--version` shows it, packages are named by it.
public enum ProjectVersion {
    /// As `1.2.3`; any thread.
    public static var text: String { "0.4.0" }
}
