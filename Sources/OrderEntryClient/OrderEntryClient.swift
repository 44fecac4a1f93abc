// SPDX-License-Identifier: Apache-2.0
//
//  The client's half of docs/formats/session-protocol.md.
//
//    submit(order) ─▶ ┌─ OrderEntrySession ──────────┐ ─▶ nextDatagram ─▶ ┐
//                     │  OutboundWindow   copies     │                    ├─▶ UDPSocket ─▶ gateway
//    deliver(report)◀─│  ReportWindow     gaps, held │ ◀─ receive       ◀─┘   (LossyLink for tests)
//                     └──────────────────────────────┘
//        OrderEntryConnection = one session + one socket, by polling or by blocking.
//        PublicStream         = the public report stream with its gaps found.
//
//  The session does no I/O and reads no clock: bytes and a monotonic `nowNanos` go in, bytes come
//  out. Nothing here is shared: one thread owns a session, a socket or a connection. After
//  initialisation the steady state allocates nothing. IPv4 only; little-endian hosts only.
