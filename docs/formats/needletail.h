/* SPDX-License-Identifier: Apache-2.0
 *
 * Needletail: every layout that a client, a tool or a standby sees, in plain C99 (C++ too).
 *
 *   datagram       = nt_order_entry_header, then header.message_count messages without gaps
 *   command log    = nt_log_record after nt_log_record; `pair` commands take two of them
 *   public stream  = nt_public_header, then nt_public_report messages
 *
 * All integers are little-endian and all structures have fixed sizes without padding, so on a
 * little-endian machine a structure may be copied (memcpy) from and to the wire as it stands.
 * Units are part of the names: ticks are whole price steps, lots whole quantity steps, nanos
 * UTC nanoseconds since 1970. What the fields mean in full: the pages beside this file.
 */
#ifndef NEEDLETAIL_H
#define NEEDLETAIL_H

#include <stddef.h>
#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "needletail.h describes little-endian bytes: convert each field on this machine"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version in every datagram's header. */
#define NT_VERSION 1
/* nt_order_entry_header.flags: these messages were sent before. */
#define NT_HEADER_FLAG_RESENT 0x0001
/* nt_logon.flags and nt_logon_accepted.flags. */
#define NT_LOGON_CANCEL_ON_DISCONNECT 0x01
#define NT_LOGON_EXTENDED_REPORTS 0x02
#define NT_LOGON_CANCEL_ALL_ON_DISCONNECT 0x04
/* Bytes of a log record that its CRC covers. */
#define NT_LOG_RECORD_BODY_BYTES 60
/* Largest UDP payload that fits an Ethernet frame of 1,500 bytes. */
#define NT_DATAGRAM_BYTES_MAX 1472
/* nt_new_order.type_and_time_in_force from an order type and a time in force. */
#define NT_TYPE_AND_TIME_IN_FORCE(type, tif) ((uint8_t)((type) | (tif) << 4))
/* nt_new_order.flags from one of NT_SELF_TRADE_... */
#define NT_SELF_TRADE_FLAGS(mode) ((uint8_t)((mode) << 1))

/* Which numbering a datagram belongs to. */
enum nt_channel {
    NT_CHANNEL_ORDERS = 1,
    NT_CHANNEL_REPORTS = 2,
    NT_CHANNEL_CONTROL = 3,
    NT_CHANNEL_PUBLIC_REPORTS = 4
};

/* First byte of a message; decides its size. */
enum nt_message_type {
    NT_MESSAGE_NEW_ORDER = 0x01,
    NT_MESSAGE_CANCEL_ORDER = 0x02,
    NT_MESSAGE_REPLACE_ORDER = 0x04,
    NT_MESSAGE_REDUCE_ORDER = 0x05,
    NT_MESSAGE_MASS_CANCEL = 0x06,
    NT_MESSAGE_NEW_ORDER_EXTENDED = 0x07,
    NT_MESSAGE_MASS_CANCEL_BY_ACCOUNT = 0x0A,
    NT_MESSAGE_LOGOUT = 0x09,
    NT_MESSAGE_EXECUTION_REPORT = 0x03,
    NT_MESSAGE_EXTENDED_EXECUTION_REPORT = 0x08,
    NT_MESSAGE_LOGON = 0x10,
    NT_MESSAGE_RESEND_REQUEST = 0x12,
    NT_MESSAGE_LOGON_ACCEPTED = 0x20,
    NT_MESSAGE_LOGON_REJECTED = 0x21,
    NT_MESSAGE_GAP_REPORT = 0x22,
    NT_MESSAGE_RESEND_UNAVAILABLE = 0x23,
    NT_MESSAGE_SESSION_ENDED = 0x24,
    NT_MESSAGE_EPOCH_CHANGED = 0x25,
    NT_MESSAGE_PUBLIC_REPORT = 0x30
};

/* Side of an order. */
enum nt_side {
    NT_SIDE_BUY = 0,
    NT_SIDE_SELL = 1
};

/* Type of an order, three bits. */
enum nt_order_type {
    NT_ORDER_TYPE_LIMIT = 0,
    NT_ORDER_TYPE_MARKET = 1,
    NT_ORDER_TYPE_STOP = 2,
    NT_ORDER_TYPE_STOP_LIMIT = 3,
    NT_ORDER_TYPE_MARKET_TO_LIMIT = 4,
    NT_ORDER_TYPE_PEGGED = 5,
    NT_ORDER_TYPE_TRAILING_STOP = 6
};

/* How long an order stays, four bits. */
enum nt_time_in_force {
    NT_TIME_IN_FORCE_DAY = 0,
    NT_TIME_IN_FORCE_IMMEDIATE_OR_CANCEL = 1,
    NT_TIME_IN_FORCE_FILL_OR_KILL = 2,
    NT_TIME_IN_FORCE_GOOD_TILL_CANCEL = 3,
    NT_TIME_IN_FORCE_GOOD_TILL_TIME = 4,
    NT_TIME_IN_FORCE_AT_THE_OPENING = 5,
    NT_TIME_IN_FORCE_AT_THE_CLOSE = 6
};

/* What happens when an order would trade against its own account. */
enum nt_self_trade_prevention {
    NT_SELF_TRADE_NONE = 0,
    NT_SELF_TRADE_CANCEL_NEWEST = 1,
    NT_SELF_TRADE_CANCEL_OLDEST = 2,
    NT_SELF_TRADE_CANCEL_BOTH = 3,
    NT_SELF_TRADE_DECREMENT = 4
};

/* What happened: nt_event.kind, nt_execution_report.execution_type. */
enum nt_event_kind {
    NT_EVENT_ACCEPTED = 1,
    NT_EVENT_REJECTED = 2,
    NT_EVENT_TRADED = 3,
    NT_EVENT_CANCELLED = 4,
    NT_EVENT_REDUCED = 5,
    NT_EVENT_REPLACED = 6,
    NT_EVENT_CANCEL_REJECTED = 7,
    NT_EVENT_REPLACE_REJECTED = 8,
    NT_EVENT_REDUCE_REJECTED = 9,
    NT_EVENT_REFUSED = 10,
    NT_EVENT_MASS_CANCEL_DONE = 11,
    NT_EVENT_LOGGED_OUT = 12,
    NT_EVENT_TRIGGERED = 13,
    NT_EVENT_PREVENTED = 14,
    NT_EVENT_BUSTED = 15,
    NT_EVENT_RESTED = 16,
    NT_EVENT_SESSION_OPENED = 17,
    NT_EVENT_SESSION_TIMED_OUT = 18,
    NT_EVENT_EPOCH_STARTED = 19,
    NT_EVENT_INSTRUMENT_DEFINED = 20,
    NT_EVENT_CONTROL_APPLIED = 21,
    NT_EVENT_CONTROL_REJECTED = 22,
    NT_EVENT_NOTHING = 23,
    NT_EVENT_DISPLAYED = 24,
    NT_EVENT_CLOSED = 25,
    NT_EVENT_TRADING_STATE_SET = 26,
    NT_EVENT_AUCTION_PRICED = 27,
    NT_EVENT_AUCTION_INDICATED = 28,
    NT_EVENT_BUSINESS_DAY_ROLLED = 30
};

/* Bits of nt_event.attributes; bits 0..3 in reports. */
enum nt_event_attributes {
    NT_ATTRIBUTE_SELL = 0x01,
    NT_ATTRIBUTE_AGGRESSOR = 0x02,
    NT_ATTRIBUTE_RESTING = 0x04,
    NT_ATTRIBUTE_REPLACEMENT = 0x08,
    NT_ATTRIBUTE_UNDISCLOSED = 0x10,
    NT_ATTRIBUTE_AUCTION = 0x20,
    NT_ATTRIBUTE_PAIR = 0x40,
    NT_ATTRIBUTE_LAST = 0x80
};

/* What a public report says. */
enum nt_public_kind {
    NT_PUBLIC_ADDED = 1,
    NT_PUBLIC_EXECUTED = 2,
    NT_PUBLIC_REDUCED = 3,
    NT_PUBLIC_DELETED = 4,
    NT_PUBLIC_INSTRUMENT = 5,
    NT_PUBLIC_TRADED = 6,
    NT_PUBLIC_CROSSED = 7,
    NT_PUBLIC_TRADING_STATE = 8,
    NT_PUBLIC_AUCTION_PRICED = 9,
    NT_PUBLIC_AUCTION_INDICATED = 10,
    NT_PUBLIC_BUSINESS_DAY = 12,
    NT_PUBLIC_BUSTED = 13
};

