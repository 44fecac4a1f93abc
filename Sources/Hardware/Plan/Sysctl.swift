// SPDX-License-Identifier: Apache-2.0

/// A setting below /proc/sys that disturbs a gateway as distributions have it.
internal struct Sysctl {
    let name: String
    let topic: String
    let wanted: Int
    /// Whether more than that is as good.
    var isLeast = false
    let reason: String

    /// Those that matter for a profile on a machine.
    static func wanted(_ profile: HardwareProfile, _ machine: MachineFacts) -> [Sysctl] {
        var settings = [
            Sysctl(
                name: "kernel.sched_autogroup_enabled", topic: "autogroup", wanted: 0,
                reason: "a nice value counts only within a session: threads of low priority get "
                    + "in the way")
        ]
        if machine.nodes.count > 1, !profile.cpus.polling.isEmpty {
            settings.append(
                Sysctl(
                    name: "kernel.numa_balancing", topic: "NUMA balancing", wanted: 0,
                    reason: "the kernel takes pages away to see who wants them, and each costs a "
                        + "fault"))
        }
        if profile.kernel.isolatePolling == true, !profile.cpus.polling.isEmpty {
            settings.append(
                Sysctl(
                    name: "vm.stat_interval", topic: "memory statistics", wanted: 10, isLeast: true,
                    reason: "every so many seconds the kernel counts memory on each processor, "
                        + "kept free or not"))
        }
        return settings
    }

    /// What it is to be where it is that: what will do stays.
    func after(_ found: Int) -> Int { isLeast ? max(found, wanted) : wanted }

    /// What it is at present; nil if unknown.
    func value(_ machine: MachineFacts) -> Int? {
        if name == "kernel.sched_autogroup_enabled" {
            return machine.kernel.isAutogroupOn.map { $0 ? 1 : 0 }
        }
        return machine.kernel.settings.first { $0.name == name }?.value
    }

    var path: String { "proc/sys/" + name.split(separator: ".").joined(separator: "/") }
}
