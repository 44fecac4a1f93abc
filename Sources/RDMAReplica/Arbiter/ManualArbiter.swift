// SPDX-License-Identifier: Apache-2.0

/// The arbiter of two hosts without a third: an operator decides.
///
/// Each host has a folder of its own, which says what that host may do; the program may only give
/// way in it, follow, or wait for more hosts than before. What takes power (another primary, going
/// on alone) is an operator's order. What a host writes down of the other it has from the mirror.
public final class ManualArbiter: Arbiter {
    /// What an operator can order on a host.
    public enum Order: Equatable, Sendable {
        /// The first decision there is: this host leads, alone until others have caught up.
        case begin
        /// This host takes over, and holds all that was acknowledged. The operator vouches that
        /// the other was not told to go on alone, nor will be.
        case promote
        /// The same, whatever this host lacks.
        case promoteByForce
        /// This host leads already, and goes on without the others. The operator vouches that none
        /// of them is promoted before it has caught up.
        case goSolo
    }

    private let folder: DecisionFolder
    private let host: UInt32

    /// Over the folder of a host, by its number, on that host.
    public init(folder path: String, host: UInt32) {
        folder = DecisionFolder(path: path)
        self.host = host
    }

    /// As in "manual arbiter of host 1 in /FOLDER".
    public var description: String { "manual arbiter of host \(host) in \(folder.path)" }

    /// As `Arbiter.read`: what this host may do.
    public func read() throws(ArbiterError) -> (decision: Decision?, revision: UInt64) {
        try folder.read()
    }

    /// As `Arbiter.swap`. What only an operator may decide is lost to what there is, with the
    /// revision that it was for.
    public func swap(_ decision: Decision, for revision: UInt64) -> SwapOutcome {
        let old: (decision: Decision?, revision: UInt64)
        do throws(ArbiterError) { old = try folder.read() } catch {
            return .unknown(error.description)
        }
        if let found = old.decision, Self.says(found, decision) {
            return .won(revision: old.revision)
        }
        guard old.revision == revision, Self.mayProgram(put: decision, over: old.decision, on: host)
        else { return .lost(old.decision, revision: old.revision) }
        return folder.swap(decision, for: revision)
    }

    /// Carries out an operator's order, on the host itself; throws when it makes no sense, and why.
    /// That a host that is promoted still has what it had is for the caller to know. The program
    /// finds the order when it reads next. `peer` is the other host's number, and the log has seen
    /// all epochs below `firstEpoch`. `nonce` as in a decision.
    @discardableResult
    public func carryOut(
        _ order: Order, peer: UInt32, firstEpoch: UInt32, nonce: UInt64
    ) throws(ArbiterError) -> Decision {
        let (old, revision) = try folder.read()
        let isPromotion = order == .promote || order == .promoteByForce
        if isPromotion, let old, old.primary == host, old.phase == .promoting {
            // Ordered before, and nobody has spoken in that epoch yet.
            return old
        }
        let seen = max(old?.epoch ?? 0, max(1, firstEpoch) - 1)
        guard let next = Self.epoch(after: seen, host: host, peer: peer) else {
            throw ArbiterError("there is no epoch left")
        }
        let new = try decision(order, over: old, next: next, nonce: nonce)
        switch folder.swap(new, for: revision) {
        case .won: return new
        case .lost: throw ArbiterError("\(folder.path) was changed meanwhile: look again")
        case .unknown(let cause): throw ArbiterError(cause)
        }
    }

    /// The epoch that a host begins next: odd ones are of the host with the lower number. So two
    /// that were both promoted never share one, and the lower gives way when they meet.
    static func epoch(after epoch: UInt32, host: UInt32, peer: UInt32) -> UInt32? {
        let isOdd = host < peer
        let distance: UInt32 = (epoch % 2 == 1) == isOdd ? 2 : 1
        return epoch <= .max - distance ? epoch + distance : nil
    }

    private func decision(
        _ order: Order, over old: Decision?, next: UInt32, nonce: UInt64
    ) throws(ArbiterError) -> Decision {
        var new = Decision(
            epoch: next, primary: host, inSync: [host], phase: .promoting, nonce: nonce)
        guard let old else {
            guard order == .begin || order == .promoteByForce else {
                throw ArbiterError(
                    "\(folder.path) has no decision yet: begin on the host that is to lead")
            }
            return new
        }
        switch order {
        case .begin:
            throw ArbiterError(
                "\(folder.path) has a decision already, epoch \(old.epoch) with host "
                    + "\(old.primary) as primary: promote a host instead")
        case .promote:
            guard old.inSync.contains(host) else {
                throw ArbiterError(
                    "host \(host) does not hold all that was acknowledged: promote one of "
                        + "\(old.inSync), or let this one catch up first")
            }
            // Another may hold what this one had only in memory.
            guard old.primary != host || old.inSync == [host] else {
                throw ArbiterError(
                    "host \(host) led in epoch \(old.epoch), and may have lost in its fall what "
                        + "the other one holds")
            }
        case .promoteByForce: break
        case .goSolo:
            guard old.primary == host else {
                throw ArbiterError(
                    "host \(host) does not lead, host \(old.primary) does: promote it instead")
            }
            new.epoch = old.epoch
            new.phase = old.phase
        }
        return new
    }

    /// The same but for whose attempt it is: an operator's order carries the operator's nonce.
    static func says(_ found: Decision, _ wanted: Decision) -> Bool {
        var wanted = wanted
        wanted.nonce = found.nonce
        return found == wanted
    }

    /// Whether a host may do this by itself: it only gives way, or binds itself to more.
    static func mayProgram(put new: Decision, over old: Decision?, on host: UInt32) -> Bool {
        guard let old else { return new.primary != host }
        if new.primary != host {
            return new.epoch > old.epoch || new.epoch == old.epoch && new.primary == old.primary
        }
        return old.primary == host && new.epoch == old.epoch
            && Set(new.inSync).isSuperset(of: old.inSync)
            && (new.phase == old.phase || new.phase == .active)
    }
}