/* Why something was refused, rejected or cancelled. */
enum nt_reason {
    NT_REASON_NONE = 0,
    NT_REASON_UNKNOWN_INSTRUMENT = 1,
    NT_REASON_UNKNOWN_ORDER = 2,
    NT_REASON_DUPLICATE_ORDER_ID = 3,
    NT_REASON_ZERO_QUANTITY = 4,
    NT_REASON_QUANTITY_TOO_LARGE = 5,
    NT_REASON_PRICE_OUT_OF_RANGE = 6,
    NT_REASON_ORDER_POOL_EXHAUSTED = 7,
    NT_REASON_SESSION_ORDER_LIMIT = 8,
    NT_REASON_INVALID_SIDE = 9,
    NT_REASON_INVALID_ORDER_TYPE = 10,
    NT_REASON_INVALID_TIME_IN_FORCE = 11,
    NT_REASON_INVALID_FLAGS = 12,
    NT_REASON_POST_ONLY_WOULD_TRADE = 13,
    NT_REASON_WRONG_INSTRUMENT = 14,
    NT_REASON_INSTRUMENT_NOT_OPEN = 15,
    NT_REASON_TOTAL_NOT_REDUCED = 16,
    NT_REASON_INVALID_ACCOUNT = 17,
    NT_REASON_THROTTLED = 18,
    NT_REASON_NOT_LOGGED_ON = 19,
    NT_REASON_UNSUPPORTED = 20,
    NT_REASON_INVALID_RESERVED = 21,
    NT_REASON_SESSION_SEQUENCE_BROKEN = 22,
    NT_REASON_INVALID_ORDER_ID = 23,
    NT_REASON_UNKNOWN_SESSION = 24,
    NT_REASON_INVALID_CONTROL = 25,
    NT_REASON_UNSUPPORTED_COMBINATION = 26,
    NT_REASON_INVALID_EXPIRY = 27,
    NT_REASON_INVALID_PEAK = 28,
    NT_REASON_INVALID_MINIMUM = 29,
    NT_REASON_INVALID_TRIGGER = 30,
    NT_REASON_INVALID_LINK = 31,
    NT_REASON_KILLED = 33,
    NT_REASON_MASS_CANCEL_UNDER_WAY = 34,
    NT_REASON_PRICE_OUTSIDE_BAND = 35,
    NT_REASON_INVALID_TICK = 36,
    NT_REASON_INVALID_LOT = 37,
    NT_REASON_ORDER_VALUE_TOO_LARGE = 38,
    NT_REASON_QUANTITY_TOO_SMALL = 39,
    NT_REASON_ALREADY_BUSTED = 44,
    NT_REASON_TOO_MANY_BUSTS = 45,
    NT_REASON_TRADE_OF_EARLIER_DAY = 46,
    NT_REASON_NO_ROOM_FOR_PRICE = 47,
    NT_REASON_BY_CLIENT = 64,
    NT_REASON_IMMEDIATE_OR_CANCEL = 65,
    NT_REASON_FILL_OR_KILL = 66,
    NT_REASON_MARKET_REMAINDER = 67,
    NT_REASON_SELF_TRADE_PREVENTED = 68,
    NT_REASON_MASS_CANCELLED = 69,
    NT_REASON_SESSION_ENDED = 70,
    NT_REASON_REPLACED = 71,
    NT_REASON_EXPIRED = 72,
    NT_REASON_TOTAL_EXECUTED = 73,
    NT_REASON_MINIMUM_QUANTITY = 74,
    NT_REASON_LINKED_TRADED = 75,
    NT_REASON_STEP_LIMIT = 76,
    NT_REASON_KILL_SWITCH = 77,
    NT_REASON_OUTSIDE_PRICE_BAND = 78,
    NT_REASON_DAY_ENDED = 79,
    NT_REASON_REPLACE_INVALID = 80,
    NT_REASON_NO_ROOM_TO_REST = 81,
    NT_REASON_SESSION_IN_USE = 96,
    NT_REASON_NOT_AUTHORISED = 97,
    NT_REASON_WRONG_EPOCH = 98,
    NT_REASON_TIMED_OUT = 99,
    NT_REASON_LOGGED_OUT = 100,
    NT_REASON_NOT_AVAILABLE = 101
};

/* What a log record asks for: nt_log_record.kind. */
enum nt_command_kind {
    NT_COMMAND_NEW_ORDER = 1,
    NT_COMMAND_CANCEL_ORDER = 2,
    NT_COMMAND_REPLACE_ORDER = 3,
    NT_COMMAND_REDUCE_ORDER = 4,
    NT_COMMAND_MASS_CANCEL = 5,
    NT_COMMAND_REFUSED = 6,
    NT_COMMAND_LOGOUT = 7,
    NT_COMMAND_LOGON = 32,
    NT_COMMAND_SESSION_TIMEOUT = 33,
    NT_COMMAND_EPOCH_START = 64,
    NT_COMMAND_DEFINE_INSTRUMENT = 65,
    NT_COMMAND_SET_INSTRUMENT_STATE = 66,
    NT_COMMAND_SET_LIMIT = 67,
    NT_COMMAND_KILL_SWITCH = 68,
    NT_COMMAND_ACTIVATE_RULES = 69,
    NT_COMMAND_TIME_ADVANCE = 70,
    NT_COMMAND_SET_PRICE_BANDS = 71,
    NT_COMMAND_ROLL_BUSINESS_DAY = 72,
    NT_COMMAND_SET_ORDER_RULES = 73,
    NT_COMMAND_SET_TICK_TABLE_ROW = 74,
    NT_COMMAND_SET_TRADE_GROUP = 76,
    NT_COMMAND_BUST_TRADE = 79,
    NT_COMMAND_DEPOSIT = 96,
    NT_COMMAND_WITHDRAW = 97,
    NT_COMMAND_TRANSFER_OUT = 98,
    NT_COMMAND_TRANSFER_IN = 99,
    NT_COMMAND_FILLER = 126,
    NT_COMMAND_CONTINUATION = 127
};

/* What a kill switch stops: nt_log_record.attributes of kind NT_COMMAND_KILL_SWITCH. */
enum nt_kill_target {
    NT_KILL_SESSION = 1,
    NT_KILL_ACCOUNT = 2,
    NT_KILL_INSTRUMENT = 3
};

/* What may be done in an instrument: nt_log_record.attributes of kind NT_COMMAND_SET_INSTRUMENT_STATE. */
enum nt_trading_state {
    NT_TRADING_STATE_OPEN = 0,
    NT_TRADING_STATE_CLOSED = 1,
    NT_TRADING_STATE_PRE_OPEN = 2,
    NT_TRADING_STATE_AUCTION = 3,
    NT_TRADING_STATE_HALTED = 4,
    NT_TRADING_STATE_POST_CLOSE = 5
};

/* What becomes of an order that would trade outside: nt_log_record.attributes of kind NT_COMMAND_SET_PRICE_BANDS. */
enum nt_band_action {
    NT_BAND_ACTION_CANCEL = 0,
    NT_BAND_ACTION_AUCTION = 1
};

/* Bits of nt_log_record.flags (the meaning depends on the kind). */
enum nt_record_flags {
    NT_RECORD_FLAG_POST_ONLY = 0x0001,
    NT_RECORD_FLAG_SELF_TRADE_PREVENTION_SHIFT = 0x0001,
    NT_RECORD_FLAG_SELF_TRADE_PREVENTION_MASK = 0x0006,
    NT_RECORD_FLAG_SLIDE = 0x0008,
    NT_RECORD_FLAG_HIDDEN = 0x0010,
    NT_RECORD_FLAG_DECREMENT = 0x0020,
    NT_RECORD_FLAG_LINKED = 0x0040,
    NT_RECORD_FLAG_ORDER_MASK = 0x00FF,
    NT_RECORD_FLAG_CANCELS_IF_INVALID = 0x0001,
    NT_RECORD_FLAG_SILENT_IF_DEAD = 0x0002,
    NT_RECORD_FLAG_REPLACE_MASK = 0x0003,
    NT_RECORD_FLAG_CANCEL_ON_DISCONNECT = 0x0001,
    NT_RECORD_FLAG_EXTENDED_REPORTS = 0x0002,
    NT_RECORD_FLAG_CANCEL_ALL_ON_DISCONNECT = 0x0004,
    NT_RECORD_FLAG_BY_ACCOUNT = 0x0001,
    NT_RECORD_FLAG_STOP = 0x0001,
    NT_RECORD_FLAG_REFERENCE = 0x0001,
    NT_RECORD_FLAG_BASIS_POINTS = 0x0001,
    NT_RECORD_FLAG_PAIR = 0x8000
};

