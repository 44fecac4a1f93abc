// SPDX-License-Identifier: Apache-2.0
//
//  From frame to record, and from event to frame: everything between a network port and the log.
//
//    NIC ─▶ Port ─▶ FrameView ─▶ Intake ─▶ Sequencer ─▶ log ─▶ engine ─▶ events ─▶ ReportEncoder
//           burst    Ethernet,    session,                                              │
//           of 32    IPv4, UDP    sequence,                   behind the CommitGate     ▼
//                                 throttle          NIC ◀── Port ◀── Transmitter ◀── reports,
//                                                                                 public reports
//
//  Who runs it: one `GatewayCore` for each RX queue, on one thread, by `poll()`; that thread is the
//  one writer of the shard's log. A poll never waits: what cannot go on (log full, ring of events
//  empty, driver busy) is counted and tried in the next poll. Nothing is allocated after start but
//  packet buffers from the driver's pool.
//  A core of a host of two follows, takes over, hands over and falls silent:
//  GatewayCore+Standby.swift. Sessions go on over it: Sessions/Resumption.swift.
//  Limits: 64 messages a datagram, 1,472 bytes of UDP payload.
