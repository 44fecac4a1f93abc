// SPDX-License-Identifier: Apache-2.0
import NICGateway

/// Tells of the port's link when it goes and when it comes back, each change once. Asked ten times
/// a second.
struct LinkWatch {
    private let port: NICGateway.Port
    private var looksWithoutLink = 0

    init(_ port: NICGateway.Port) { self.port = port }

    /// What has changed since the last look; nil for nothing.
    mutating func look() -> (line: String, isBad: Bool)? {
        let name = port.specification.description
        guard port.isLinkUp else {
            looksWithoutLink += 1
            guard looksWithoutLink == 1 else { return nil }
            return ("link down: nothing comes or goes on \(name) (its cable, or the switch?)", true)
        }
        defer { looksWithoutLink = 0 }
        guard looksWithoutLink > 0 else { return nil }
        let tenths = looksWithoutLink
        return ("link up again: \(name), after \(tenths / 10).\(tenths % 10) s without it", false)
    }
}