/* One command in the log. 64 bytes. */
typedef struct nt_log_record {
    uint64_t sequence;              /* 0   dense in the shard, from 1 */
    /* 8 UTC nanoseconds since 1970: max(previous record's, sequencer's clock) */
    uint64_t timestamp_nanos;
    uint32_t session;               /* 16  the session; the operator of a control command */
    /* 20 low 32 bits of the session sequence; 0 where the kind consumes none */
    uint32_t session_sequence;
    /* 24 the client's own id of the order, unique within its session */
    uint64_t order_id;
    int64_t price_ticks;            /* 32  ticks; 0 for a market order */
    uint64_t quantity_lots;         /* 40  lots; the new total of a replace or reduce */
    /* 48 the account; with instrument, the original order id of a replace */
    uint32_t account;
    uint32_t instrument;            /* 52  the instrument */
    uint8_t kind;                   /* 56  what the record asks for: enum nt_command_kind */
    /* 57 side, order type, time in force: bit 0, bits 1..3, bits 4..7 */
    uint8_t attributes;
    uint16_t flags;                 /* 58  enum nt_record_flags; the reason of a refused message */
    /* 60 CRC32C of bytes 0..<60, continued from the previous record's value */
    uint32_t crc32c;
} nt_log_record;

/* Second record of a rare order. 64 bytes. */
typedef struct nt_order_continuation {
    uint64_t sequence;              /* 0   the first record's sequence + 1 */
    int64_t trigger_price_ticks;    /* 8   ticks; 0 = none */
    uint64_t peak_lots;             /* 16  lots shown at a time; 0 = all */
    uint64_t minimum_lots;          /* 24  least quantity that may trade on entry, lots; 0 = any */
    uint32_t expiry_seconds;        /* 32  UTC seconds since 1970; 0 = none */
    /* 36 the algorithm that decided, as regulators ask for; 0 = not given */
    uint32_t algorithm_id;
    uint64_t client_tag_low;        /* 40  the client's tag, bytes 0..7; shown to nobody else */
    uint32_t client_tag_middle;     /* 48  the client's tag, bytes 8..11 */
    uint16_t client_tag_high;       /* 52  the client's tag, bytes 12..13 */
    /* 54 ASCII: A agency, P principal, R riskless principal; 0 = not given */
    uint8_t capacity;
    /* 55 what the trigger looks at: 0 last trade, 0x10 last trade, to take a profit */
    uint8_t trigger_condition;
    uint8_t kind;                   /* 56  always 127, continuation */
    uint8_t reserved;               /* 57  zero */
    uint16_t flags;                 /* 58  zero */
    uint32_t crc32c;                /* 60  chained like that of any record */
} nt_order_continuation;

/* View of nt_log_record: kind NT_COMMAND_EPOCH_START, first of two. 64 bytes. */
typedef struct nt_epoch_start {
    uint64_t sequence;              /* 0   as in every record */
    uint64_t timestamp_nanos;       /* 8   as in every record */
    /* 16 the epoch that opens; from 1, each larger than the one before */
    uint32_t epoch;
    uint32_t rules_version;         /* 20  version of the rules in force from here on */
    /* 24 last sequence of the log that this epoch carries on; 0 for a new log */
    uint64_t last_carried_sequence;
    uint64_t index_seed;            /* 32  seed of the order index's hash */
    uint64_t reserved40;            /* 40  zero */
    uint32_t shard;                 /* 48  the shard */
    uint32_t host;                  /* 52  the host that writes, as the operator numbers hosts */
    uint8_t kind;                   /* 56  64, epochStart */
    uint8_t attributes;             /* 57  zero */
    uint16_t flags;                 /* 58  pair */
    uint32_t crc32c;                /* 60  chained */
} nt_epoch_start;

/* View of nt_log_record: second record of an epoch's start. 64 bytes. */
typedef struct nt_engine_limits {
    uint64_t sequence;              /* 0   the first record's sequence + 1 */
    uint64_t timestamp_nanos;       /* 8   the first record's */
    uint32_t order_capacity;        /* 16  open orders in the shard, at most */
    uint32_t session_capacity;      /* 20  sessions are numbered 1..sessionCapacity */
    uint32_t instrument_capacity;   /* 24  instruments are numbered 1..instrumentCapacity */
    uint32_t ladder_tick_capacity;  /* 28  prices with orders at once, see page */
    uint32_t session_open_orders_max;/* 32  open orders of one session, at most */
    uint32_t reserved36;            /* 36  zero */
    uint64_t reserved40;            /* 40  zero */
    uint64_t reserved48;            /* 48  zero */
    uint8_t kind;                   /* 56  127, continuation */
    uint8_t attributes;             /* 57  zero */
    uint16_t flags;                 /* 58  zero */
    uint32_t crc32c;                /* 60  chained */
} nt_engine_limits;

/* View of nt_log_record: kind NT_COMMAND_DEFINE_INSTRUMENT, first of two. 64 bytes. */
typedef struct nt_define_instrument {
    uint64_t sequence;              /* 0   as in every record */
    uint64_t timestamp_nanos;       /* 8   as in every record */
    uint32_t operator_id;           /* 16  who defined it */
    uint32_t reserved20;            /* 20  zero */
    uint64_t quantity_lots_max;     /* 24  largest quantity of one order, lots */
    int64_t lowest_price_ticks;     /* 32  lowest price, inclusive, ticks */
    int64_t highest_price_ticks;    /* 40  highest price, inclusive, ticks */
    uint32_t reserved48;            /* 48  zero */
    uint32_t instrument;            /* 52  the instrument */
    uint8_t kind;                   /* 56  65, defineInstrument */
    uint8_t attributes;             /* 57  zero */
    uint16_t flags;                 /* 58  pair */
    uint32_t crc32c;                /* 60  chained */
} nt_define_instrument;

/* View of nt_log_record: second record of an instrument's definition. 64 bytes. */
typedef struct nt_instrument_detail {
    uint64_t sequence;              /* 0   the first record's sequence + 1 */
    uint64_t timestamp_nanos;       /* 8   the first record's */
    uint64_t reserved16;            /* 16  zero */
    uint64_t symbol_low;            /* 24  symbol, ASCII, left-justified, zero-padded: bytes 0..7 */
    uint64_t symbol_high;           /* 32  symbol, bytes 8..15 */
    /* 40 decimals of a price in ticks: 2 means that one tick is 0.01 */
    uint8_t price_decimals;
    uint8_t quantity_decimals;      /* 41  decimals of a quantity in lots */
    uint16_t reserved42;            /* 42  zero */
    uint32_t reserved44;            /* 44  zero */
    uint64_t reserved48;            /* 48  zero */
    uint8_t kind;                   /* 56  127, continuation */
    uint8_t attributes;             /* 57  zero */
    uint16_t flags;                 /* 58  zero */
    uint32_t crc32c;                /* 60  chained */
} nt_instrument_detail;

/* View of nt_log_record: kind NT_COMMAND_BUST_TRADE, first of two. 64 bytes. */
typedef struct nt_bust_record {
    uint64_t sequence;              /* 0   as in every record */
    uint64_t timestamp_nanos;       /* 8   as in every record */
    uint32_t operator_id;           /* 16  the operator */
    uint32_t reserved20;            /* 20  zero */
    uint64_t trade_sequence;        /* 24  sequence of the command that made the trade */
    int64_t price_ticks;            /* 32  at which, ticks */
    uint64_t quantity_lots;         /* 40  how much, lots */
    uint16_t trade_index;           /* 48  its place in that command, from 0 */
    uint16_t reserved50;            /* 50  zero */
    uint32_t instrument;            /* 52  the instrument */
    uint8_t kind;                   /* 56  79, bustTrade */
    uint8_t attributes;             /* 57  bit 0: the resting side; bit 5: of an auction */
    uint16_t flags;                 /* 58  pair */
    uint32_t crc32c;                /* 60  chained */
} nt_bust_record;

