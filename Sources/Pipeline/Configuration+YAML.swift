// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import NICGateway
internal import Yams

extension Configuration {
    /// Reads a configuration. Everything that is wrong is in the error, with line and cure.
    public init(yaml: String, file: String) throws(ConfigurationError) {
        self.init()
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch {
            throw ConfigurationError(
                file: file, problems: [Self.syntaxProblem(error)])
        }
        var reader = ConfigurationReader(root)
        readPort(&reader)
        readThreads(&reader)
        readSessions(&reader)
        readPublicStream(&reader)
        readJournal(&reader)
        readEngine(&reader)
        readInstruments(&reader)
        reader.rejectUnknownKeys()
        if reader.problems.isEmpty { checkTogether(&reader) }
        guard reader.problems.isEmpty else {
            throw ConfigurationError(
                file: file, problems: reader.problems.sorted { $0.line < $1.line })
        }
    }

    private static func syntaxProblem(_ error: any Error) -> ConfigurationError.Problem {
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

    private mutating func readPort(_ reader: inout ConfigurationReader) {
        if let value = reader.string("port") {
            port = value
            do throws(PortSpecificationError) {
                _ = try PortSpecification(value)
            } catch {
                reader.fail("port", "`\(value)`: \(error.problem); expected \(error.expected)")
            }
        } else {
            reader.fail(
                "port", "missing; for example `port: af_packet:eth1` or `port: udp:127.0.0.1:7000`")
        }
        if let value = reader.ipv4Address("address") {
            ipv4Address = value
        } else if reader.node("address") == nil {
            reader.fail("address", "missing; our IPv4 address, for example `address: 10.77.0.2`")
        }
        if let text = reader.string("macAddress") {
            if let address = MACAddress(text) {
                macAddress = address.rawValue
            } else {
                reader.fail("macAddress", "`\(text)` is not six bytes such as 02:4e:54:00:00:01")
            }
        }
        udpPort = reader.integer("udpPort", in: 1...65_000) ?? udpPort
        shards = reader.integer("shards", in: 1...16) ?? shards
        epoch = reader.integer("epoch", in: 1...UInt32.max) ?? epoch
        verifiesChecksums = reader.boolean("verifyChecksums") ?? verifiesChecksums
        packetMemoryMB = reader.integer("packetMemoryMB", in: 0...65_536) ?? packetMemoryMB
        packetBuffers = reader.integer("packetBuffers", in: 1_024...1_048_576) ?? packetBuffers
        readCommitPolicies(&reader)
    }

    /// One word for all shards, or a list with one for each.
    private mutating func readCommitPolicies(_ reader: inout ConfigurationReader) {
        guard let policies = reader.choices("commit", CommitPolicy.self) else { return }
        commitPolicies = policies
        guard reader.isList("commit"), policies.count != shards else { return }
        reader.fail(
            "commit",
            "\(policies.count) policies for \(shards) shards: one word for all, or a list with one "
                + "for each shard")
    }

    private mutating func readThreads(_ reader: inout ConfigurationReader) {
        mode = reader.choice("mode", Mode.self) ?? mode
        polling = reader.choice("polling", Polling.self) ?? polling
        var cpus = reader.inner("cpus")
        gatewayCPUs = cpus.integers("gateway", in: 0...1_023) ?? []
        engineCPUs = cpus.integers("engine", in: 0...1_023) ?? []
        cpus.rejectUnknownKeys()
        reader.absorb(cpus)
    }

    private mutating func readSessions(_ reader: inout ConfigurationReader) {
        var inner = reader.inner("sessions")
        sessionCapacity = inner.integer("capacity", in: 1...65_536) ?? sessionCapacity
        heartbeatMillis = inner.integer("heartbeatMillis", in: 10...60_000) ?? heartbeatMillis
        messagesPerSecond =
            inner.integer("messagesPerSecond", in: 0...100_000_000) ?? messagesPerSecond
        messageBurst = inner.integer("burst", in: 1...1_000_000) ?? messageBurst
        reorderWindow = inner.integer("reorderWindow", in: 0...256) ?? reorderWindow
        inner.rejectUnknownKeys()
        reader.absorb(inner)
    }

    private mutating func readPublicStream(_ reader: inout ConfigurationReader) {
        guard reader.node("publicStream") != nil else { return }
        var inner = reader.inner("publicStream")
        publicGroup = inner.ipv4Address("group", isMulticast: true)
        if inner.node("group") == nil {
            inner.fail("group", "missing; for example `group: 239.77.0.1`")
        }
        publicUDPPort = inner.integer("udpPort", in: 1...65_000) ?? publicUDPPort
        inner.rejectUnknownKeys()
        reader.absorb(inner)
    }

    private mutating func readJournal(_ reader: inout ConfigurationReader) {
        guard reader.node("journal") != nil else {
            if commitPolicies.contains(.durable) {
                reader.fail(
                    "commit",
                    "durable needs a journal; for example `journal: {folder: /var/lib/needletail}`")
            }
            return
        }
        var inner = reader.inner("journal")
        if let folder = inner.string("folder"), !folder.isEmpty {
            var settings = Journal(folder: folder)
            settings.segmentMB = inner.integer("segmentMB", in: 1...65_536) ?? settings.segmentMB
            settings.batchesInFlight =
                inner.integer("batchesInFlight", in: 1...8) ?? settings.batchesInFlight
            readSnapshots(&inner, &settings)
            journal = settings
            inner.rejectUnknownKeys()
        } else {
            inner.fail("folder", "missing; for example `folder: /var/lib/needletail`")
        }
        reader.absorb(inner)
    }

    private func readSnapshots(
        _ inner: inout ConfigurationReader, _ settings: inout Journal
    ) {
        settings.snapshotEvery =
            inner.integer("snapshotEvery", in: 0...(1 << 48)) ?? settings.snapshotEvery
        settings.snapshotsKept =
            inner.integer("snapshotsKept", in: 1...1_000) ?? settings.snapshotsKept
        settings.oldSegments =
            inner.choice("oldSegments", Journal.OldSegments.self) ?? settings.oldSegments
        settings.archiveFolder = inner.string("archiveFolder") ?? ""
        if settings.oldSegments == .archive, settings.archiveFolder.isEmpty {
            inner.fail(
                "archiveFolder",
                "missing; `oldSegments: archive` needs it, for example "
                    + "`archiveFolder: /srv/needletail-archive`")
        }
        if settings.archiveFolder == settings.folder {
            inner.fail("archiveFolder", "the same as `folder`: name another one")
        }
    }

    private mutating func readEngine(_ reader: inout ConfigurationReader) {
        var inner = reader.inner("engine")
        orderCapacity = inner.integer("orderCapacity", in: 16...268_435_456) ?? orderCapacity
        sessionOpenOrdersMax =
            inner.integer("sessionOpenOrdersMax", in: 1...268_435_456) ?? orderCapacity
        instrumentCapacity =
            inner.integer("instrumentCapacity", in: 1...65_536) ?? instrumentCapacity
        logCapacity = inner.powerOfTwo("logCapacity", in: 1_024...16_777_216) ?? logCapacity
        eventCapacity = inner.powerOfTwo("eventCapacity", in: 4_096...16_777_216) ?? eventCapacity
        inner.rejectUnknownKeys()
        reader.absorb(inner)
    }

    private mutating func readInstruments(_ reader: inout ConfigurationReader) {
        guard let (node, line) = reader.node("instruments") else {
            reader.fail("instruments", "missing; a list with at least one instrument")
            return
        }
        guard let list = node.sequence, !list.isEmpty else {
            reader.fail("instruments", line: line, "expected a list (`- number: 1` …)")
            return
        }
        for (index, item) in list.enumerated() {
            var inner = ConfigurationReader(item, path: "instruments[\(index)]")
            var instrument = Instrument(
                number: 0, symbol: "", lowestPriceTicks: 0, highestPriceTicks: 0)
            instrument.number = inner.integer("number", in: 1...65_536) ?? 0
            instrument.symbol = inner.string("symbol") ?? ""
            instrument.lowestPriceTicks =
                inner.integer("lowestPriceTicks", in: -(1 << 40)...(1 << 40)) ?? 1
            instrument.highestPriceTicks =
                inner.integer("highestPriceTicks", in: -(1 << 40)...(1 << 40)) ?? 0
            instrument.quantityLotsMax =
                inner.integer("quantityLotsMax", in: 1...(1 << 62))
                ?? Instrument.quantityLotsMaxDefault
            instrument.priceDecimals = inner.integer("priceDecimals", in: 0...18) ?? 2
            instrument.quantityDecimals = inner.integer("quantityDecimals", in: 0...18) ?? 0
            instrument.shard = inner.integer("shard", in: 0...15) ?? 0
            for key in ["number", "symbol", "lowestPriceTicks", "highestPriceTicks"]
            where inner.node(key) == nil {
                inner.fail(key, "missing")
            }
            if instrument.symbol.utf8.count > 16
                || !instrument.symbol.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
            {
                inner.fail("symbol", "at most 16 visible ASCII characters")
            }
            inner.rejectUnknownKeys()
            reader.absorb(inner)
            instruments.append(instrument)
        }
    }

    /// What is only wrong together.
    private func checkTogether(_ reader: inout ConfigurationReader) {
        var seen: Set<UInt32> = []
        var levels: Int64 = 0
        for instrument in instruments {
            if !seen.insert(instrument.number).inserted {
                reader.fail("instruments", "number \(instrument.number) is given twice")
            }
            if instrument.number > instrumentCapacity {
                reader.fail(
                    "instruments",
                    "number \(instrument.number) is above engine.instrumentCapacity "
                        + "\(instrumentCapacity)")
            }
            if instrument.highestPriceTicks < instrument.lowestPriceTicks {
                reader.fail(
                    "instruments",
                    "\(instrument.symbol): highestPriceTicks \(instrument.highestPriceTicks) is "
                        + "below lowestPriceTicks \(instrument.lowestPriceTicks)")
            } else {
                levels += instrument.highestPriceTicks - instrument.lowestPriceTicks + 1
            }
            // The engine adds up whole price levels: the sum of all orders must fit 64 bits.
            let quantityLimit = UInt64.max / UInt64(orderCapacity)
            if instrument.quantityLotsMax > quantityLimit {
                reader.fail(
                    "instruments",
                    "\(instrument.symbol): quantityLotsMax \(instrument.quantityLotsMax) is above "
                        + "\(quantityLimit), which is 2^64 / engine.orderCapacity")
            }
            if instrument.shard >= UInt32(shards) {
                reader.fail(
                    "instruments",
                    "\(instrument.symbol): shard \(instrument.shard) is not one of 0…\(shards - 1)")
            }
        }
        if levels > 1 << 28 {
            reader.fail(
                "instruments",
                "\(levels) price levels together, at most \(1 << 28): narrow lowestPriceTicks to "
                    + "highestPriceTicks, or make the tick larger")
        }
        if port.hasPrefix("udp:") {
            if shards > 1 {
                reader.fail(
                    "shards", "a udp: port has one socket, so one shard; use another driver")
            }
            if let given = port.split(separator: ":").last.flatMap({ UInt16($0) }), given != udpPort
            {
                reader.fail(
                    "udpPort", "\(udpPort), and the port is bound to \(given): make them equal")
            }
        }
        for (name, cpus) in [("gateway", gatewayCPUs), ("engine", engineCPUs)]
        where !cpus.isEmpty && cpus.count != shards {
            reader.fail("cpus", "\(name): \(cpus.count) processors for \(shards) shards")
        }
    }
}
