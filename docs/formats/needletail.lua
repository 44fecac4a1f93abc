-- SPDX-License-Identifier: Apache-2.0
--
-- Needletail order entry and public reports for Wireshark and tshark (4.0 or later).
--
--   wireshark -X lua_script:docs/formats/needletail.lua capture.pcap
--   tshark -X lua_script:docs/formats/needletail.lua -r capture.pcap -Y 'needletail.order_id == 42'
--
-- Ports are in the preferences (needletail.ports, 7000-7009 unless told); datagrams on other
-- ports, multicast included, are found by their header and the sizes of their messages.
-- The layouts are those of needletail.h; a field of a message is needletail.<its name there>, a
-- field of the header needletail.header.<its name there>.

local needletail = Proto("needletail", "Needletail order entry")

local HEADER_BYTES = 48
local VERSION = 1
local PUBLIC_CHANNEL = 4

local CHANNELS = {
    [1] = "orders",
    [2] = "reports",
    [3] = "control",
    [4] = "publicReports",
}

local MESSAGE_TYPES = {
    [0x01] = "newOrder",
    [0x02] = "cancelOrder",
    [0x04] = "replaceOrder",
    [0x05] = "reduceOrder",
    [0x06] = "massCancel",
    [0x07] = "newOrderExtended",
    [0x0a] = "massCancelByAccount",
    [0x09] = "logout",
    [0x03] = "executionReport",
    [0x08] = "extendedExecutionReport",
    [0x10] = "logon",
    [0x12] = "resendRequest",
    [0x20] = "logonAccepted",
    [0x21] = "logonRejected",
    [0x22] = "gapReport",
    [0x23] = "resendUnavailable",
    [0x24] = "sessionEnded",
    [0x25] = "epochChanged",
    [0x30] = "publicReport",
}

local SIDES = {
    [0] = "buy",
    [1] = "sell",
}

local ORDER_TYPES = {
    [0] = "limit",
    [1] = "market",
    [2] = "stop",
    [3] = "stopLimit",
    [4] = "marketToLimit",
    [5] = "pegged",
    [6] = "trailingStop",
}

local TIMES_IN_FORCE = {
    [0] = "day",
    [1] = "immediateOrCancel",
    [2] = "fillOrKill",
    [3] = "goodTillCancel",
    [4] = "goodTillTime",
    [5] = "atTheOpening",
    [6] = "atTheClose",
}

local SELF_TRADE_PREVENTIONS = {
    [0] = "none",
    [1] = "cancelNewest",
    [2] = "cancelOldest",
    [3] = "cancelBoth",
    [4] = "decrement",
}

local EVENT_KINDS = {
    [1] = "accepted",
    [2] = "rejected",
    [3] = "traded",
    [4] = "cancelled",
    [5] = "reduced",
    [6] = "replaced",
    [7] = "cancelRejected",
    [8] = "replaceRejected",
    [9] = "reduceRejected",
    [10] = "refused",
    [11] = "massCancelDone",
    [12] = "loggedOut",
    [13] = "triggered",
    [14] = "prevented",
    [15] = "busted",
    [16] = "rested",
    [17] = "sessionOpened",
    [18] = "sessionTimedOut",
    [19] = "epochStarted",
    [20] = "instrumentDefined",
    [21] = "controlApplied",
    [22] = "controlRejected",
    [23] = "nothing",
    [24] = "displayed",
    [25] = "closed",
    [26] = "tradingStateSet",
    [27] = "auctionPriced",
    [28] = "auctionIndicated",
    [30] = "businessDayRolled",
}

local PUBLIC_KINDS = {
    [1] = "added",
    [2] = "executed",
    [3] = "reduced",
    [4] = "deleted",
    [5] = "instrument",
    [6] = "traded",
    [7] = "crossed",
    [8] = "tradingState",
    [9] = "auctionPriced",
    [10] = "auctionIndicated",
    [12] = "businessDay",
    [13] = "busted",
}