/* View of nt_log_record: second record of a bust. 64 bytes. */
typedef struct nt_busted_sides {
    uint64_t sequence;              /* 0   the first record's sequence + 1 */
    uint64_t resting_order_id;      /* 8   the client's own id */
    /* 16 by which the trade named the other order to this one's owner; 0 of one that was hidden */
    uint64_t resting_other_reference;
    uint32_t resting_session;       /* 24  its session */
    uint32_t resting_account;       /* 28  its account */
    uint64_t aggressor_order_id;    /* 32  of the order that came in, the client's own id */
    /* 40 by which the trade named the resting order to its owner; 0 of one that was hidden */
    uint64_t aggressor_other_reference;
    uint32_t aggressor_session;     /* 48  its session */
    uint32_t aggressor_account;     /* 52  its account */
    uint8_t kind;                   /* 56  127, continuation */
    uint8_t attributes;             /* 57  zero */
    uint16_t flags;                 /* 58  zero */
    uint32_t crc32c;                /* 60  chained */
} nt_busted_sides;

/* View of nt_log_record: kind NT_COMMAND_ACTIVATE_RULES. 64 bytes. */
typedef struct nt_activate_rules {
    uint64_t sequence;              /* 0   as in every record */
    uint64_t timestamp_nanos;       /* 8   as in every record */
    uint32_t operator_id;           /* 16  who asked for it: a user's number on the host */
    uint32_t reserved20;            /* 20  zero */
    /* 24 version of the rules in force from the next command on */
    uint32_t rules_version;
    uint32_t reserved28;            /* 28  zero */
    uint64_t reserved32;            /* 32  zero */
    uint64_t reserved40;            /* 40  zero */
    uint64_t reserved48;            /* 48  zero */
    uint8_t kind;                   /* 56  69, activateRules */
    uint8_t attributes;             /* 57  zero */
    uint16_t flags;                 /* 58  zero */
    uint32_t crc32c;                /* 60  chained */
} nt_activate_rules;

/* View of nt_log_record: kind NT_COMMAND_LOGON. 64 bytes. */
typedef struct nt_logon_record {
    uint64_t sequence;              /* 0   as in every record */
    uint64_t timestamp_nanos;       /* 8   as in every record */
    uint32_t session;               /* 16  the session */
    uint32_t reserved20;            /* 20  zero: a logon consumes no session sequence */
    uint64_t nonce;                 /* 24  the client's nonce */
    int64_t reserved32;             /* 32  zero */
    /* 40 IPv4 address and UDP port of the client: address in bits 16…47, port in the
     * low 16 */
    uint64_t source;
    uint32_t token;                 /* 48  the token that the session gets */
    uint32_t heartbeat_millis;      /* 52  the heartbeat in force, milliseconds */
    uint8_t kind;                   /* 56  32, logon */
    uint8_t attributes;             /* 57  zero */
    /* 58 bit 0 cancel on disconnect, bit 1 extended reports, bit 2 cancel all on disconnect */
    uint16_t flags;
    uint32_t crc32c;                /* 60  chained */
} nt_logon_record;

/* View of nt_log_record: kind NT_COMMAND_REPLACE_ORDER. 64 bytes. */
typedef struct nt_replace_record {
    uint64_t sequence;              /* 0   as in every record; the new order's reference */
    uint64_t timestamp_nanos;       /* 8   as in every record */
    uint32_t session;               /* 16  the session */
    uint32_t session_sequence;      /* 20  low 32 bits of the session sequence */
    uint64_t new_order_id;          /* 24  id from now on; may be the same */
    int64_t price_ticks;            /* 32  new price, ticks */
    uint64_t total_lots;            /* 40  new total, what was executed included, lots */
    uint64_t original_order_id;     /* 48  id of the order that it takes the place of */
    uint8_t kind;                   /* 56  3, replaceOrder */
    uint8_t attributes;             /* 57  zero: side, type and time in force stay */
    /* 58 since rules 3 what becomes of it when it fails; the order's own flags stay */
    uint16_t flags;
    uint32_t crc32c;                /* 60  chained */
} nt_replace_record;

/* One thing that happened, as the engine tells it. 64 bytes. */
typedef struct nt_event {
    uint64_t order_id;              /* 0   the client's own id of the order */
    /* 8 the exchange's reference of this order; 0 where there is none */
    uint64_t reference;
    int64_t price_ticks;            /* 16  ticks: of the trade, or the order's */
    uint64_t quantity_lots;         /* 24  lots: traded, cancelled, or the order's total */
    uint64_t leaves_lots;           /* 32  lots still open after this event */
    uint64_t executed_lots;         /* 40  lots executed over the order's life */
    uint32_t session;               /* 48  the session that owns the order */
    uint32_t account;               /* 52  the account */
    uint32_t instrument;            /* 56  the instrument */
    uint8_t kind;                   /* 60  what happened: enum nt_event_kind */
    uint8_t attributes;             /* 61  enum nt_event_attributes */
    uint16_t detail;                /* 62  a reason, or the index of a trade in its command */
} nt_event;

/* Opens every datagram. 48 bytes. */
typedef struct nt_order_entry_header {
    uint8_t version;                /* 0   1 */
    uint8_t channel;                /* 1   the numbering: enum nt_channel */
    uint16_t message_count;         /* 2   messages that follow; 0 is a heartbeat */
    uint32_t session;               /* 4   the session, from 1; the shard on the public channel */
    uint32_t epoch;                 /* 8   the gateway's epoch; 0 in a client's logon */
    uint16_t key_id;                /* 12  which key the tag was made with; 0 = no authentication */
    uint16_t flags;                 /* 14  bit 0: these are resent; others zero */
    /* 16 of the first message; of the next one where there is none */
    uint32_t sequence;
    /* 20 highest sequence of the other side received without a gap: a hint */
    uint32_t received_through;
    /* 24 gateway: highest client sequence whose command is committed; client: highest report
     * that it will never ask for again */
    uint32_t committed_through;
    uint32_t token;                 /* 28  the token of the logon; 0 in a logon */
    /* 32 authentication tag, bytes 0..7; zero where authentication is off */
    uint64_t tag_low;
    uint64_t tag_high;              /* 40  authentication tag, bytes 8..15 */
} nt_order_entry_header;

/* The same header on the public channel. 48 bytes. */
typedef struct nt_public_header {
    uint8_t version;                /* 0   1 */
    uint8_t channel;                /* 1   4 */
    uint16_t message_count;         /* 2   public reports that follow; 0 is a heartbeat */
    uint32_t shard;                 /* 4   the shard */
    uint32_t epoch;                 /* 8   the gateway's epoch */
    uint16_t key_id;                /* 12  zero: the public stream has no authentication yet */
    uint16_t flags;                 /* 14  bit 0: these are resent; others zero */
    /* 16 of the first report; of the next one where there is none */
    uint64_t public_sequence;
    uint32_t committed_through;     /* 24  zero */
    uint32_t token;                 /* 28  zero */
    uint64_t tag_low;               /* 32  zero */
    uint64_t tag_high;              /* 40  zero */
} nt_public_header;

/* Enters an order. 40 bytes. */
typedef struct nt_new_order {
    uint8_t type;                   /* 0   0x01 */
    uint8_t side;                   /* 1   0 buy, 1 sell */
    /* 2 bits 0..2 order type, bit 3 zero, bits 4..7 time in force */
    uint8_t type_and_time_in_force;
    /* 3 bit 0 post only, bits 1..2 self-trade prevention, bit 3 slide, bit 4 hidden, bit 5
       prevention by decrement, bit 6 linked; bit 7 zero */
    uint8_t flags;
    uint32_t instrument;            /* 4   the instrument */
    /* 8 the client's own id, not zero, unique among its open orders */
    uint64_t order_id;
    uint64_t account;               /* 16  the account; refused above 2^32-1 */
    int64_t price_ticks;            /* 24  ticks; zero for a market order */
    uint64_t quantity_lots;         /* 32  lots */
} nt_new_order;

/* Takes an order out. 16 bytes. */
typedef struct nt_cancel_order {
    uint8_t type;                   /* 0   0x02 */
    uint8_t reserved1;              /* 1   zero */
    uint16_t reserved2;             /* 2   zero */
    uint32_t instrument;            /* 4   the order's instrument */
    uint64_t order_id;              /* 8   the client's own id */
} nt_cancel_order;

/* Cancels one order and enters another in its place. 40 bytes. */
typedef struct nt_replace_order {
    uint8_t type;                   /* 0   0x04 */
    /* 1  since rules 3 bit 0 cancels if invalid, bit 1 silent if dead; others zero */
    uint8_t flags;
    uint16_t reserved2;             /* 2   zero */
    uint32_t reserved4;             /* 4   zero */
    uint64_t original_order_id;     /* 8   id of the order in the book */
    uint64_t new_order_id;          /* 16  id from now on; may be the same */
    int64_t price_ticks;            /* 24  ticks */
    /* 32 new total, what was executed included; not above that: the rest is cancelled */
    uint64_t total_lots;
} nt_replace_order;

