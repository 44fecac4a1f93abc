// SPDX-License-Identifier: Apache-2.0
//
//  The log's ring, written into another host's memory.
//
//      primary                                          standby
//      journal ─▶ ┐
//      LogRing ─▶ MirrorSender ── records, 64 B × n ───▶ its ring ─▶ MirrorScan ─▶ MirrorReceiver
//                   │  ▲    └───── PrimaryBeat, 64 B ──▶ a line behind it             │ take
//                   │  └────────── MirrorCounter, 64 B ◀──────────────────────────────┘
//              MirrorLink
//                   │
//              MirrorChannel: VerbsChannel (RDMA WRITE) · TCPChannel (the same in software)
//
//  Both sides write into the other's memory and poll their own; all else is the same over RDMA and
//  TCP. A slot of the ring goes back to its writer when the standby has taken the record and the
//  memory may be written over here. Records that lie side by side go in one write; a ring's end
//  makes it two. A standby that is behind gets what it has missed from the journal first.
//
//  Who runs it: `MirrorSender` a thread of the gateway for each shard, `MirrorReceiver` a thread of
//  the standby. Time may be given to both, and channels may be of another make: a simulation needs
//  neither thread, clock nor network. Limits: 32 writes under way; the rings are of one size. When
//  the peer makes no progress for the time-out, or goes, the sender lets go of the ring and says
//  why; it is the caller's to connect again.
//
//  It moves bytes that it does not understand: nothing here knows the engine.
