// SPDX-License-Identifier: Apache-2.0
//
//  Every fixed layout of Needletail: bytes, offsets, numbers. No behaviour, no imports.
//
//    client ── OrderEntryHeader + NewOrder… ──▶ gateway          LogRecord 64 B   the command log
//    client ◀── OrderEntryHeader + ExecutionReport… ── gateway   Event     64 B   engine ─▶ gateway
//    public ◀── OrderEntryHeader + PublicReport… ── gateway
//
//  All integers are little-endian, all structures have fixed sizes without padding, and every
//  offset is pinned by golden bytes (Tests/WireTests) and drawn in docs/formats/. Units are part
//  of the names: `Ticks` (whole price steps of the instrument), `Lots` (whole quantity steps),
//  `Nanos` (UTC nanoseconds since 1970), `Millis`, `Seconds`.
