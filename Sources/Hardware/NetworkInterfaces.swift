// SPDX-License-Identifier: Apache-2.0

/// An interface of the kernel's, virtual ones included: what a port by name may be attached to.
public struct NetworkInterface: Equatable, Sendable {
    /// Such as "eth1".
    public let name: String
    /// Whether it has been switched on; nil if unknown.
    public let isUp: Bool?
    /// Whether the host itself talks through it: it has a route or an IPv6 address that others can
    /// reach, or it is below another interface (a bond, a bridge, a VLAN). Nil if unknown.
    public let carriesHostTraffic: Bool?

    internal static func readAll(_ root: MachineRoot) -> [NetworkInterface] {
        let used = usedByHost(root)
        return (root.names("sys/class/net") ?? []).compactMap { name in
            let folder = "sys/class/net/\(name)"
            // A file that other modules leave there is no interface.
            guard name != "lo", let entries = root.names(folder) else { return nil }
            let isBelow = entries.contains { $0 == "master" || $0.hasPrefix("upper_") }
            return NetworkInterface(
                name: name, isUp: isUp(root, folder),
                carriesHostTraffic: isBelow ? true : used?.contains(name))
        }
    }

    /// Bit 0 of the flags, in hexadecimal.
    private static func isUp(_ root: MachineRoot, _ folder: String) -> Bool? {
        guard let text = root.text("\(folder)/flags"), text.hasPrefix("0x"),
            let flags = UInt32(text.dropFirst(2), radix: 16)
        else { return root.text("\(folder)/operstate") == "up" ? true : nil }
        return flags & 1 != 0
    }

    /// The first word of each route, and the last one of each IPv6 address that is not of the link
    /// only; nil if there is no table of routes.
    private static func usedByHost(_ root: MachineRoot) -> Set<String>? {
        guard let routes = root.text("proc/net/route") else { return nil }
        var names = Set(
            routes.split(separator: "\n").dropFirst()
                .compactMap { $0.split { $0 == "\t" || $0 == " " }.first.map(String.init) })
        for line in (root.text("proc/net/if_inet6") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            // Address, index, length, scope, flags, name; scope 0 reaches beyond the link.
            if words.count == 6, words[3] == "00" { names.insert(String(words[5])) }
        }
        return names
    }
}