local REASONS = {
    [0] = "none",
    [1] = "unknownInstrument",
    [2] = "unknownOrder",
    [3] = "duplicateOrderID",
    [4] = "zeroQuantity",
    [5] = "quantityTooLarge",
    [6] = "priceOutOfRange",
    [7] = "orderPoolExhausted",
    [8] = "sessionOrderLimit",
    [9] = "invalidSide",
    [10] = "invalidOrderType",
    [11] = "invalidTimeInForce",
    [12] = "invalidFlags",
    [13] = "postOnlyWouldTrade",
    [14] = "wrongInstrument",
    [15] = "instrumentNotOpen",
    [16] = "totalNotReduced",
    [17] = "invalidAccount",
    [18] = "throttled",
    [19] = "notLoggedOn",
    [20] = "unsupported",
    [21] = "invalidReserved",
    [22] = "sessionSequenceBroken",
    [23] = "invalidOrderID",
    [24] = "unknownSession",
    [25] = "invalidControl",
    [26] = "unsupportedCombination",
    [27] = "invalidExpiry",
    [28] = "invalidPeak",
    [29] = "invalidMinimum",
    [30] = "invalidTrigger",
    [31] = "invalidLink",
    [33] = "killed",
    [34] = "massCancelUnderWay",
    [35] = "priceOutsideBand",
    [36] = "invalidTick",
    [37] = "invalidLot",
    [38] = "orderValueTooLarge",
    [39] = "quantityTooSmall",
    [44] = "alreadyBusted",
    [45] = "tooManyBusts",
    [46] = "tradeOfEarlierDay",
    [47] = "noRoomForPrice",
    [64] = "byClient",
    [65] = "immediateOrCancel",
    [66] = "fillOrKill",
    [67] = "marketRemainder",
    [68] = "selfTradePrevented",
    [69] = "massCancelled",
    [70] = "sessionEnded",
    [71] = "replaced",
    [72] = "expired",
    [73] = "totalExecuted",
    [74] = "minimumQuantity",
    [75] = "linkedTraded",
    [76] = "stepLimit",
    [77] = "killSwitch",
    [78] = "outsidePriceBand",
    [79] = "dayEnded",
    [80] = "replaceInvalid",
    [81] = "noRoomToRest",
    [96] = "sessionInUse",
    [97] = "notAuthorised",
    [98] = "wrongEpoch",
    [99] = "timedOut",
    [100] = "loggedOut",
    [101] = "notAvailable",
}
-- Each message: channel, size, and its fields with offset and size.
local LAYOUTS = {
    [0x01] = {
        name = "NewOrder", channel = 1, bytes = 40,
        { "type", 0, 1 }, { "side", 1, 1 }, { "type_and_time_in_force", 2, 1 },
        { "flags", 3, 1 }, { "instrument", 4, 4 }, { "order_id", 8, 8 }, { "account", 16, 8 },
        { "price_ticks", 24, 8 }, { "quantity_lots", 32, 8 },
    },
    [0x02] = {
        name = "CancelOrder", channel = 1, bytes = 16,
        { "type", 0, 1 }, { "reserved", 1, 1 }, { "reserved", 2, 2 }, { "instrument", 4, 4 },
        { "order_id", 8, 8 },
    },
    [0x03] = {
        name = "ExecutionReport", channel = 2, bytes = 48,
        { "type", 0, 1 }, { "execution_type", 1, 1 }, { "attributes", 2, 1 },
        { "reason", 3, 1 }, { "sequence", 4, 4 }, { "order_id", 8, 8 }, { "reference", 16, 8 },
        { "price_ticks", 24, 8 }, { "quantity_lots", 32, 8 }, { "timestamp_nanos", 40, 8 },
    },
    [0x04] = {
        name = "ReplaceOrder", channel = 1, bytes = 40,
        { "type", 0, 1 }, { "flags", 1, 1 }, { "reserved", 2, 2 }, { "reserved", 4, 4 },
        { "original_order_id", 8, 8 }, { "new_order_id", 16, 8 }, { "price_ticks", 24, 8 },
        { "total_lots", 32, 8 },
    },
    [0x05] = {
        name = "ReduceOrder", channel = 1, bytes = 24,
        { "type", 0, 1 }, { "reserved", 1, 1 }, { "reserved", 2, 2 }, { "instrument", 4, 4 },
        { "order_id", 8, 8 }, { "total_lots", 16, 8 },
    },
    [0x06] = {
        name = "MassCancel", channel = 1, bytes = 16,
        { "type", 0, 1 }, { "sides", 1, 1 }, { "reserved", 2, 2 }, { "instrument", 4, 4 },
        { "order_id", 8, 8 },
    },
    [0x07] = {
        name = "NewOrderExtended", channel = 1, bytes = 88,
        { "type", 0, 1 }, { "side", 1, 1 }, { "type_and_time_in_force", 2, 1 },
        { "flags", 3, 1 }, { "instrument", 4, 4 }, { "order_id", 8, 8 }, { "account", 16, 8 },
        { "price_ticks", 24, 8 }, { "quantity_lots", 32, 8 }, { "trigger_price_ticks", 40, 8 },
        { "peak_lots", 48, 8 }, { "minimum_lots", 56, 8 }, { "expiry_seconds", 64, 4 },
        { "algorithm_id", 68, 4 }, { "client_tag_low", 72, 8 }, { "client_tag_middle", 80, 4 },
        { "client_tag_high", 84, 2 }, { "capacity", 86, 1 }, { "trigger_condition", 87, 1 },
    },
    [0x08] = {
        name = "ExtendedExecutionReport", channel = 2, bytes = 96,
        { "type", 0, 1 }, { "execution_type", 1, 1 }, { "attributes", 2, 1 },
        { "reason", 3, 1 }, { "sequence", 4, 4 }, { "order_id", 8, 8 }, { "reference", 16, 8 },
        { "price_ticks", 24, 8 }, { "quantity_lots", 32, 8 }, { "timestamp_nanos", 40, 8 },
        { "instrument", 48, 4 }, { "account", 52, 4 }, { "leaves_lots", 56, 8 },
        { "executed_lots", 64, 8 }, { "command_sequence", 72, 8 }, { "trade_index", 80, 2 },
        { "liquidity", 82, 1 }, { "reserved", 83, 1 }, { "fee_asset", 84, 4 }, { "fee", 88, 8 },
    },
    [0x09] = {
        name = "Logout", channel = 1, bytes = 8,
        { "type", 0, 1 }, { "reserved", 1, 1 }, { "reserved", 2, 2 }, { "reserved", 4, 4 },
    },
    [0x0A] = {
        name = "MassCancelByAccount", channel = 1, bytes = 24,
        { "type", 0, 1 }, { "sides", 1, 1 }, { "reserved", 2, 2 }, { "instrument", 4, 4 },
        { "order_id", 8, 8 }, { "account", 16, 8 },
    },
    [0x10] = {
        name = "Logon", channel = 3, bytes = 32,
        { "type", 0, 1 }, { "flags", 1, 1 }, { "heartbeat_millis", 2, 2 },
        { "next_report_sequence", 4, 4 }, { "nonce", 8, 8 }, { "reserved", 16, 8 },
        { "reserved", 24, 8 },
    },
    [0x12] = {
        name = "ResendRequest", channel = 3, bytes = 16,
        { "type", 0, 1 }, { "reason", 1, 1 }, { "reserved", 2, 2 }, { "from_sequence", 4, 4 },
        { "count", 8, 4 }, { "reserved", 12, 4 },
    },
    [0x20] = {
        name = "LogonAccepted", channel = 3, bytes = 32,
        { "type", 0, 1 }, { "flags", 1, 1 }, { "heartbeat_millis", 2, 2 }, { "token", 4, 4 },
        { "expected_sequence", 8, 4 }, { "next_report_sequence", 12, 4 }, { "nonce", 16, 8 },
        { "reorder_window", 24, 2 }, { "messages_per_datagram_max", 26, 2 },
        { "messages_per_second", 28, 4 },
    },
    [0x21] = {
        name = "LogonRejected", channel = 3, bytes = 16,
        { "type", 0, 1 }, { "reason", 1, 1 }, { "reserved", 2, 2 }, { "reserved", 4, 4 },
        { "nonce", 8, 8 },
    },
    [0x22] = {
        name = "GapReport", channel = 3, bytes = 16,
        { "type", 0, 1 }, { "reason", 1, 1 }, { "reserved", 2, 2 },
        { "expected_sequence", 4, 4 }, { "received", 8, 4 }, { "reserved", 12, 4 },
    },
    [0x23] = {
        name = "ResendUnavailable", channel = 3, bytes = 16,
        { "type", 0, 1 }, { "reason", 1, 1 }, { "reserved", 2, 2 }, { "first_available", 4, 4 },
        { "requested", 8, 4 }, { "reserved", 12, 4 },
    },
    [0x24] = {
        name = "SessionEnded", channel = 3, bytes = 16,
        { "type", 0, 1 }, { "reason", 1, 1 }, { "reserved", 2, 2 },
        { "last_report_sequence", 4, 4 }, { "expected_sequence", 8, 4 }, { "reserved", 12, 4 },
    },
    [0x25] = {
        name = "EpochChanged", channel = 3, bytes = 16,
        { "type", 0, 1 }, { "reason", 1, 1 }, { "reserved", 2, 2 },
        { "expected_sequence", 4, 4 }, { "next_report_sequence", 8, 4 }, { "reserved", 12, 4 },
    },
    [0x30] = {
        name = "PublicReport", channel = 4, bytes = 64,
        { "type", 0, 1 }, { "kind", 1, 1 }, { "side", 2, 1 }, { "reserved", 3, 1 },
        { "instrument", 4, 4 }, { "command_sequence", 8, 8 }, { "reference", 16, 8 },
        { "aggressor_reference", 24, 8 }, { "price_ticks", 32, 8 }, { "quantity_lots", 40, 8 },
        { "timestamp_nanos", 48, 8 }, { "trade_index", 56, 2 }, { "reserved", 58, 2 },
        { "reserved", 60, 4 },
    },
}
-- Fields -------------------------------------------------------------------------------------

