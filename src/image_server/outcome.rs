//! How a request to the image server can end.

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CloseReason {
    /// Everything was sent and acknowledged, and the client closed in good order.
    Complete,
    /// The connection was cut before that.
    Reset,
    /// The client was too slow to take the answer.
    TooSlow,
    /// Everything was sent, but the client did not close within its time, so nothing is proven.
    Unconfirmed,
}
