// SPDX-License-Identifier: Apache-2.0
internal import CommandLog
internal import Hardware
internal import NICGateway
internal import Platform
public import Settings

extension Configuration {
    /// Reads a configuration, and the profile of its host if that is a file of its own. Everything
    /// that is wrong is in the error, with line and cure.
    ///
    /// A `port` goes before that of the files.
    public init(
        yaml: String, file: String, profile: (yaml: String, file: String)? = nil,
        port: String? = nil
    ) throws(SettingsError) {
        var read = Configuration()
        var profileKeys: [String] = []
        if let profile {
            try Settings.read(yaml: profile.yaml, file: profile.file) { reader in
                read.host.read(&reader)
                profileKeys = HardwareProfile.keys.filter { reader.has($0) }
                read.checkPort(&reader)
            }
        }
        try Settings.read(yaml: yaml, file: file) { reader in
            for key in profileKeys where reader.has(key) {
                reader.fail(key, "is in the profile \(profile?.file ?? "") too: take it out of one")
            }
            read.readAll(&reader, port: port)
        }
        self = read
    }

    private mutating func readAll(_ reader: inout SettingsReader, port: String?) {
        let isPortKnown = host.port != nil
        host.read(&reader)
        host.port = port ?? host.port
        if !isPortKnown || port != nil { checkPort(&reader) }
        if host.port == nil {
            reader.fail(
                "port",
                "missing here, in the profile, and on the command line (--port); for example "
                    + "`port: af_packet:eth1` or `port: udp:127.0.0.1:7000`")
        }
        readAddresses(&reader)
        readSessions(&reader)
        readPublicStream(&reader)
        readJournal(&reader)
        readCluster(&reader)
        readEngine(&reader)
        readInstruments(&reader)
        calendarFile = reader.string("calendar")
        if reader.problems.isEmpty { checkTogether(&reader) }
    }

    private func checkPort(_ reader: inout SettingsReader) {
        guard let port = host.port else { return }
        do throws(PortSpecificationError) {
            _ = try PortSpecification(port)
        } catch {
            reader.fail("port", "`\(port)`: \(error.problem); expected \(error.expected)")
        }
    }