local F = {}

local function field(name, make, label, ...)
    F[name] = make("needletail." .. name, label, ...)
end

field("header.version", ProtoField.uint8, "Version")
field("header.channel", ProtoField.uint8, "Channel", base.DEC, CHANNELS)
field("header.message_count", ProtoField.uint16, "Message count")
field("header.session", ProtoField.uint32, "Session")
field("header.shard", ProtoField.uint32, "Shard")
field("header.epoch", ProtoField.uint32, "Epoch")
field("header.key_id", ProtoField.uint16, "Key id")
field("header.flags", ProtoField.uint16, "Flags", base.HEX)
field("header.flags.resent", ProtoField.bool, "Resent", 16, nil, 0x0001)
field("header.sequence", ProtoField.uint32, "Sequence")
field("header.public_sequence", ProtoField.uint64, "Public sequence")
field("header.received_through", ProtoField.uint32, "Received through")
field("header.committed_through", ProtoField.uint32, "Committed through")
field("header.token", ProtoField.uint32, "Token", base.HEX)
field("header.tag_low", ProtoField.uint64, "Tag, bytes 0-7", base.HEX)
field("header.tag_high", ProtoField.uint64, "Tag, bytes 8-15", base.HEX)

field("message", ProtoField.none, "Message")
field("message_sequence", ProtoField.uint64, "Sequence of this message")
field("timestamp", ProtoField.absolute_time, "Timestamp", base.UTC)
field("expiry", ProtoField.absolute_time, "Expiry", base.UTC)

