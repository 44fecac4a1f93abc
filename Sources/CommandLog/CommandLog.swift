// SPDX-License-Identifier: Apache-2.0
//
//  The command log of one shard: the ring of 64-byte records that everything else reads.
//
//    gateway core ──▶ Sequencer ──▶ LogRing<LogRecord> ──▶ engine, journal, mirror   (gate it)
//                     stamps,              │          └──▶ observers                 (do not)
//                     chains               ├──▶ CommitGate ──▶ what may leave the house
//                                          └──▶ Journal ──▶ files ──▶ LogFollower, JournalRecovery
//
//  Who runs it: the sequencer belongs to the gateway core of the shard, one writer for each log,
//  always. It is the only reader of the clock on the order path. It waits for nobody and allocates
//  nothing: a full ring answers "no room", and intake stops. Limits: the ring's capacity bounds how
//  far the slowest gating reader may fall behind. The journal has threads of its own, and allocates
//  nothing once it runs; recovery, snapshots and followers are cold.
