//! Resetting a forgotten password by both routes of the guide, as tables (R45 to R47, D23). The
//! order of the ladder is in `reset_ladder_tests.rs`.

use super::reset;
use super::testing::script::{check, check_from};
use super::testing::wallet::{Wallet, bound_card, identity, person};
use crate::event::{
    Event, PasswordEffect, PasswordResetDecided, PasswordTicketState, PhoneCodeEffect, ResetStep,
    Review,
};
use crate::identifiers::TicketId;
use crate::identity::DocumentType;

/// R46, D23: a document, an operator's look, and the call again.
#[test]
fn r46_d23_without_a_card_an_operator_looks_before_the_password_is_set() {
    check_from(
        Wallet::verified(),
        "unbind => unbound
         reset person 1 new 2 => ticket opened, matches true
         reset person 1 new 2 => TICKET_OPEN
         reset person 2 new 2 => TICKET_OPEN
         look => password 1, password ticket Some(Open)
         grant => resolved, ticket Approved
         grant => nothing to resolve, ticket Approved
         deny => nothing to resolve, ticket Approved
         reset person 2 new 3 => IDENTITY_DIFFERS
         reset person 1 new 3 again 4 => PASSWORDS_DIFFER
         look => password 1, password ticket Some(Approved)
         reset person 1 new 3 => reset
         look => password 3, password ticket None
         grant => no ticket",
    );
}

/// R46: whoever holds an approval cannot guess the document that it was given for.
#[test]
fn r46_five_wrong_documents_lock_the_reset_for_half_an_hour() {
    check_from(
        Wallet::verified(),
        "unbind => unbound
         at 2024-01-10 12:00
         reset person 1 => ticket opened, matches true
         grant => resolved, ticket Approved
         reset person 2 times 5 => IDENTITY_DIFFERS
         reset person 1 new 3 => RESET_LOCKED, until 2024-01-10 12:30:00
         at 2024-01-10 12:30
         reset person 2 => IDENTITY_DIFFERS
         reset person 1 new 3 => reset
         look => password 3, wrong card data 0",
    );
}

/// R46: the document may be another than the wallet's: the operator is told, and cannot say yes.
#[test]
fn r46_a_ticket_tells_whether_the_document_is_the_wallet_s() {
    check_from(
        Wallet::verified(),
        "unbind => unbound
         reset person 2 => ticket opened, matches false
         grant => nothing to resolve, ticket Open
         reset person 2 => TICKET_OPEN
         deny => resolved, ticket Rejected
         reset person 2 => TICKET_REJECTED
         look => password ticket None
         reset person 1 => ticket opened, matches true",
    );
}

/// R46: whoever mistyped the document is told of the rejection with the right one too: else they
/// could never ask again.
#[test]
fn r46_a_rejection_is_told_once_whatever_document_comes() {
    check_from(
        Wallet::verified(),
        "unbind => unbound
         reset person 2 => ticket opened, matches false
         deny => resolved, ticket Rejected
         grant => nothing to resolve, ticket Rejected
         reset person 1 again 3 => PASSWORDS_DIFFER
         reset person 1 => TICKET_REJECTED
         reset person 1 => ticket opened, matches true
         grant => resolved
         reset person 1 => reset
         look => password 2",
    );
}

/// R47, D23: a bound card proves more than a form.
#[test]
fn r47_d23_with_a_card_bound_the_form_is_refused() {
    check_from(
        Wallet::verified(),
        "reset person 1 => CARD_BOUND
         look => password ticket None",
    );
}

#[test]
fn r46_r47_a_wallet_without_a_password_has_none_to_reset() {
    check(
        "reset person 1 => WALLET_NOT_VERIFIED
         code => sent
         reset by card card 1 => WALLET_NOT_VERIFIED
         look => codes 1, password ticket None",
    );
}

/// R47: the whole data of a card that is bound, a phone code, and the new password twice.
#[test]
fn r47_d23_a_bound_card_s_data_and_a_phone_code_reset_the_password() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         reset by card => PHONE_CODE_NONE
         code => sent
         reset by card code wrong => PHONE_CODE_WRONG
         reset by card new 3 => reset
         look => password 3, cards 1
         pay 1.00 password 1 => PASSWORD_WRONG
         pay 1.00 password 3 => approved
         reset by card new 4 => PHONE_CODE_SPENT
         at 2024-01-10 12:01
         code => sent
         reset by card new 4 again 5 => PASSWORDS_DIFFER
         reset by card new 4 => PHONE_CODE_SPENT
         at 2024-01-10 12:02
         code => sent
         at 2024-01-10 12:07
         reset by card new 4 => PHONE_CODE_EXPIRED
         look => password 3",
    );
}

/// R21, R47: number, scheme, expiry and phone are compared with the card that was chosen: whoever
/// has read a card can have a code sent to a phone of their own.
#[test]
fn r47_any_data_that_are_not_the_chosen_card_s_are_wrong() {
    let mut wallet = Wallet::verified();
    let second = bound_card(2, wallet.now);
    let holder = identity(DocumentType::TaiwanTravelPermit);
    wallet.bound(second, holder, Review::NotRequired);
    check_from(
        wallet,
        "code => sent
         reset by card card 1 number 2 => CARD_DATA_WRONG, 1 of 5
         reset by card card 1 scheme jcb => CARD_DATA_WRONG, 2 of 5
         reset by card card 1 expiry other => CARD_DATA_WRONG, 3 of 5
         reset by card card 2 number 1 => CARD_DATA_WRONG, 4 of 5
         look => wrong card data 4, wrong passwords 0
         reset by card card 9 => CARD_NOT_BOUND
         look => wrong card data 4
         reset by card card 2 => reset
         code phone 2 => sent
         reset by card card 1 phone 2 => CARD_DATA_WRONG, 1 of 5
         look => wrong card data 1
         at 2024-01-10 12:10
         code => sent
         reset by card card 1 => reset
         look => wrong card data 0",
    );
}

