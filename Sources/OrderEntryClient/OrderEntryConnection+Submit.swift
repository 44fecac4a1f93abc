// SPDX-License-Identifier: Apache-2.0
public import Wire

// What the owner asks of the session, through the connection: false when it is not open or its
// window is full. Messages go out with the next `poll` or `send`.
extension OrderEntryConnection {
    /// Queues an order.
    public mutating func submit(_ message: NewOrder) -> Bool { session.submit(message) }
    /// Queues a cancel.
    public mutating func submit(_ message: CancelOrder) -> Bool { session.submit(message) }
    /// Queues a replace.
    public mutating func submit(_ message: ReplaceOrder) -> Bool { session.submit(message) }
    /// Queues a reduce.
    public mutating func submit(_ message: ReduceOrder) -> Bool { session.submit(message) }
    /// Queues a mass cancel.
    public mutating func submit(_ message: MassCancel) -> Bool { session.submit(message) }
    /// Queues a mass cancel of an account's orders.
    public mutating func submit(_ message: MassCancelByAccount) -> Bool {
        session.submit(message)
    }
    /// Queues an order with rare fields.
    public mutating func submit(_ message: NewOrderExtended) -> Bool { session.submit(message) }
    /// Queues the end of the session.
    public mutating func submit(_ message: Logout) -> Bool { session.submit(message) }
}