/* Makes an order smaller without losing its place. 24 bytes. */
typedef struct nt_reduce_order {
    uint8_t type;                   /* 0   0x05 */
    uint8_t reserved1;              /* 1   zero */
    uint16_t reserved2;             /* 2   zero */
    uint32_t instrument;            /* 4   the order's instrument */
    uint64_t order_id;              /* 8   the client's own id */
    /* 16 new total, what was executed included; not above that: the rest is cancelled */
    uint64_t total_lots;
} nt_reduce_order;

/* Cancels many orders of the session. 16 bytes. */
typedef struct nt_mass_cancel {
    uint8_t type;                   /* 0   0x06 */
    uint8_t sides;                  /* 1   bit 0 buys, bit 1 sells; 0 = both */
    uint16_t reserved2;             /* 2   zero */
    uint32_t instrument;            /* 4   the instrument; 0 = all */
    /* 8 a number of the client's choosing, given back in the report */
    uint64_t order_id;
} nt_mass_cancel;

/* Cancels many orders of the session, all of one account. 24 bytes. */
typedef struct nt_mass_cancel_by_account {
    uint8_t type;                   /* 0   0x0A */
    uint8_t sides;                  /* 1   bit 0 buys, bit 1 sells; 0 = both */
    uint16_t reserved2;             /* 2   zero */
    uint32_t instrument;            /* 4   the instrument; 0 = all */
    /* 8 a number of the client's choosing, given back in the report */
    uint64_t order_id;
    uint64_t account;               /* 16  the account; refused above 2^32-1 */
} nt_mass_cancel_by_account;

/* An order with everything that is rare. 88 bytes. */
typedef struct nt_new_order_extended {
    nt_new_order order;             /* 0   as NewOrder, with type 0x07 */
    int64_t trigger_price_ticks;    /* 40  ticks; 0 = none */
    uint64_t peak_lots;             /* 48  lots shown at a time; 0 = all */
    uint64_t minimum_lots;          /* 56  least quantity that may trade on entry, lots; 0 = any */
    uint32_t expiry_seconds;        /* 64  UTC seconds since 1970; 0 = none */
    uint32_t algorithm_id;          /* 68  the algorithm that decided; 0 = not given */
    uint64_t client_tag_low;        /* 72  the client's tag, bytes 0..7 */
    uint32_t client_tag_middle;     /* 80  the client's tag, bytes 8..11 */
    uint16_t client_tag_high;       /* 84  the client's tag, bytes 12..13 */
    /* 86 ASCII: A agency, P principal, R riskless principal; 0 = not given */
    uint8_t capacity;
    uint8_t trigger_condition;      /* 87  0 last trade, 0x10 last trade, to take a profit */
} nt_new_order_extended;

/* Ends the session in order. 8 bytes. */
typedef struct nt_logout {
    uint8_t type;                   /* 0   0x09 */
    uint8_t reserved1;              /* 1   zero */
    uint16_t reserved2;             /* 2   zero */
    uint32_t reserved4;             /* 4   zero */
} nt_logout;

/* What the engine did with an order, to its owner. 48 bytes. */
typedef struct nt_execution_report {
    uint8_t type;                   /* 0   0x03 (0x08 as the head of the extended form) */
    uint8_t execution_type;         /* 1   the kind of the event, 1..12 */
    /* 2 bits 0..3 of the event's attributes: side, aggressor, resting, replacement */
    uint8_t attributes;
    uint8_t reason;                 /* 3   a reason; 0 in a trade */
    uint32_t sequence;              /* 4   report sequence of the session, low 32 bits */
    uint64_t order_id;              /* 8   the client's own id */
    /* 16 a trade: the counterparty's exchange reference; else the order's own */
    uint64_t reference;
    int64_t price_ticks;            /* 24  ticks */
    uint64_t quantity_lots;         /* 32  lots: traded, cancelled, or the order's total */
    uint64_t timestamp_nanos;       /* 40  the record's timestamp, UTC nanoseconds */
} nt_execution_report;

/* The long form, for sessions that asked for it at logon. 96 bytes. */
typedef struct nt_extended_execution_report {
    nt_execution_report core;       /* 0   the core form, with type 0x08 */
    uint32_t instrument;            /* 48  the instrument */
    uint32_t account;               /* 52  the account */
    uint64_t leaves_lots;           /* 56  lots still open */
    uint64_t executed_lots;         /* 64  lots executed over the order's life */
    /* 72 sequence of the command: with tradeIndex the trade's id */
    uint64_t command_sequence;
    uint16_t trade_index;           /* 80  index of the trade in its command, from 0 */
    uint8_t liquidity;              /* 82  ASCII: A added liquidity, R removed it; 0 no trade */
    uint8_t reserved;               /* 83  zero */
    uint32_t fee_asset;             /* 84  asset that the fee is in; 0 = none */
    int64_t fee;                    /* 88  fee in the asset's smallest unit; negative is a rebate */
} nt_extended_execution_report;

/* Opens a session or comes back to it. 32 bytes. */
typedef struct nt_logon {
    uint8_t type;                   /* 0   0x10 */
    /* 1 bit 0 cancel open orders when the session ends, bit 1 extended reports, bit 2 with bit 0
     * also those good till cancel or till time; others zero */
    uint8_t flags;
    /* 2 the client promises a datagram in every such interval; 0 = the gateway's default */
    uint16_t heartbeat_millis;
    /* 4 reports from this one on are sent again; 0 = only new ones */
    uint32_t next_report_sequence;
    /* 8 random, the client's; tells a repeated logon from a new one */
    uint64_t nonce;
    uint64_t reserved16;            /* 16  zero */
    uint64_t reserved24;            /* 24  zero */
} nt_logon;

/* The session is open. 32 bytes. */
typedef struct nt_logon_accepted {
    uint8_t type;                   /* 0   0x20 */
    uint8_t flags;                  /* 1   the flags in force */
    uint16_t heartbeat_millis;      /* 2   the heartbeat in force, milliseconds */
    uint32_t token;                 /* 4   to be put in every header of this session */
    uint32_t expected_sequence;     /* 8   sequence of the next message that the gateway expects */
    uint32_t next_report_sequence;  /* 12  sequence of the next report that the gateway will send */
    uint64_t nonce;                 /* 16  the client's nonce */
    uint16_t reorder_window;        /* 24  datagrams that may be held out of order */
    uint16_t messages_per_datagram_max;/* 26  messages that a datagram may hold */
    /* 28 messages a second that the session may send; 0 = no limit */
    uint32_t messages_per_second;
} nt_logon_accepted;

/* The shape of the short answers below. 16 bytes. */
typedef struct nt_session_notice {
    uint8_t type;                   /* 0   0x12 or 0x21…0x25 */
    uint8_t reason;                 /* 1   a reason; 0 in a request */
    uint16_t reserved;              /* 2   zero */
    uint32_t first;                 /* 4   see the forms below */
    uint32_t second;                /* 8   see the forms below */
    uint32_t third;                 /* 12  see the forms below */
} nt_session_notice;

/* Asks for reports again. 16 bytes. */
typedef struct nt_resend_request {
    uint8_t type;                   /* 0   0x12 */
    uint8_t reason;                 /* 1   zero */
    uint16_t reserved;              /* 2   zero */
    uint32_t from_sequence;         /* 4   first report that is missing */
    uint32_t count;                 /* 8   how many; 0 = all from there on */
    uint32_t reserved12;            /* 12  zero */
} nt_resend_request;

/* No session. 16 bytes. */
typedef struct nt_logon_rejected {
    uint8_t type;                   /* 0   0x21 */
    uint8_t reason;                 /* 1   why there is no session */
    uint16_t reserved;              /* 2   zero */
    uint32_t reserved4;             /* 4   zero */
    uint64_t nonce;                 /* 8   the client's nonce */
} nt_logon_rejected;

/* Something is missing. 16 bytes. */
typedef struct nt_gap_report {
    uint8_t type;                   /* 0   0x22 */
    uint8_t reason;                 /* 1   zero */
    uint16_t reserved;              /* 2   zero */
    /* 4 the sequence that the gateway expects: send again from here */
    uint32_t expected_sequence;
    uint32_t received;              /* 8   the sequence that came */
    uint32_t reserved12;            /* 12  zero */
} nt_gap_report;

