// SPDX-License-Identifier: Apache-2.0
internal import Platform
internal import Wire

/// Where in an image something stands, for what is said of it.
struct ImagePlace {
    let section: EngineImageSection
    let byteOffset: Int

    init(_ section: EngineImageSection, _ byteOffset: Int) {
        self.section = section
        self.byteOffset = byteOffset
    }

    /// Throws unless it holds; `field` is added to the offset.
    @inline(__always)
    func check(
        _ holds: Bool, _ found: @autoclosure () -> String, _ right: @autoclosure () -> String,
        at field: Int = 0
    ) throws(EngineImageError) {
        guard holds else {
            throw .damaged(
                section: section, byteOffset: byteOffset + field, found: found(), right: right())
        }
    }
}

extension EngineImageSection {
    /// Where the header says how many elements it has, and where.
    var rowByteOffset: Int { 144 + rawValue * MemoryLayout<SectionRow>.size }
}

extension ImageView {
    /// The header, found good on its own and to be of an image of this length.
    func checkedHeader(limits: EngineLimits?) throws(EngineImageError) -> ImageHeader {
        let start = ImagePlace(.header, 0)
        let size = EngineImageSection.header.stride
        try start.check(
            bytes.byteCount >= size, "an image of \(bytes.byteCount) bytes", "at least \(size)")
        let header = load(ImageHeader.self, at: 0)
        try start.check(
            header.magic == ImageHeader.magic, "another magic number", "that of an engine's image")
        try start.check(
            header.formatVersion == ImageHeader.formatVersion,
            "format version \(header.formatVersion)", "\(ImageHeader.formatVersion)", at: 8)
        let crc32c = crc32c(from: 0, to: size - 4)
        try start.check(
            header.crc32c == crc32c, "checksum \(header.crc32c) of the header",
            "that of its bytes, \(crc32c)", at: size - 4)
        try start.check(
            Int(header.headerByteCount) == size, "a header of \(header.headerByteCount) bytes",
            "\(size)", at: 12)
        try start.check(
            header.byteCount == UInt64(bytes.byteCount), "an image of \(bytes.byteCount) bytes",
            "\(header.byteCount), as its header says", at: 16)
        try start.check(
            header.firstRules == 0 || 3...max(header.rulesVersion, 3) ~= header.firstRules,
            "a log begun under rules \(header.firstRules)", "0, or 3 up to those in force", at: 248)
        // 0: before the first epoch.
        let rules = RulesRange.build
        try start.check(
            header.rulesVersion == 0 || rules.contains(header.rulesVersion),
            "the state is under rules \(header.rulesVersion)",
            "one of those that this build folds, \(rules): take a build that folds them", at: 24)
        try start.check(
            header.rulesVersion >= 3
                || header.timeSeconds | header.shownReferenceCount | UInt64(header.businessDay)
                    == 0 && header.count(.rare) == 0,
            "a time or rare orders under rules \(header.rulesVersion)", "rules 3 or later", at: 208)
        try start.check(
            header.businessDay <= BusinessDay.last.rawValue, "business day \(header.businessDay)",
            "at most \(BusinessDay.last.rawValue)", at: 28)
        try start.check(
            (header.businessDay == 0) == (header.dayBeganSequence == 0),
            "business day \(header.businessDay) from sequence \(header.dayBeganSequence)",
            "both or neither", at: 240)
        try checkLimits(header, wanted: limits)
        let stateHash = StateHash(lanes: header.hashLanes).value
        try start.check(
            header.stateHash == stateHash, "state hash \(header.stateHash)",
            "what its lanes come to, \(stateHash)", at: 136)
        return header
    }

    private func checkLimits(
        _ header: ImageHeader, wanted: EngineLimits?
    ) throws(EngineImageError) {
        let place = ImagePlace(.header, 32)
        if let wanted {
            try place.check(header.limits == wanted, "\(header.limits)", "\(wanted)")
        }
        try place.check(
            header.orderCapacity > 0 && header.orderCapacity < 1 << 29,
            "room for \(header.orderCapacity) orders", "1 ..< 2^29")
        try place.check(
            header.sessionCapacity > 0 && header.sessionCapacity < 1 << 31,
            "room for \(header.sessionCapacity) sessions", "1 ..< 2^31", at: 4)
        try place.check(
            header.instrumentCapacity > 0
                && header.instrumentCapacity <= Engine.instrumentNumberMax,
            "room for \(header.instrumentCapacity) instruments",
            "1 ... \(Engine.instrumentNumberMax)", at: 8)
        try place.check(
            header.ladderTickCapacity > 0 && header.ladderTickCapacity < 1 << 31
                && Engine.hasLevelNumbers(for: header.limits),
            "room for \(header.ladderTickCapacity) prices",
            "1 or more, and below 2^31 with 64 for each instrument", at: 12)
    }

    /// Counts, places and checksums of the sections.
    func checkSections(_ header: ImageHeader) throws(EngineImageError) {
        var laid = header
        laid.lay(counts: [
            header.count(.instruments), header.count(.sessions), header.count(.orders),
            header.count(.entries), header.count(.rare),
        ])
        let most = [
            header.instrumentCapacity, header.sessionCapacity, header.orderCapacity,
            header.orderCapacity,
            Engine.rareOrderCapacity(header.limits) + 3 * header.instrumentCapacity
                + TickTable.numberMax * TickTable.rowsMax
                + Engine.tradeGroupCapacity(header.limits)
                + Engine.killedAccountCapacity(header.limits)
                + Engine.bustCapacity(header.limits)
                + Engine.backlogCapacity(header.limits),
        ]
        for section in EngineImageSection.tabled {
            let row = header.sections[section.rawValue]
            let place = ImagePlace(.header, section.rowByteOffset)
            let byteOffset = laid.sections[section.rawValue].byteOffset
            try place.check(
                row.byteOffset == byteOffset, "\(section) at byte \(row.byteOffset)",
                "\(byteOffset), behind the section before")
            try place.check(
                row.count <= most[section.rawValue], "\(row.count) \(section)",
                "at most \(most[section.rawValue])", at: 8)
        }
        try ImagePlace(.header, 16).check(
            header.byteCount == laid.byteCount, "\(header.byteCount) bytes",
            "\(laid.byteCount), the sum of its sections")
        try ImagePlace(.header, EngineImageSection.entries.rowByteOffset + 8).check(
            header.count(.entries) == header.count(.orders), "\(header.count(.entries)) entries",
            "as many as orders, \(header.count(.orders))")
        for section in EngineImageSection.tabled {
            let start = header.byteOffset(section, 0)
            let end = header.byteOffset(section, header.count(section))
            let stated = header.sections[section.rawValue].crc32c
            let found = crc32c(from: start, to: end)
            try ImagePlace(section, start).check(
                stated == found, "bytes \(start) ..< \(end) with checksum \(found)",
                "\(stated), as the header says")
        }
    }
}