/// R47: card data can be guessed, so they lock as the password does.
#[test]
fn r47_five_wrong_proofs_lock_the_reset_for_half_an_hour() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         reset by card number 2 times 4 => CARD_DATA_WRONG
         reset by card number 2 => CARD_DATA_WRONG, 5 of 5
         reset by card => RESET_LOCKED, until 2024-01-10 12:30:00
         reset by card card 9 => RESET_LOCKED
         pay 1.00 => approved
         code => sent
         at 2024-01-10 12:29:59.999
         reset by card number 2 times 3 => RESET_LOCKED, until 2024-01-10 12:30:00
         at 2024-01-10 12:30
         look => wrong card data 0
         code => sent
         reset by card number 2 => CARD_DATA_WRONG, 1 of 5
         reset by card => reset
         look => wrong card data 0",
    );
}

/// D7: unlocked by reset.
#[test]
fn d7_a_reset_unlocks_and_ends_what_stood_for_the_old_password() {
    check_from(
        Wallet::verified(),
        "verify 5.00 token 1 => verified
         show barcode 1 => shown
         code => sent
         pay 1.00 password 2 times 5 => PASSWORD_WRONG
         pay 1.00 => PASSWORD_LOCKED
         reset by card new 3 => reset
         look => wrong passwords 0, tokens 0, barcodes 0
         pay 5.00 token 1 => PAYMENT_TOKEN_EXPIRED
         scan 5.00 barcode 1 => PAYMENT_CODE_INVALID
         pay 1.00 password 3 => approved",
    );
    check_from(
        Wallet::verified(),
        "unbind => unbound
         verify 5.00 password 2 times 5 => PASSWORD_WRONG
         reset person 1 new 3 => ticket opened
         look => wrong passwords 5
         grant => resolved
         verify 5.00 => PASSWORD_LOCKED
         reset person 1 new 3 => reset
         verify 5.00 password 3 => verified",
    );
}

/// R39, R47, D23: a card that is bound is verified again and not bound again.
#[test]
fn r39_d23_a_reset_by_card_does_not_count_towards_the_cap_of_three() {
    let mut wallet = Wallet::verified();
    let holder = identity(DocumentType::TaiwanTravelPermit);
    for card in 2..=3 {
        let card = bound_card(card, wallet.now);
        wallet.bound(card, holder, Review::NotRequired);
    }
    check_from(
        wallet,
        "code phone 1 => sent
         look => cards 3
         bind card 4 phone 1 => CARD_CAP_REACHED, 3 of 3
         reset by card card 3 phone 1 new 2 => reset
         look => cards 3, slots held 0, password 2",
    );
}

/// D23: once a card is bound again, the other route is the way, and it ends the ticket.
#[test]
fn d23_a_ticket_waits_while_a_card_is_bound_and_ends_with_the_password() {
    check_from(
        Wallet::verified(),
        "unbind => unbound
         reset person 1 => ticket opened
         at 2024-01-10 12:00
         code phone 2 => sent
         bind card 1 phone 2 => bound
         reset person 1 => TICKET_OPEN
         grant => resolved
         reset person 1 => CARD_BOUND
         at 2024-01-10 12:01
         code phone 2 => sent
         reset by card phone 2 new 3 => reset
         look => password 3, password ticket None",
    );
}

/// Who remembers the password after all, and changes it, leaves no approved request behind that
/// could set another.
#[test]
fn r45_r46_a_change_of_the_password_ends_the_ticket() {
    check_from(
        Wallet::verified(),
        "unbind => unbound
         reset person 1 new 3 => ticket opened
         grant => resolved, ticket Approved
         change password 1 new 2 => changed
         look => password 2, password ticket None
         reset person 1 new 3 => ticket opened
         look => password 2, password ticket Some(Open)",
    );
}

/// A verdict names the ticket that it is about.
#[test]
fn r46_a_ticket_is_resolved_by_its_own_name_only() {
    let mut wallet = Wallet::verified();
    let unknown = TicketId::from_sequence(99);
    assert!(reset::resolve_ticket(&wallet.account, unknown, true).is_none());
    let opened = ResetStep::TicketOpened {
        document: person(1),
        matches: true,
    };
    let sequence = wallet.record(Event::PasswordResetDecided(Box::new(
        PasswordResetDecided {
            wrong_proofs: PasswordEffect::Untouched,
            phone_code: PhoneCodeEffect::Untouched,
            outcome: Ok(opened),
        },
    )));
    let ticket = *wallet.account.password_ticket().unwrap();
    assert_eq!(ticket.id.sequence(), sequence);
    assert_eq!(ticket.opened_at, wallet.now);
    assert!(reset::resolve_ticket(&wallet.account, unknown, true).is_none());
    let resolved = reset::resolve_ticket(&wallet.account, ticket.id, true).unwrap();
    assert_eq!(resolved.ticket.state, PasswordTicketState::Approved);
}