/* Reports that cannot be had any more. 16 bytes. */
typedef struct nt_resend_unavailable {
    uint8_t type;                   /* 0   0x23 */
    uint8_t reason;                 /* 1   zero */
    uint16_t reserved;              /* 2   zero */
    uint32_t first_available;       /* 4   first report that is still in memory */
    uint32_t requested;             /* 8   the one that was asked for */
    uint32_t reserved12;            /* 12  zero */
} nt_resend_unavailable;

/* The session is over. 16 bytes. */
typedef struct nt_session_ended {
    uint8_t type;                   /* 0   0x24 */
    uint8_t reason;                 /* 1   why the session is over */
    uint16_t reserved;              /* 2   zero */
    uint32_t last_report_sequence;  /* 4   sequence of the session's last report */
    /* 8 sequence of the next message that the gateway will expect */
    uint32_t expected_sequence;
    uint32_t reserved12;            /* 12  zero */
} nt_session_ended;

/* The session goes on in the epoch of the header. 16 bytes. */
typedef struct nt_epoch_changed {
    uint8_t type;                   /* 0   0x25 */
    uint8_t reason;                 /* 1   zero */
    uint16_t reserved;              /* 2   zero */
    /* 4 the sequence that the gateway expects: send again from here */
    uint32_t expected_sequence;
    uint32_t next_report_sequence;  /* 8   sequence of the next report that the gateway will send */
    uint32_t reserved12;            /* 12  zero */
} nt_epoch_changed;

/* What everybody may know. 64 bytes. */
typedef struct nt_public_report {
    uint8_t type;                   /* 0   0x30 */
    uint8_t kind;                   /* 1   what happened: enum nt_public_kind */
    uint8_t side;                   /* 2   0 buy, 1 sell: the resting order's side */
    uint8_t reserved3;              /* 3   zero */
    uint32_t instrument;            /* 4   the instrument */
    /* 8 sequence of the command: with tradeIndex the trade's id */
    uint64_t command_sequence;
    uint64_t reference;             /* 16  the resting order */
    uint64_t aggressor_reference;   /* 24  executed: the aggressor; else 0 */
    int64_t price_ticks;            /* 32  ticks */
    /* 40 added, executed, deleted: lots of it; reduced: lots left */
    uint64_t quantity_lots;
    uint64_t timestamp_nanos;       /* 48  the record's timestamp, UTC nanoseconds */
    uint16_t trade_index;           /* 56  executed: index of the trade in its command; else 0 */
    uint16_t reserved58;            /* 58  zero */
    uint32_t reserved60;            /* 60  zero */
} nt_public_report;

