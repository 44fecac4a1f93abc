// SPDX-License-Identifier: Apache-2.0
internal import Platform

// What came back from the disk: writes, then syncs behind them, then the durable mark.
extension Journal {
    internal func reap() throws(JournalError) -> Bool {
        var worked = false
        while let completion = try nextCompletion() {
            worked = true
            let token = WriteToken(rawValue: completion.token)
            #if NEEDLETAIL_MUTANTS
            if Mutant.syncErrorIgnored.isPlanted, token.isSync, completion.result < 0 {
                pendingSyncs -= 1
                continue
            }
            #endif
            guard Int(completion.result) == token.byteCount else {
                throw failed(token, result: completion.result)
            }
            if token.isSync {
                pendingSyncs -= 1
            } else {
                batches[token.batchIndex].pendingWrites -= 1
            }
        }
        while writtenBatch < nextBatch, batch(writtenBatch).pendingWrites == 0 {
            release(through: batch(writtenBatch).homeEnd)
            writtenBatch += 1
        }
        guard pendingSyncs == 0 else { return worked }
        if oldestBatch < syncEnd { retire() }
        if syncEnd < writtenBatch { try sync() }
        return worked
    }

    private func batch(_ number: UInt64) -> Batch { batches[Int(truncatingIfNeeded: number & 7)] }

    /// Gives the ring back what is home: written, and read from the file from here on. It need not
    /// be durable for that.
    private func release(through homeEnd: UInt64) {
        guard homeEnd > 0 else { return }
        let released = min(homeEnd - 1, takenSequence)
        if released > reader.releasedSequence {
            reader.release(retaining: takenSequence - released)
        }
    }

    /// Makes durable what is written, one round at a time: a round covers more the more there is to
    /// do. Every batch has written to the tail.
    private func sync() throws(JournalError) {
        syncEnd = writtenBatch
        try submitSync(tail)
        if isTouched(segment) { try submitSync(segment.file) }
        if let full = sealing?.segment, isTouched(full) { try submitSync(full.file) }
        do { try storage.flush() } catch { throw .storage(error) }
    }

    /// Whether a batch of this round wrote to the segment.
    private func isTouched(_ segment: Segment) -> Bool {
        let first = segment.geometry.firstSequence
        return (oldestBatch..<syncEnd).contains {
            batch($0).homeSegment == first || batch($0).footerSegment == first
        }
    }

    private func submitSync(_ file: JournalFile) throws(JournalError) {
        pendingSyncs += 1
        let token = WriteToken.sync(isTail: file == tail)
        do throws(StorageError) {
            try storage.submitSync(file, token: token.rawValue)
        } catch { throw .storage(error) }
    }

    /// The round is over: its batches are durable.
    private func retire() {
        let before = durableSequence
        var nanos: UInt64?
        while oldestBatch < syncEnd {
            let batch = batch(oldestBatch)
            restedWatermark = batch.watermark
            if batch.durableSequence > durableSequence {
                durableSequence = batch.durableSequence
                // One for each, for the segment of each has its own file.
                let now = nanos ?? configuration.utcNanos()
                notes.note(CommitNote(sequence: durableSequence, nanos: now))
                nanos = now
            }
            if let done = sealing, done.footerBatch == oldestBatch {
                storage.close(done.segment.file)
                sealing = nil
            }
            oldestBatch += 1
        }
        // Release: pairs with the acquire of the commit gate.
        if durableSequence > before { status.durable.store(durableSequence) }
    }

    private func failed(_ token: WriteToken, result: Int32) -> JournalError {
        // What is in flight is of this segment, or of the one before it.
        let segments = [segment] + (sealing.map { [$0.segment] } ?? [])
        let names =
            token.isTail
            ? [JournalFormat.tailName]
            : segments.map { JournalFormat.segmentName(firstSequence: $0.geometry.firstSequence) }
        let file = storage.folder + "/" + names.joined(separator: " or ")
        guard result >= 0 else {
            let operation = token.isSync ? "sync" : "write"
            return .storage(StorageError(operation, file: file, errno: -result))
        }
        return .shortWrite(
            file: "\(file) (shard \(configuration.shard))", byteCount: token.byteCount,
            taken: Int(result))
    }

    private func nextCompletion() throws(JournalError) -> WriteCompletion? {
        do { return try storage.reap() } catch { throw .storage(error) }
    }
}
