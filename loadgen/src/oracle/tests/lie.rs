//! What a server can do wrong.

/// What a server does wrong, of one key in seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lie {
    /// An approval is not counted.
    ForgottenReservation,
    /// A replay is counted once more.
    ReplayCounted,
    /// A reversal gives room back to the month that is open, although its own is over.
    WrongMonth,
    /// The same, and it says so.
    WrongMonthTold,
    /// One fen too much.
    Fee,
    /// One fen too much given back.
    FeeBack,
    /// A payment is lost from the list.
    Lost,
    /// A payment is listed twice.
    Twice,
    /// A replay is not what was told before.
    OtherBody,
    /// A key has a second effect.
    SecondEffect,
    /// A payment that fits is declined.
    EarlyDecline,
    /// Four cards may be bound.
    FourthCard,
    /// A refund gives room back.
    RefundRestores,
    /// A wrong password pays.
    Password,
}