field("type", ProtoField.uint8, "Type", base.HEX, MESSAGE_TYPES)
field("side", ProtoField.uint8, "Side", base.DEC, SIDES)
field("sides", ProtoField.uint8, "Sides", base.DEC,
    { [0] = "both", [1] = "buys", [2] = "sells", [3] = "both" })
field("type_and_time_in_force", ProtoField.uint8, "Type and time in force", base.HEX)
field("order_type", ProtoField.uint8, "Order type", base.DEC, ORDER_TYPES, 0x07)
field("time_in_force", ProtoField.uint8, "Time in force", base.DEC, TIMES_IN_FORCE, 0xF0)
field("flags", ProtoField.uint8, "Flags", base.HEX)
field("flags.post_only", ProtoField.bool, "Post only", 8, nil, 0x01)
field("flags.self_trade_prevention", ProtoField.uint8, "Self-trade prevention", base.DEC,
    SELF_TRADE_PREVENTIONS, 0x06)
field("flags.slide", ProtoField.bool, "Slide", 8, nil, 0x08)
field("flags.hidden", ProtoField.bool, "Hidden", 8, nil, 0x10)
field("flags.decrement", ProtoField.bool, "Prevention by decrement", 8, nil, 0x20)
field("flags.linked", ProtoField.bool, "Linked", 8, nil, 0x40)
field("flags.cancel_on_disconnect", ProtoField.bool, "Cancel on disconnect", 8, nil, 0x01)
field("flags.extended_reports", ProtoField.bool, "Extended reports", 8, nil, 0x02)
field("flags.cancel_all_on_disconnect", ProtoField.bool, "Cancel all on disconnect", 8, nil, 0x04)
field("execution_type", ProtoField.uint8, "Execution type", base.DEC, EVENT_KINDS)
field("kind", ProtoField.uint8, "Kind", base.DEC, PUBLIC_KINDS)
field("attributes", ProtoField.uint8, "Attributes", base.HEX)
field("attributes.side", ProtoField.uint8, "Side", base.DEC, SIDES, 0x01)
field("attributes.aggressor", ProtoField.bool, "Aggressor", 8, nil, 0x02)
field("attributes.resting", ProtoField.bool, "Resting", 8, nil, 0x04)
field("attributes.replacement", ProtoField.bool, "Replacement", 8, nil, 0x08)
field("reason", ProtoField.uint8, "Reason", base.DEC, REASONS)
field("price_ticks", ProtoField.int64, "Price, ticks")
field("trigger_price_ticks", ProtoField.int64, "Trigger price, ticks")
field("fee", ProtoField.int64, "Fee")
field("account", ProtoField.uint64, "Account")
field("reserved", ProtoField.bytes, "Reserved")

