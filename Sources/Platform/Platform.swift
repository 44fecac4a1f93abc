// SPDX-License-Identifier: Apache-2.0
//
//  The machine behind one fence: memory, processors and clocks, for everything above.
//
//    HugePages ─┬─ Arena      bump allocation at start, then sealed
//               ├─ Slab       slots of one type, by UInt32, slot 0 is "none"
//               └─ LogRing    records of 64 bytes, sequences from 1
//
//         RingWriter ── claim ─▶ slots ── publish ─▶ ┬─ RingReader    gates: never overrun
//          (1 thread)                                ├─ RingReader    each one thread
//               ▲                                    └─ RingObserver  never gates: copies, checks,
//               └──────── release ── RingReader                       and may be told it was lapped
//
//  Who runs it: every thread of the process. Owners are `~Copyable` and belong to one thread at a
//  time; only `LogRing` and its cursors are shared. Limits: 16 gating readers a ring, 1024
//  processors. Nothing here allocates, locks or calls the kernel once its owner is made, apart
//  from what says so (`IdleStrategy`, `CycleClock.resync`).
//
//  Atomics are Swift's own (`Synchronization`), so the thread sanitizer follows every hand-over.
//  The one access it does not see is the observer's copy; `RingObserver` says why that is right.
