// SPDX-License-Identifier: Apache-2.0
internal import Platform

extension MachineFacts {
    /// All of it as one JSON object with a line break at its end. Every key is always there, in
    /// this order, null if unknown; a key that is there stays while `version` is the same.
    public var json: String {
        JSONValue.object([
            ("version", .number(1)), ("kernel", kernel.value), ("cpus", cpus.value),
            ("nodes", .list(nodes.map(\.value))),
            ("networkDevices", .list(networkDevices.map(\.value))),
            ("blockDevices", .list(blockDevices.map(\.value))),
            ("rdmaDevices", .list(rdmaDevices.map(\.value))),
            ("pciDevices", .list(pciDevices.map(\.value))),
        ]).text() + "\n"
    }
}

extension KernelFacts {
    fileprivate var value: JSONValue {
        .object([
            ("release", JSONValue(release)), ("commandLine", JSONValue(commandLine)),
            ("clockSource", JSONValue(clockSource)), ("clockSources", JSONValue(clockSources)),
            ("transparentHugePages", JSONValue(transparentHugePages)),
            ("iommuGroupCount", JSONValue(iommuGroupCount)),
            ("vfioModules", JSONValue(vfioModules)),
            ("isNoIOMMUAllowed", JSONValue(isNoIOMMUAllowed)),
            ("isAutogroupOn", JSONValue(isAutogroupOn)),
            ("defaultInterruptCPUs", JSONValue(defaultInterruptCPUs)),
            ("settings", .object(settings.map { ($0.name, .number($0.value)) })),
        ])
    }
}

extension CPUTopology {
    fileprivate var value: JSONValue {
        .object([
            ("model", JSONValue(model)), ("isSMTActive", JSONValue(isSMTActive)),
            ("packageCount", JSONValue(packageCount)), ("coreCount", JSONValue(coreCount)),
            ("isolated", JSONValue(isolated)), ("nohzFull", JSONValue(nohzFull)),
            ("processors", .list(processors.map(\.value))),
        ])
    }
}

extension Processor {
    fileprivate var value: JSONValue {
        .object([
            ("number", .number(number)), ("package", JSONValue(package)), ("core", JSONValue(core)),
            ("node", JSONValue(node?.rawValue)), ("siblings", JSONValue(siblings)),
            ("governor", JSONValue(governor)),
            ("idleLatencyMicrosMax", JSONValue(idleLatencyMicrosMax)),
            ("throttleCount", JSONValue(throttleCount)),
            (
                "caches",
                .list(
                    caches.map {
                        .object([
                            ("level", .number($0.level)), ("kind", .text($0.kind)),
                            ("sizeKiB", JSONValue($0.sizeKiB)),
                            ("sharedBy", JSONValue($0.sharedBy)),
                        ])
                    })
            ),
        ])
    }
}

extension NUMANodeFacts {
    fileprivate var value: JSONValue {
        .object([
            ("node", .number(node.rawValue)), ("cpus", JSONValue(cpus)),
            ("memoryKiB", JSONValue(memoryKiB)), ("memoryFreeKiB", JSONValue(memoryFreeKiB)),
            ("distances", JSONValue(distances)),
            (
                "hugePages",
                .list(
                    hugePages.map {
                        .object([
                            ("pageKiB", .number($0.pageKiB)), ("total", JSONValue($0.total)),
                            ("free", JSONValue($0.free)),
                        ])
                    })
            ),
        ])
    }
}

extension NetworkDevice {
    fileprivate var value: JSONValue {
        .object([
            ("interface", JSONValue(interface)), ("driver", JSONValue(driver)),
            ("pciAddress", JSONValue(pciAddress)), ("node", JSONValue(node?.rawValue)),
            ("speedMbps", JSONValue(speedMbps)), ("hasLink", JSONValue(hasLink)),
            ("mtuBytes", JSONValue(mtuBytes)),
            ("receiveQueueCount", JSONValue(receiveQueueCount)),
            ("transmitQueueCount", JSONValue(transmitQueueCount)),
        ])
    }
}

extension RDMADevice {
    fileprivate var value: JSONValue {
        .object([
            ("name", .text(name)), ("driver", JSONValue(driver)),
            ("pciAddress", JSONValue(pciAddress)), ("node", JSONValue(node?.rawValue)),
            (
                "ports",
                .list(
                    ports.map {
                        .object([
                            ("number", .number($0.number)), ("isActive", JSONValue($0.isActive)),
                            ("linkLayer", JSONValue($0.linkLayer)), ("rate", JSONValue($0.rate)),
                            ("interface", JSONValue($0.interface)),
                            ("addresses", .list($0.addresses.map(\.value))),
                        ])
                    })
            ),
        ])
    }
}

extension RDMAAddress {
    fileprivate var value: JSONValue {
        .object([
            ("index", .number(index)), ("kind", .text(kind)), ("interface", JSONValue(interface)),
        ])
    }
}

extension BlockDevice {
    fileprivate var value: JSONValue {
        .object([
            ("name", .text(name)), ("disk", JSONValue(disk)),
            ("pciAddress", JSONValue(pciAddress)), ("node", JSONValue(node?.rawValue)),
            ("isRotational", JSONValue(isRotational)), ("hasWriteCache", JSONValue(hasWriteCache)),
            ("scheduler", JSONValue(scheduler)), ("mountPoints", JSONValue(mountPoints)),
        ])
    }
}

extension PCILink {
    fileprivate var value: JSONValue {
        .object([("speed", .text(speed)), ("width", .number(width))])
    }
}

extension PCIDevice {
    fileprivate var value: JSONValue {
        .object([
            ("address", .text(address)), ("kind", .text(kind.rawValue)),
            ("driver", JSONValue(driver)), ("node", JSONValue(node?.rawValue)),
            ("iommuGroup", JSONValue(iommuGroup)), ("link", link?.value ?? .null),
            ("linkMax", linkMax?.value ?? .null),
            (
                "interrupts",
                .list(
                    interrupts.map {
                        .object([
                            ("number", .number($0.number)), ("name", JSONValue($0.name)),
                            ("allowed", JSONValue($0.allowed)),
                            ("effective", JSONValue($0.effective)),
                        ])
                    })
            ),
        ])
    }
}