    private mutating func readAddresses(_ reader: inout SettingsReader) {
        if let value = reader.ipv4Address("address") {
            ipv4Address = value
        } else if !reader.has("address") {
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
        readCommitPolicies(&reader)
    }

    /// One word for all shards, or a list with one for each.
    private mutating func readCommitPolicies(_ reader: inout SettingsReader) {
        guard let policies = reader.choices("commit", CommitPolicy.self) else { return }
        commitPolicies = policies
        guard reader.isList("commit"), policies.count != shards else { return }
        reader.fail(
            "commit",
            "\(policies.count) policies for \(shards) shards: one word for all, or a list with one "
                + "for each shard")
    }

    private mutating func readSessions(_ reader: inout SettingsReader) {
        var inner = reader.inner("sessions")
        sessionCapacity = inner.integer("capacity", in: 1...65_536) ?? sessionCapacity
        heartbeatMillis = inner.integer("heartbeatMillis", in: 10...60_000) ?? heartbeatMillis
        messagesPerSecond =
            inner.integer("messagesPerSecond", in: 0...100_000_000) ?? messagesPerSecond
        messageBurst = inner.integer("burst", in: 1...1_000_000) ?? messageBurst
        reorderWindow = inner.integer("reorderWindow", in: 0...256) ?? reorderWindow
        reader.absorb(inner)
    }

    private mutating func readPublicStream(_ reader: inout SettingsReader) {
        guard reader.has("publicStream") else { return }
        var inner = reader.inner("publicStream")
        publicGroup = inner.ipv4Address("group", isMulticast: true)
        if !inner.has("group") {
            inner.fail("group", "missing; for example `group: 239.77.0.1`")
        }
        publicUDPPort = inner.integer("udpPort", in: 1...65_000) ?? publicUDPPort
        reader.absorb(inner)
    }

    private mutating func readJournal(_ reader: inout SettingsReader) {
        guard reader.has("journal") else {
            if let policy = commitPolicies.first(where: { $0 != .none }) {
                reader.fail(
                    "commit",
                    "\(policy.rawValue) needs a journal; for example "
                        + "`journal: {folder: /var/lib/needletail}`")
            }
            return
        }
        var inner = reader.inner("journal")
        var settings = Journal(folder: inner.string("folder") ?? "")
        if let megabytes: Int = inner.integer("segmentMB", in: 1...65_536) {
            settings.segmentByteCount = megabytes << 20
        }
        settings.batchesInFlight =
            inner.integer("batchesInFlight", in: 1...8) ?? settings.batchesInFlight
        readSnapshots(&inner, &settings)
        if settings.folder.isEmpty {
            inner.fail("folder", "missing; for example `folder: /var/lib/needletail`")
        }
        journal = settings
        reader.absorb(inner)
    }

    private func readSnapshots(
        _ inner: inout SettingsReader, _ settings: inout Journal
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
        if !settings.folder.isEmpty, settings.archiveFolder == settings.folder {
            inner.fail("archiveFolder", "the same as `folder`: name another one")
        }
    }

    private mutating func readEngine(_ reader: inout SettingsReader) {
        var inner = reader.inner("engine")
        orderCapacity = inner.integer("orderCapacity", in: 16...268_435_456) ?? orderCapacity
        sessionOpenOrdersMax =
            inner.integer("sessionOpenOrdersMax", in: 1...268_435_456) ?? orderCapacity
        instrumentCapacity =
            inner.integer("instrumentCapacity", in: Instrument.numbers) ?? instrumentCapacity
        priceCapacity = inner.integer("priceCapacity", in: 64...1 << 30)
        reader.absorb(inner)
    }

    private mutating func readInstruments(_ reader: inout SettingsReader) {
        guard reader.has("instruments") else {
            reader.fail("instruments", "missing; a list with at least one instrument")
            return
        }
        for var inner in reader.list("instruments") ?? [] {
            var instrument = Instrument(
                number: 0, symbol: "", lowestPriceTicks: 0, highestPriceTicks: 0)
            instrument.number = inner.integer("number", in: Instrument.numbers) ?? 0
            instrument.symbol = inner.string("symbol") ?? ""
            instrument.lowestPriceTicks =
                inner.integer("lowestPriceTicks", in: Instrument.priceTicks)
                ?? Instrument.lowestPriceTicksDefault
            instrument.highestPriceTicks =
                inner.integer("highestPriceTicks", in: Instrument.priceTicks)
                ?? Instrument.priceTicks.upperBound
            instrument.quantityLotsMax =
                inner.integer("quantityLotsMax", in: 1...(1 << 62))
                ?? Instrument.quantityLotsMaxDefault
            instrument.priceDecimals = inner.integer("priceDecimals", in: 0...18) ?? 2
            instrument.quantityDecimals = inner.integer("quantityDecimals", in: 0...18) ?? 0
            instrument.shard = inner.integer("shard", in: 0...15) ?? 0
            for key in ["number", "symbol"] where !inner.has(key) {
                inner.fail(key, "missing")
            }
            if !Instrument.isSymbol(instrument.symbol) {
                inner.fail("symbol", "at most 16 visible ASCII characters")
            }
            reader.absorb(inner)
            instruments.append(instrument)
        }
    }

    /// What is only wrong together.
    private func checkTogether(_ reader: inout SettingsReader) {
        var seen: Set<UInt32> = []
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
        checkRoles(&reader)
    }

    private func checkRoles(_ reader: inout SettingsReader) {
        let roles = host.cpus
        for (name, cpus) in [
            ("gateway", roles.gateway), ("engine", roles.engine), ("journal", roles.journal),
            ("mirror", roles.mirror),
        ] where !cpus.isEmpty && cpus.count != shards {
            reader.fail(
                "cpus",
                "\(name): \(cpus.count) processors for \(shards) shards; it must be one for each "
                    + "(`shards` is the configuration's)")
        }
    }
}