-- The rest are plain numbers as wide as their layout says.
local WIDTHS = {
    [1] = ProtoField.uint8, [2] = ProtoField.uint16, [4] = ProtoField.uint32,
    [8] = ProtoField.uint64,
}
for _, layout in pairs(LAYOUTS) do
    for _, entry in ipairs(layout) do
        local name = entry[1]
        if not F[name] then
            local label = name:gsub("_", " "):gsub("^%l", string.upper)
            field(name, WIDTHS[entry[3]], label)
        end
    end
end

local all = {}
for _, f in pairs(F) do all[#all + 1] = f end
needletail.fields = all

local X = {
    short = ProtoExpert.new("needletail.malformed.short", "Shorter than a header",
        expert.group.MALFORMED, expert.severity.ERROR),
    version = ProtoExpert.new("needletail.malformed.version", "Unknown version",
        expert.group.MALFORMED, expert.severity.ERROR),
    channel = ProtoExpert.new("needletail.malformed.channel", "Unknown channel",
        expert.group.MALFORMED, expert.severity.ERROR),
    kind = ProtoExpert.new("needletail.malformed.type", "Unknown type of message",
        expert.group.MALFORMED, expert.severity.ERROR),
    place = ProtoExpert.new("needletail.malformed.place", "Message belongs to another channel",
        expert.group.MALFORMED, expert.severity.ERROR),
    cut = ProtoExpert.new("needletail.malformed.cut", "Datagram ends inside its messages",
        expert.group.MALFORMED, expert.severity.ERROR),
    rest = ProtoExpert.new("needletail.malformed.rest", "Bytes behind the last message",
        expert.group.MALFORMED, expert.severity.ERROR),
    count = ProtoExpert.new("needletail.malformed.count", "A control datagram has one message",
        expert.group.MALFORMED, expert.severity.ERROR),
    reserved = ProtoExpert.new("needletail.reserved_not_zero", "Reserved bytes are not zero",
        expert.group.PROTOCOL, expert.severity.WARN),
    reject = ProtoExpert.new("needletail.turned_down", "Turned down",
        expert.group.RESPONSE_CODE, expert.severity.NOTE),
    resent = ProtoExpert.new("needletail.resent", "Sent again",
        expert.group.SEQUENCE, expert.severity.NOTE),
    gap = ProtoExpert.new("needletail.gap", "Something was lost",
        expert.group.SEQUENCE, expert.severity.WARN),
}
local experts = {}
for _, x in pairs(X) do experts[#experts + 1] = x end
needletail.experts = experts

needletail.prefs.ports = Pref.range("UDP ports", "7000-7009",
    "Ports of the gateway and of the public stream", 65535)

-- Dissection ---------------------------------------------------------------------------------

local GAPS = { [0x12] = true, [0x22] = true, [0x23] = true }
-- Execution types that turn a message down: rejected, cancel, replace, reduce rejected, refused.
local TURNED_DOWN = { [2] = true, [7] = true, [8] = true, [9] = true, [10] = true }

local function nanos_time(value)
    return NSTime.new((value / 1000000000):tonumber(), (value % 1000000000):tonumber())
end

local function all_zero(range)
    for index = 0, range:len() - 1 do
        if range(index, 1):uint() ~= 0 then return false end
    end
    return true
end

local function add_header(tree, buffer)
    local header = tree:add(needletail, buffer(0, HEADER_BYTES), "Header")
    local public = buffer(1, 1):uint() == PUBLIC_CHANNEL
    header:add_le(F["header.version"], buffer(0, 1))
    header:add_le(F["header.channel"], buffer(1, 1))
    header:add_le(F["header.message_count"], buffer(2, 2))
    header:add_le(F[public and "header.shard" or "header.session"], buffer(4, 4))
    header:add_le(F["header.epoch"], buffer(8, 4))
    header:add_le(F["header.key_id"], buffer(12, 2))
    local flags = header:add_le(F["header.flags"], buffer(14, 2))
    flags:add_le(F["header.flags.resent"], buffer(14, 2))
    if buffer(14, 2):le_uint() == 1 then flags:add_proto_expert_info(X.resent) end
    if public then
        header:add_le(F["header.public_sequence"], buffer(16, 8))
    else
        header:add_le(F["header.sequence"], buffer(16, 4))
        header:add_le(F["header.received_through"], buffer(20, 4))
    end
    header:add_le(F["header.committed_through"], buffer(24, 4))
    header:add_le(F["header.token"], buffer(28, 4))
    header:add_le(F["header.tag_low"], buffer(32, 8))
    header:add_le(F["header.tag_high"], buffer(40, 8))
    return header
end

-- What lies in the bits of a byte, and what deserves a word.
local function add_detail(item, name, range, kind)
    if name == "type_and_time_in_force" then
        item:add(F["order_type"], range)
        item:add(F["time_in_force"], range)
    elseif name == "flags" and LAYOUTS[kind].channel == 1 then
        item:add(F["flags.post_only"], range)
        item:add(F["flags.self_trade_prevention"], range)
        item:add(F["flags.slide"], range)
        item:add(F["flags.hidden"], range)
        item:add(F["flags.decrement"], range)
        item:add(F["flags.linked"], range)
    elseif name == "flags" then
        item:add(F["flags.cancel_on_disconnect"], range)
        item:add(F["flags.extended_reports"], range)
        item:add(F["flags.cancel_all_on_disconnect"], range)
    elseif name == "attributes" then
        item:add(F["attributes.side"], range)
        item:add(F["attributes.aggressor"], range)
        item:add(F["attributes.resting"], range)
        item:add(F["attributes.replacement"], range)
    elseif name == "execution_type" and TURNED_DOWN[range:uint()] then
        item:add_proto_expert_info(X.reject)
    elseif name == "reserved" and not all_zero(range) then
        item:add_proto_expert_info(X.reserved)
    elseif name == "timestamp_nanos" then
        item:add(F["timestamp"], range, nanos_time(range:le_uint64())):set_generated()
    elseif name == "expiry_seconds" and range:le_uint() ~= 0 then
        item:add(F["expiry"], range, NSTime.new(range:le_uint(), 0)):set_generated()
    end
end

-- "ExecutionReport traded sell 10 @ -7, order 42"
local function summary(layout, range)
    local at = {}
    for _, entry in ipairs(layout) do at[entry[1]] = range(entry[2], entry[3]) end
    local text = layout.name
    local what = at.execution_type and EVENT_KINDS[at.execution_type:uint()]
        or at.kind and PUBLIC_KINDS[at.kind:uint()]
    if what then text = text .. " " .. what end
    local side = at.side and at.side:uint() or at.attributes and at.attributes:uint() % 2
    if side then text = text .. " " .. (SIDES[side] or "side " .. side) end
    local lots = at.quantity_lots or at.total_lots
    if lots then text = text .. " " .. tostring(lots:le_uint64()) end
    if at.price_ticks then text = text .. " @ " .. tostring(at.price_ticks:le_int64()) end
    local order = at.order_id or at.new_order_id
    if order then text = text .. ", order " .. tostring(order:le_uint64()) end
    if at.reason and at.reason:uint() ~= 0 then
        text = text .. ", " .. (REASONS[at.reason:uint()] or "reason " .. at.reason:uint())
    end
    return text
end

local function add_message(tree, range, kind, sequence)
    local layout = LAYOUTS[kind]
    local item = tree:add(F["message"], range)
    item:set_text(summary(layout, range))
    if sequence then item:add(F["message_sequence"], range(0, 1), sequence):set_generated() end
    for _, entry in ipairs(layout) do
        local part = range(entry[2], entry[3])
        local child = item:add_le(F[entry[1]], part)
        add_detail(child, entry[1], part, kind)
    end
    if GAPS[kind] then item:add_proto_expert_info(X.gap) end
end

local function first_sequence(buffer)
    local channel = buffer(1, 1):uint()
    if channel == PUBLIC_CHANNEL then return buffer(16, 8):le_uint64() end
    if channel == 3 then return nil end
    return UInt64.new(buffer(16, 4):le_uint())
end

-- Adds the messages; gives their names, each with how often it comes.
local function add_messages(root, buffer)
    local channel, count = buffer(1, 1):uint(), buffer(2, 2):le_uint()
    local offset, names, sequence = HEADER_BYTES, {}, first_sequence(buffer)
    if channel == 3 and count ~= 1 then root:add_proto_expert_info(X.count) end
    for index = 0, count - 1 do
        if offset >= buffer:len() then
            root:add_proto_expert_info(X.cut)
            return names
        end
        local kind = buffer(offset, 1):uint()
        local layout = LAYOUTS[kind]
        if not layout then
            root:add(F["type"], buffer(offset, 1)):add_proto_expert_info(X.kind)
            return names
        end
        if offset + layout.bytes > buffer:len() then
            root:add(F["type"], buffer(offset, 1)):add_proto_expert_info(X.cut)
            return names
        end
        if layout.channel ~= channel then root:add_proto_expert_info(X.place) end
        add_message(root, buffer(offset, layout.bytes), kind, sequence and sequence + index)
        if #names > 0 and names[#names].name == layout.name then
            names[#names].times = names[#names].times + 1
        else
            names[#names + 1] = { name = layout.name, times = 1 }
        end
        offset = offset + layout.bytes
    end
    if offset < buffer:len() then
        root:add(F["reserved"], buffer(offset)):add_proto_expert_info(X.rest)
    end
    return names
end

local function info(buffer, names)
    local channel = buffer(1, 1):uint()
    local sequence = first_sequence(buffer)
    local text = string.format("%s %d", CHANNELS[channel],
        buffer(4, 4):le_uint())
    if sequence then text = text .. " seq " .. tostring(sequence) end
    if #names == 0 and buffer(2, 2):le_uint() == 0 then return text .. " heartbeat" end
    for _, entry in ipairs(names) do
        text = text .. " " .. entry.name .. (entry.times > 1 and " x" .. entry.times or "")
    end
    return text
end

function needletail.dissector(tvb, pinfo, tree)
    local buffer = tvb:range()
    pinfo.cols.protocol = "Needletail"
    local root = tree:add(needletail, buffer)
    if buffer:len() < HEADER_BYTES then
        root:add_proto_expert_info(X.short)
        pinfo.cols.info = "malformed: shorter than a header"
        return buffer:len()
    end
    add_header(root, buffer)
    local wrong = buffer(0, 1):uint() ~= VERSION and X.version
        or not CHANNELS[buffer(1, 1):uint()] and X.channel
    if wrong then
        root:add_proto_expert_info(wrong)
        pinfo.cols.info = "malformed: unknown version or channel"
        return buffer:len()
    end
    local names = add_messages(root, buffer)
    pinfo.cols.info = info(buffer, names)
    return buffer:len()
end

-- A datagram is ours when the header is sound and its messages fill it to the last byte.
local function looks_like_ours(tvb)
    local buffer = tvb:range()
    local length = buffer:len()
    if length < HEADER_BYTES or buffer(0, 1):uint() ~= VERSION then return false end
    local channel, count = buffer(1, 1):uint(), buffer(2, 2):le_uint()
    if not CHANNELS[channel] or buffer(14, 2):le_uint() > 1 then return false end
    local offset = HEADER_BYTES
    for _ = 1, count do
        if offset >= length then return false end
        local layout = LAYOUTS[buffer(offset, 1):uint()]
        if not layout or layout.channel ~= channel then return false end
        offset = offset + layout.bytes
    end
    return offset == length
end

needletail:register_heuristic("udp", function(tvb, pinfo, tree)
    if tvb:len() < HEADER_BYTES or not looks_like_ours(tvb) then return false end
    needletail.dissector(tvb, pinfo, tree)
    return true
end)

local udp_ports = DissectorTable.get("udp.port")
local registered = needletail.prefs.ports
udp_ports:add(registered, needletail)

function needletail.prefs_changed()
    if registered == needletail.prefs.ports then return end
    udp_ports:remove(registered, needletail)
    registered = needletail.prefs.ports
    udp_ports:add(registered, needletail)
end
