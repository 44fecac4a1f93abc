// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A record, read where it lies in the log.
///
/// SAFETY: the pointer is the caller's, valid until `Engine.apply` returns; no view outlives that
/// call, and nothing is written through it.
@safe struct RecordView {
    private let pointer: UnsafePointer<LogRecord>

    @inline(__always) init(_ pointer: UnsafePointer<LogRecord>) { unsafe self.pointer = pointer }

    @inline(__always) var record: LogRecord { unsafe pointer.pointee }
    @inline(__always) var sequence: UInt64 { unsafe pointer.pointee.sequence }
    @inline(__always) var session: UInt32 { unsafe pointer.pointee.session }
    @inline(__always) var sessionSequence: UInt32 { unsafe pointer.pointee.sessionSequence }
    @inline(__always) var orderID: UInt64 { unsafe pointer.pointee.orderID }
    @inline(__always) var priceTicks: Int64 { unsafe pointer.pointee.priceTicks }
    @inline(__always) var quantityLots: UInt64 { unsafe pointer.pointee.quantityLots }
    @inline(__always) var account: UInt32 { unsafe pointer.pointee.account }
    @inline(__always) var instrument: UInt32 { unsafe pointer.pointee.instrument }
    @inline(__always) var kind: CommandKind { unsafe pointer.pointee.kind }
    @inline(__always) var attributes: OrderAttributes { unsafe pointer.pointee.attributes }
    @inline(__always) var flags: UInt16 { unsafe pointer.pointee.flags }
    @inline(__always) var isPair: Bool { unsafe pointer.pointee.isPair }

    /// The id of the order that a cancel, reduce or replace looks for.
    @inline(__always) var heldOrderID: UInt64 {
        kind == .replaceOrder ? unsafe pointer.pointee.originalOrderID : orderID
    }

    /// As the second record of an order.
    var orderContinuation: OrderContinuation {
        unsafe UnsafeRawPointer(pointer).load(as: OrderContinuation.self)
    }
}
