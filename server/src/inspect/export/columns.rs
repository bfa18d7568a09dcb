//! The columns of an export, in their order: the one table that every format is made from.

use std::borrow::Cow;

use serde::ser::{Serialize, Serializer};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Text,
    Truth,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

/// A value in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    Absent,
    Integer(i64),
    Text(&'a str),
    Truth(bool),
}

/// Writes the columns and the fields of a row from one table, so that they cannot drift apart.
macro_rules! columns {
    (@ Integer) => { i64 };
    (@ Text) => { Cow<'static, str> };
    (@ Truth) => { bool };
    ($($(#[$doc:meta])* $name:ident: $kind:ident,)*) => {
        /// An entry as a row. What it does not have is absent.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub(super) struct Row {
            $($(#[$doc])* pub(super) $name: Option<columns!(@ $kind)>,)*
        }

        impl Row {
            /// The columns in their order.
            pub(super) const COLUMNS: &[Column] = &[
                $(Column { name: stringify!($name), kind: Kind::$kind },)*
            ];

            /// The values in the order of the columns.
            pub(super) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
                [$(Cell::from(&self.$name),)*].into_iter()
            }
        }
    };
}

columns! {
    /// Its place in the journal.
    sequence: Integer,
    /// The sequence of the account's entry before it.
    previous: Integer,
    /// When it was decided, RFC 3339 in UTC.
    at: Text,
    /// The account that it happened to.
    account: Text,
    /// The call that caused it; absent for what the server did by itself.
    rpc: Text,
    /// Who called.
    caller: Text,
    /// The call's idempotency key.
    key: Text,
    /// What happened.
    kind: Text,
    /// The card's name in the account.
    card_token: Text,
    /// The merchant's id.
    merchant: Text,
    /// What the money is for.
    scene: Text,
    /// How the payment was begun.
    mode: Text,
    /// Principal.
    amount_fen: Integer,
    /// Fee.
    fee_fen: Integer,
    /// Principal and fee (D3).
    total_fen: Integer,
    /// The month that it is counted in, such as `2024-02` (D1).
    month: Text,
    /// The year that it is counted in.
    year: Integer,
    /// Used of the month's limit, this payment included.
    month_used_fen: Integer,
    /// Used of the year's limit, this payment included.
    year_used_fen: Integer,
    /// The month's limit.
    month_limit_fen: Integer,
    /// The year's limit.
    year_limit_fen: Integer,
    /// What was decided: approved, declined, sent, bound, unbound, reversed, `recorded_ahead`,
    /// cleared, upheld or refused.
    decision: Text,
    /// Why not, by its name in the contract.
    reason: Text,
    /// Who said no.
    layer: Text,
    /// ISO 8583 response code (DE39) of the reason.
    response_code: Text,
    /// What was seen, for a reason that is not about an amount.
    observed: Text,
    /// What would have been accepted.
    required: Text,
    /// The amount that was above a limit.
    observed_fen: Integer,
    /// That limit.
    limit_fen: Integer,
    /// What was left of it.
    remaining_fen: Integer,
    /// The largest principal that would have passed.
    largest_approvable_fen: Integer,
    /// When it may pass again.
    resets_at: Text,
    /// Name of the policy that decided.
    policy: Text,
    /// The issuer's approval code (DE38).
    approval_code: Text,
    /// The decision's id in the contract.
    authorisation_id: Text,
    /// The sequence of the entry that the call began with.
    reserved_by: Integer,
    /// What was seen of the payment password: matched or wrong.
    password_check: Text,
    /// Wrong tries since the last right one (D7).
    password_wrong_tries: Integer,
    /// Set by the try that locks it.
    password_locked_until: Text,
    /// This bind set the payment password.
    password_was_set: Truth,
    /// What was seen of the phone code: used or wrong.
    phone_code_check: Text,
    /// Wrong tries of this code (D8).
    phone_code_wrong_tries: Integer,
    /// From when on another phone code may be asked for.
    resend_at: Text,
    /// Until when the phone code can be used.
    expires_at: Text,
    /// The wallet's region, which counts only if this opened the account.
    wallet_region: Text,
    /// The review's state afterwards.
    review: Text,
    /// An operator's verdict.
    approve: Truth,
    /// False if there was nothing to resolve.
    resolved: Truth,
    /// The card's first six digits.
    bin: Text,
    /// The card's last four digits.
    last_four: Text,
    /// The card's scheme.
    scheme: Text,
    /// Until when the card is valid, year and month.
    card_expiry: Text,
    /// The name on the card was the name on the document (D9).
    holder_matches: Truth,
    /// The type of the identity document.
    document: Text,
    /// The last day on which the document is valid.
    document_expires_on: Text,
    /// The merchant's name for people.
    merchant_name: Text,
    /// Where the merchant is.
    merchant_region: Text,
    /// What the merchant sells (ISO 18245).
    category_code: Text,
    /// The merchant takes international cards.
    international_cards: Truth,
    /// What the sandbox issuer thinks of the card.
    card_status: Text,
    /// The idempotency key of a payment that was reversed before it came (D31).
    original_key: Text,
    /// The reversal gave back to the month's window (D13).
    month_restored: Truth,
    /// The reversal gave back to the year's window (D13).
    year_restored: Truth,
    /// The risk ticket that was closed.
    risk_ticket: Text,
    /// What the sandbox's clock showed when it was set.
    clock_showed: Text,
    /// Its seconds in a second.
    clock_rate: Integer,
}

impl From<&Option<i64>> for Cell<'_> {
    fn from(value: &Option<i64>) -> Self {
        value.map_or(Self::Absent, Self::Integer)
    }
}

impl From<&Option<bool>> for Cell<'_> {
    fn from(value: &Option<bool>) -> Self {
        value.map_or(Self::Absent, Self::Truth)
    }
}

impl<'a> From<&'a Option<Cow<'static, str>>> for Cell<'a> {
    fn from(value: &'a Option<Cow<'static, str>>) -> Self {
        value.as_deref().map_or(Self::Absent, Self::Text)
    }
}

/// An object with what there is.
impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = Self::COLUMNS.iter().map(|column| column.name);
        let present = names.zip(self.cells());
        serializer.collect_map(present.filter(|(_, cell)| *cell != Cell::Absent))
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Truth(truth) => serializer.serialize_bool(*truth),
        }
    }
}