/* The compiler checks what the pictures say. */
#define NT_CHECK(name, condition) typedef char nt_check_##name[(condition) ? 1 : -1]
#define NT_CHECK_SIZE(name, bytes) NT_CHECK(name##_size, sizeof(nt_##name) == (bytes))
#define NT_CHECK_FIELD(name, field, bytes) \
    NT_CHECK(name##_##field, offsetof(nt_##name, field) == (bytes))

NT_CHECK_SIZE(log_record, 64);
NT_CHECK_FIELD(log_record, sequence, 0);
NT_CHECK_FIELD(log_record, timestamp_nanos, 8);
NT_CHECK_FIELD(log_record, session, 16);
NT_CHECK_FIELD(log_record, session_sequence, 20);
NT_CHECK_FIELD(log_record, order_id, 24);
NT_CHECK_FIELD(log_record, price_ticks, 32);
NT_CHECK_FIELD(log_record, quantity_lots, 40);
NT_CHECK_FIELD(log_record, account, 48);
NT_CHECK_FIELD(log_record, instrument, 52);
NT_CHECK_FIELD(log_record, kind, 56);
NT_CHECK_FIELD(log_record, attributes, 57);
NT_CHECK_FIELD(log_record, flags, 58);
NT_CHECK_FIELD(log_record, crc32c, 60);
NT_CHECK_SIZE(order_continuation, 64);
NT_CHECK_FIELD(order_continuation, sequence, 0);
NT_CHECK_FIELD(order_continuation, trigger_price_ticks, 8);
NT_CHECK_FIELD(order_continuation, peak_lots, 16);
NT_CHECK_FIELD(order_continuation, minimum_lots, 24);
NT_CHECK_FIELD(order_continuation, expiry_seconds, 32);
NT_CHECK_FIELD(order_continuation, algorithm_id, 36);
NT_CHECK_FIELD(order_continuation, client_tag_low, 40);
NT_CHECK_FIELD(order_continuation, client_tag_middle, 48);
NT_CHECK_FIELD(order_continuation, client_tag_high, 52);
NT_CHECK_FIELD(order_continuation, capacity, 54);
NT_CHECK_FIELD(order_continuation, trigger_condition, 55);
NT_CHECK_FIELD(order_continuation, kind, 56);
NT_CHECK_FIELD(order_continuation, reserved, 57);
NT_CHECK_FIELD(order_continuation, flags, 58);
NT_CHECK_FIELD(order_continuation, crc32c, 60);
NT_CHECK_SIZE(epoch_start, 64);
NT_CHECK_FIELD(epoch_start, sequence, 0);
NT_CHECK_FIELD(epoch_start, timestamp_nanos, 8);
NT_CHECK_FIELD(epoch_start, epoch, 16);
NT_CHECK_FIELD(epoch_start, rules_version, 20);
NT_CHECK_FIELD(epoch_start, last_carried_sequence, 24);
NT_CHECK_FIELD(epoch_start, index_seed, 32);
NT_CHECK_FIELD(epoch_start, reserved40, 40);
NT_CHECK_FIELD(epoch_start, shard, 48);
NT_CHECK_FIELD(epoch_start, host, 52);
NT_CHECK_FIELD(epoch_start, kind, 56);
NT_CHECK_FIELD(epoch_start, attributes, 57);
NT_CHECK_FIELD(epoch_start, flags, 58);
NT_CHECK_FIELD(epoch_start, crc32c, 60);
NT_CHECK_SIZE(engine_limits, 64);
NT_CHECK_FIELD(engine_limits, sequence, 0);
NT_CHECK_FIELD(engine_limits, timestamp_nanos, 8);
NT_CHECK_FIELD(engine_limits, order_capacity, 16);
NT_CHECK_FIELD(engine_limits, session_capacity, 20);
NT_CHECK_FIELD(engine_limits, instrument_capacity, 24);
NT_CHECK_FIELD(engine_limits, ladder_tick_capacity, 28);
NT_CHECK_FIELD(engine_limits, session_open_orders_max, 32);
NT_CHECK_FIELD(engine_limits, reserved36, 36);
NT_CHECK_FIELD(engine_limits, reserved40, 40);
NT_CHECK_FIELD(engine_limits, reserved48, 48);
NT_CHECK_FIELD(engine_limits, kind, 56);
NT_CHECK_FIELD(engine_limits, attributes, 57);
NT_CHECK_FIELD(engine_limits, flags, 58);
NT_CHECK_FIELD(engine_limits, crc32c, 60);
NT_CHECK_SIZE(define_instrument, 64);
NT_CHECK_FIELD(define_instrument, sequence, 0);
NT_CHECK_FIELD(define_instrument, timestamp_nanos, 8);
NT_CHECK_FIELD(define_instrument, operator_id, 16);
NT_CHECK_FIELD(define_instrument, reserved20, 20);
NT_CHECK_FIELD(define_instrument, quantity_lots_max, 24);
NT_CHECK_FIELD(define_instrument, lowest_price_ticks, 32);
NT_CHECK_FIELD(define_instrument, highest_price_ticks, 40);
NT_CHECK_FIELD(define_instrument, reserved48, 48);
NT_CHECK_FIELD(define_instrument, instrument, 52);
NT_CHECK_FIELD(define_instrument, kind, 56);
NT_CHECK_FIELD(define_instrument, attributes, 57);
NT_CHECK_FIELD(define_instrument, flags, 58);
NT_CHECK_FIELD(define_instrument, crc32c, 60);
NT_CHECK_SIZE(instrument_detail, 64);
NT_CHECK_FIELD(instrument_detail, sequence, 0);
NT_CHECK_FIELD(instrument_detail, timestamp_nanos, 8);
NT_CHECK_FIELD(instrument_detail, reserved16, 16);
NT_CHECK_FIELD(instrument_detail, symbol_low, 24);
NT_CHECK_FIELD(instrument_detail, symbol_high, 32);
NT_CHECK_FIELD(instrument_detail, price_decimals, 40);
NT_CHECK_FIELD(instrument_detail, quantity_decimals, 41);
NT_CHECK_FIELD(instrument_detail, reserved42, 42);
NT_CHECK_FIELD(instrument_detail, reserved44, 44);
NT_CHECK_FIELD(instrument_detail, reserved48, 48);
NT_CHECK_FIELD(instrument_detail, kind, 56);
NT_CHECK_FIELD(instrument_detail, attributes, 57);
NT_CHECK_FIELD(instrument_detail, flags, 58);
NT_CHECK_FIELD(instrument_detail, crc32c, 60);
NT_CHECK_SIZE(activate_rules, 64);
NT_CHECK_FIELD(activate_rules, sequence, 0);
NT_CHECK_FIELD(activate_rules, timestamp_nanos, 8);
NT_CHECK_FIELD(activate_rules, operator_id, 16);
NT_CHECK_FIELD(activate_rules, reserved20, 20);
NT_CHECK_FIELD(activate_rules, rules_version, 24);
NT_CHECK_FIELD(activate_rules, reserved28, 28);
NT_CHECK_FIELD(activate_rules, reserved32, 32);
NT_CHECK_FIELD(activate_rules, reserved40, 40);
NT_CHECK_FIELD(activate_rules, reserved48, 48);
NT_CHECK_FIELD(activate_rules, kind, 56);
NT_CHECK_FIELD(activate_rules, attributes, 57);
NT_CHECK_FIELD(activate_rules, flags, 58);
NT_CHECK_FIELD(activate_rules, crc32c, 60);
NT_CHECK_SIZE(logon_record, 64);
NT_CHECK_FIELD(logon_record, sequence, 0);
NT_CHECK_FIELD(logon_record, timestamp_nanos, 8);
NT_CHECK_FIELD(logon_record, session, 16);
NT_CHECK_FIELD(logon_record, reserved20, 20);
NT_CHECK_FIELD(logon_record, nonce, 24);
NT_CHECK_FIELD(logon_record, reserved32, 32);
NT_CHECK_FIELD(logon_record, source, 40);
NT_CHECK_FIELD(logon_record, token, 48);
NT_CHECK_FIELD(logon_record, heartbeat_millis, 52);
NT_CHECK_FIELD(logon_record, kind, 56);
NT_CHECK_FIELD(logon_record, attributes, 57);
NT_CHECK_FIELD(logon_record, flags, 58);
NT_CHECK_FIELD(logon_record, crc32c, 60);
NT_CHECK_SIZE(replace_record, 64);
NT_CHECK_FIELD(replace_record, sequence, 0);
NT_CHECK_FIELD(replace_record, timestamp_nanos, 8);
NT_CHECK_FIELD(replace_record, session, 16);
NT_CHECK_FIELD(replace_record, session_sequence, 20);
NT_CHECK_FIELD(replace_record, new_order_id, 24);
NT_CHECK_FIELD(replace_record, price_ticks, 32);
NT_CHECK_FIELD(replace_record, total_lots, 40);
NT_CHECK_FIELD(replace_record, original_order_id, 48);
NT_CHECK_FIELD(replace_record, kind, 56);
NT_CHECK_FIELD(replace_record, attributes, 57);
NT_CHECK_FIELD(replace_record, flags, 58);
NT_CHECK_FIELD(replace_record, crc32c, 60);
NT_CHECK_SIZE(event, 64);
NT_CHECK_FIELD(event, order_id, 0);
NT_CHECK_FIELD(event, reference, 8);
NT_CHECK_FIELD(event, price_ticks, 16);
NT_CHECK_FIELD(event, quantity_lots, 24);
NT_CHECK_FIELD(event, leaves_lots, 32);
NT_CHECK_FIELD(event, executed_lots, 40);
NT_CHECK_FIELD(event, session, 48);
NT_CHECK_FIELD(event, account, 52);
NT_CHECK_FIELD(event, instrument, 56);
NT_CHECK_FIELD(event, kind, 60);
NT_CHECK_FIELD(event, attributes, 61);
NT_CHECK_FIELD(event, detail, 62);
NT_CHECK_SIZE(order_entry_header, 48);
NT_CHECK_FIELD(order_entry_header, version, 0);
NT_CHECK_FIELD(order_entry_header, channel, 1);
NT_CHECK_FIELD(order_entry_header, message_count, 2);
NT_CHECK_FIELD(order_entry_header, session, 4);
NT_CHECK_FIELD(order_entry_header, epoch, 8);
NT_CHECK_FIELD(order_entry_header, key_id, 12);
NT_CHECK_FIELD(order_entry_header, flags, 14);
NT_CHECK_FIELD(order_entry_header, sequence, 16);
NT_CHECK_FIELD(order_entry_header, received_through, 20);
NT_CHECK_FIELD(order_entry_header, committed_through, 24);
NT_CHECK_FIELD(order_entry_header, token, 28);
NT_CHECK_FIELD(order_entry_header, tag_low, 32);
NT_CHECK_FIELD(order_entry_header, tag_high, 40);
NT_CHECK_SIZE(public_header, 48);
NT_CHECK_FIELD(public_header, version, 0);
NT_CHECK_FIELD(public_header, channel, 1);
NT_CHECK_FIELD(public_header, message_count, 2);
NT_CHECK_FIELD(public_header, shard, 4);
NT_CHECK_FIELD(public_header, epoch, 8);
NT_CHECK_FIELD(public_header, key_id, 12);
NT_CHECK_FIELD(public_header, flags, 14);
NT_CHECK_FIELD(public_header, public_sequence, 16);
NT_CHECK_FIELD(public_header, committed_through, 24);
NT_CHECK_FIELD(public_header, token, 28);
NT_CHECK_FIELD(public_header, tag_low, 32);
NT_CHECK_FIELD(public_header, tag_high, 40);
NT_CHECK_SIZE(new_order, 40);
NT_CHECK_FIELD(new_order, type, 0);
NT_CHECK_FIELD(new_order, side, 1);
NT_CHECK_FIELD(new_order, type_and_time_in_force, 2);
NT_CHECK_FIELD(new_order, flags, 3);
NT_CHECK_FIELD(new_order, instrument, 4);
NT_CHECK_FIELD(new_order, order_id, 8);
NT_CHECK_FIELD(new_order, account, 16);
NT_CHECK_FIELD(new_order, price_ticks, 24);
NT_CHECK_FIELD(new_order, quantity_lots, 32);
NT_CHECK_SIZE(cancel_order, 16);
NT_CHECK_FIELD(cancel_order, type, 0);
NT_CHECK_FIELD(cancel_order, reserved1, 1);
NT_CHECK_FIELD(cancel_order, reserved2, 2);
NT_CHECK_FIELD(cancel_order, instrument, 4);
NT_CHECK_FIELD(cancel_order, order_id, 8);
NT_CHECK_SIZE(replace_order, 40);
NT_CHECK_FIELD(replace_order, type, 0);
NT_CHECK_FIELD(replace_order, flags, 1);
NT_CHECK_FIELD(replace_order, reserved2, 2);
NT_CHECK_FIELD(replace_order, reserved4, 4);
NT_CHECK_FIELD(replace_order, original_order_id, 8);
NT_CHECK_FIELD(replace_order, new_order_id, 16);
NT_CHECK_FIELD(replace_order, price_ticks, 24);
NT_CHECK_FIELD(replace_order, total_lots, 32);
NT_CHECK_SIZE(reduce_order, 24);
NT_CHECK_FIELD(reduce_order, type, 0);
NT_CHECK_FIELD(reduce_order, reserved1, 1);
NT_CHECK_FIELD(reduce_order, reserved2, 2);
NT_CHECK_FIELD(reduce_order, instrument, 4);
NT_CHECK_FIELD(reduce_order, order_id, 8);
NT_CHECK_FIELD(reduce_order, total_lots, 16);
NT_CHECK_SIZE(mass_cancel, 16);
NT_CHECK_FIELD(mass_cancel, type, 0);
NT_CHECK_FIELD(mass_cancel, sides, 1);
NT_CHECK_FIELD(mass_cancel, reserved2, 2);
NT_CHECK_FIELD(mass_cancel, instrument, 4);
NT_CHECK_FIELD(mass_cancel, order_id, 8);
NT_CHECK_SIZE(mass_cancel_by_account, 24);
NT_CHECK_FIELD(mass_cancel_by_account, type, 0);
NT_CHECK_FIELD(mass_cancel_by_account, sides, 1);
NT_CHECK_FIELD(mass_cancel_by_account, reserved2, 2);
NT_CHECK_FIELD(mass_cancel_by_account, instrument, 4);
NT_CHECK_FIELD(mass_cancel_by_account, order_id, 8);
NT_CHECK_FIELD(mass_cancel_by_account, account, 16);
NT_CHECK_SIZE(new_order_extended, 88);
NT_CHECK_FIELD(new_order_extended, order, 0);
NT_CHECK_FIELD(new_order_extended, trigger_price_ticks, 40);
NT_CHECK_FIELD(new_order_extended, peak_lots, 48);
NT_CHECK_FIELD(new_order_extended, minimum_lots, 56);
NT_CHECK_FIELD(new_order_extended, expiry_seconds, 64);
NT_CHECK_FIELD(new_order_extended, algorithm_id, 68);
NT_CHECK_FIELD(new_order_extended, client_tag_low, 72);
NT_CHECK_FIELD(new_order_extended, client_tag_middle, 80);
NT_CHECK_FIELD(new_order_extended, client_tag_high, 84);
NT_CHECK_FIELD(new_order_extended, capacity, 86);
NT_CHECK_FIELD(new_order_extended, trigger_condition, 87);
NT_CHECK_SIZE(logout, 8);
NT_CHECK_FIELD(logout, type, 0);
NT_CHECK_FIELD(logout, reserved1, 1);
NT_CHECK_FIELD(logout, reserved2, 2);
NT_CHECK_FIELD(logout, reserved4, 4);
NT_CHECK_SIZE(execution_report, 48);
NT_CHECK_FIELD(execution_report, type, 0);
NT_CHECK_FIELD(execution_report, execution_type, 1);
NT_CHECK_FIELD(execution_report, attributes, 2);
NT_CHECK_FIELD(execution_report, reason, 3);
NT_CHECK_FIELD(execution_report, sequence, 4);
NT_CHECK_FIELD(execution_report, order_id, 8);
NT_CHECK_FIELD(execution_report, reference, 16);
NT_CHECK_FIELD(execution_report, price_ticks, 24);
NT_CHECK_FIELD(execution_report, quantity_lots, 32);
NT_CHECK_FIELD(execution_report, timestamp_nanos, 40);
NT_CHECK_SIZE(extended_execution_report, 96);
NT_CHECK_FIELD(extended_execution_report, core, 0);
NT_CHECK_FIELD(extended_execution_report, instrument, 48);
NT_CHECK_FIELD(extended_execution_report, account, 52);
NT_CHECK_FIELD(extended_execution_report, leaves_lots, 56);
NT_CHECK_FIELD(extended_execution_report, executed_lots, 64);
NT_CHECK_FIELD(extended_execution_report, command_sequence, 72);
NT_CHECK_FIELD(extended_execution_report, trade_index, 80);
NT_CHECK_FIELD(extended_execution_report, liquidity, 82);
NT_CHECK_FIELD(extended_execution_report, reserved, 83);
NT_CHECK_FIELD(extended_execution_report, fee_asset, 84);
NT_CHECK_FIELD(extended_execution_report, fee, 88);
NT_CHECK_SIZE(logon, 32);
NT_CHECK_FIELD(logon, type, 0);
NT_CHECK_FIELD(logon, flags, 1);
NT_CHECK_FIELD(logon, heartbeat_millis, 2);
NT_CHECK_FIELD(logon, next_report_sequence, 4);
NT_CHECK_FIELD(logon, nonce, 8);
NT_CHECK_FIELD(logon, reserved16, 16);
NT_CHECK_FIELD(logon, reserved24, 24);
NT_CHECK_SIZE(logon_accepted, 32);
NT_CHECK_FIELD(logon_accepted, type, 0);
NT_CHECK_FIELD(logon_accepted, flags, 1);
NT_CHECK_FIELD(logon_accepted, heartbeat_millis, 2);
NT_CHECK_FIELD(logon_accepted, token, 4);
NT_CHECK_FIELD(logon_accepted, expected_sequence, 8);
NT_CHECK_FIELD(logon_accepted, next_report_sequence, 12);
NT_CHECK_FIELD(logon_accepted, nonce, 16);
NT_CHECK_FIELD(logon_accepted, reorder_window, 24);
NT_CHECK_FIELD(logon_accepted, messages_per_datagram_max, 26);
NT_CHECK_FIELD(logon_accepted, messages_per_second, 28);
NT_CHECK_SIZE(session_notice, 16);
NT_CHECK_FIELD(session_notice, type, 0);
NT_CHECK_FIELD(session_notice, reason, 1);
NT_CHECK_FIELD(session_notice, reserved, 2);
NT_CHECK_FIELD(session_notice, first, 4);
NT_CHECK_FIELD(session_notice, second, 8);
NT_CHECK_FIELD(session_notice, third, 12);
NT_CHECK_SIZE(resend_request, 16);
NT_CHECK_FIELD(resend_request, type, 0);
NT_CHECK_FIELD(resend_request, reason, 1);
NT_CHECK_FIELD(resend_request, reserved, 2);
NT_CHECK_FIELD(resend_request, from_sequence, 4);
NT_CHECK_FIELD(resend_request, count, 8);
NT_CHECK_FIELD(resend_request, reserved12, 12);
NT_CHECK_SIZE(logon_rejected, 16);
NT_CHECK_FIELD(logon_rejected, type, 0);
NT_CHECK_FIELD(logon_rejected, reason, 1);
NT_CHECK_FIELD(logon_rejected, reserved, 2);
NT_CHECK_FIELD(logon_rejected, reserved4, 4);
NT_CHECK_FIELD(logon_rejected, nonce, 8);
NT_CHECK_SIZE(gap_report, 16);
NT_CHECK_FIELD(gap_report, type, 0);
NT_CHECK_FIELD(gap_report, reason, 1);
NT_CHECK_FIELD(gap_report, reserved, 2);
NT_CHECK_FIELD(gap_report, expected_sequence, 4);
NT_CHECK_FIELD(gap_report, received, 8);
NT_CHECK_FIELD(gap_report, reserved12, 12);
NT_CHECK_SIZE(resend_unavailable, 16);
NT_CHECK_FIELD(resend_unavailable, type, 0);
NT_CHECK_FIELD(resend_unavailable, reason, 1);
NT_CHECK_FIELD(resend_unavailable, reserved, 2);
NT_CHECK_FIELD(resend_unavailable, first_available, 4);
NT_CHECK_FIELD(resend_unavailable, requested, 8);
NT_CHECK_FIELD(resend_unavailable, reserved12, 12);
NT_CHECK_SIZE(session_ended, 16);
NT_CHECK_FIELD(session_ended, type, 0);
NT_CHECK_FIELD(session_ended, reason, 1);
NT_CHECK_FIELD(session_ended, reserved, 2);
NT_CHECK_FIELD(session_ended, last_report_sequence, 4);
NT_CHECK_FIELD(session_ended, expected_sequence, 8);
NT_CHECK_FIELD(session_ended, reserved12, 12);
NT_CHECK_SIZE(epoch_changed, 16);
NT_CHECK_FIELD(epoch_changed, type, 0);
NT_CHECK_FIELD(epoch_changed, reason, 1);
NT_CHECK_FIELD(epoch_changed, reserved, 2);
NT_CHECK_FIELD(epoch_changed, expected_sequence, 4);
NT_CHECK_FIELD(epoch_changed, next_report_sequence, 8);
NT_CHECK_FIELD(epoch_changed, reserved12, 12);
NT_CHECK_SIZE(public_report, 64);
NT_CHECK_FIELD(public_report, type, 0);
NT_CHECK_FIELD(public_report, kind, 1);
NT_CHECK_FIELD(public_report, side, 2);
NT_CHECK_FIELD(public_report, reserved3, 3);
NT_CHECK_FIELD(public_report, instrument, 4);
NT_CHECK_FIELD(public_report, command_sequence, 8);
NT_CHECK_FIELD(public_report, reference, 16);
NT_CHECK_FIELD(public_report, aggressor_reference, 24);
NT_CHECK_FIELD(public_report, price_ticks, 32);
NT_CHECK_FIELD(public_report, quantity_lots, 40);
NT_CHECK_FIELD(public_report, timestamp_nanos, 48);
NT_CHECK_FIELD(public_report, trade_index, 56);
NT_CHECK_FIELD(public_report, reserved58, 58);
NT_CHECK_FIELD(public_report, reserved60, 60);

#undef NT_CHECK_FIELD
#undef NT_CHECK_SIZE
#undef NT_CHECK

#ifdef __cplusplus
}
#endif

#endif
