//! The columns of an export, in their order. New ones come at the end: programs know the others
//! by their places.

use crate::inspect::table::columns;

columns! {
    /// An entry as a row. What it does not have is absent.
    struct Row {
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
        /// What was decided: approved, declined, sent, bound, unbound, reversed, refunded, settled,
        /// `recorded_ahead`, cleared, upheld, verified, changed, reset, `ticket_opened`, taken,
        /// issued, received, agreed, diverged or refused.
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
        /// Name of the policy that decided, or that an operator stored, activated or shadowed.
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
        /// Until when the phone code, the payment token or the payment code can be used.
        expires_at: Text,
        /// The wallet's region, which counts only if this opened the account or switched it.
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
        /// Where the money comes from: card, balance, or unknown for a payment code that is none
        /// of ours (D12).
        funding: Text,
        /// What is left of the balance afterwards.
        balance_left_fen: Integer,
        /// When the payment settles by its age (D25).
        settles_at: Text,
        /// What a payment was made with, as far as it came to that: password, token or code.
        credential: Text,
        /// The step before this one in the payment's time line, by its sequence.
        previous_step: Integer,
        /// What was seen of the card's data or the document that shall reset a password: matched or
        /// wrong.
        proof_check: Text,
        /// Wrong tries since the last right one.
        proof_wrong_tries: Integer,
        /// Set by the try that locks it.
        proof_locked_until: Text,
        /// The request to reset a password.
        password_ticket: Text,
        /// Where that request stands: open, approved or rejected.
        ticket_state: Text,
        /// The document of the request is the one that the wallet was verified with.
        identity_matches: Truth,
        /// The password was locked before an operator unlocked it.
        was_locked: Truth,
        /// What a photo for the review shows.
        material: Text,
        /// The photo's length.
        photo_bytes: Integer,
        /// What came into the balance: `red_packet` or transfer.
        funds_kind: Text,
        /// The file of the policy that was stored.
        policy_text: Text,
        /// What the issuer knows the payment or the verification debit by.
        transaction_id: Text,
        /// What the issuer is owed from here on: `no_answer`, reversal, refund, verification or
        /// `stand_in` (D16, D17).
        advice_owed: Text,
        /// The sequence of the entry since which that was owed which the issuer has taken.
        owed_by: Integer,
        /// Waika approved in the issuer's place (D17).
        stood_in: Truth,
        /// What an operator has changed, as a JSON array of objects with field, before and after; empty if
        /// nothing.
        changes: Text,
    }
}
