//! The balance, as tables: what comes in, what it pays, and what comes back (R72, D12).

use super::receive;
use super::testing::script::{check, check_from};
use super::testing::wallet::{Wallet, amount, bound_card, identity};
use crate::event::{Event, FundsKind, Review, UnbindDecided, WalletRegion};
use crate::identity::DocumentType;
use crate::refusal::ReceiveRefusal as Reason;
use crate::rules::unbind;

/// An account to which money comes, with all of that wrong.
fn received(wrong: &[Reason]) -> Option<Reason> {
    let is = |reason| wrong.contains(&reason);
    let mut wallet = Wallet::open(WalletRegion::Mainland);
    if !is(Reason::WalletNotVerified) {
        let card = bound_card(1, wallet.now);
        let document = if is(Reason::IdentityNotPermitted) {
            DocumentType::Passport
        } else {
            DocumentType::TaiwanTravelPermit
        };
        let name = card.token;
        wallet.bound(card, identity(document), Review::NotRequired);
        if is(Reason::NoBoundCard) {
            let Wallet {
                account,
                policy,
                now,
                ..
            } = &wallet;
            let (outcome, password) = unbind::decide(account, name, true, policy, *now);
            wallet.record(Event::UnbindDecided(Box::new(UnbindDecided {
                card: name,
                password,
                outcome,
            })));
        }
    }
    let decided = receive::decide(&wallet.account, FundsKind::RedPacket, amount("5.00"));
    decided.outcome.err().map(|refused| refused.reason)
}

/// R72b: all eight ways of being wrong, in the published order.
#[test]
fn r72_c1b_of_all_that_is_wrong_with_a_receipt_of_funds_the_first_is_named() {
    for ways in 0_u8..8 {
        let wrong: Vec<_> = Reason::ALL
            .iter()
            .enumerate()
            .filter(|(place, _)| ways & (1 << place) != 0)
            .map(|(_, &reason)| reason)
            .collect();
        assert_eq!(received(&wrong), wrong.first().copied(), "{wrong:?}");
    }
}

/// R72b: which documents receive.
#[test]
fn r72_every_document_but_a_passport_receives() {
    for document in DocumentType::ALL {
        let mut wallet = Wallet::open(WalletRegion::Mainland);
        let card = bound_card(1, wallet.now);
        wallet.bound(card, identity(document), Review::Approved);
        for kind in [FundsKind::RedPacket, FundsKind::Transfer] {
            let decided = receive::decide(&wallet.account, kind, amount("5.00"));
            let permitted = document != DocumentType::Passport;
            assert_eq!(decided.outcome.is_ok(), permitted, "{document:?} {kind:?}");
        }
    }
}

/// R72b, D12: a card is needed to receive, not to spend.
#[test]
fn r72_d12_money_comes_in_while_a_card_is_bound_and_stays_when_it_goes() {
    check_from(
        Wallet::verified(),
        "receive 5.00 kind red_packet => received, balance 5.00
         receive 0.01 kind transfer => received, balance 5.01
         unbind => unbound
         receive 1.00 => NO_BOUND_CARD
         look => balance 5.01
         pay 5.00 from balance => approved, fee 0.00, balance 0.01",
    );
    check(
        "receive 1.00 => WALLET_NOT_VERIFIED
         pay 1.00 from balance => WALLET_NOT_VERIFIED
         look => balance 0.00",
    );
}

/// D12: exactly what there is can be spent, and not one fen more.
#[test]
fn d12_the_balance_can_be_spent_to_its_last_fen_and_no_further() {
    check_from(
        Wallet::verified(),
        "pay 0.01 from balance => BALANCE_INSUFFICIENT, observed 0.01, limit 0.00, remaining 0.00, at most 0.00, retry ReduceAmount, layer Wallet
         receive 100.00 => received
         pay 100.01 from balance => BALANCE_INSUFFICIENT, observed 100.01, limit 100.00, remaining 100.00, at most 100.00
         pay 99.99 from balance => approved, balance 0.01
         pay 0.02 from balance => BALANCE_INSUFFICIENT, remaining 0.01
         pay 0.01 from balance => approved, balance 0.00
         pay 0.01 from balance => BALANCE_INSUFFICIENT, remaining 0.00
         look => balance 0.00",
    );
}

/// D12: no fee, and neither the limits of cards nor any other amount stops it.
#[test]
fn d12_the_balance_has_no_fee_and_counts_in_no_limit() {
    check_from(
        Wallet::verified(),
        "at 2024-01-10 12:00
         receive 70000.00 => received
         pay 6000.01 from balance => approved, fee 0.00, month 0.00, year 0.00, balance 63999.99
         pay 60000.00 from balance => approved, fee 0.00
         look => month 0.00, year 0.00, balance 3999.99
         pay 6000.00 times 8 => approved
         pay 2000.00 => approved, month 50000.00
         pay 0.01 => LIMIT_MONTH
         pay 300.00 from balance => approved, fee 0.00, month 50000.00, balance 3699.99
         look => month 50000.00",
    );
}

/// R72b: red packets and transfers can be sent from it; R72: what takes a mainland debit card
/// cannot.
#[test]
fn r72_d12_scenes_of_the_balance_and_of_a_card() {
    check_from(
        Wallet::verified(),
        "receive 100.00 => received
         pay 10.00 from balance scene red_packet => approved, fee 0.00, balance 90.00
         pay 10.00 from balance scene transfer => approved, balance 80.00
         pay 10.00 from balance => approved, balance 70.00
         pay 10.00 from balance scene top_up => SCENE_NOT_PERMITTED, retry OtherMethod
         pay 10.00 from balance scene wealth_product => SCENE_NOT_PERMITTED
         pay 10.00 scene red_packet => SCENE_NOT_PERMITTED
         pay 10.00 scene transfer => SCENE_NOT_PERMITTED
         pay 10.00 scene top_up => SCENE_NOT_PERMITTED
         pay 10.00 scene wealth_product => SCENE_NOT_PERMITTED
         look => balance 70.00, month 0.00",
    );
}

/// R72: a passport holder has no balance to spend.
#[test]
fn r72_d12_a_passport_holder_neither_receives_nor_pays_from_the_balance() {
    let mut wallet = Wallet::open(WalletRegion::Mainland);
    let card = bound_card(1, wallet.now);
    wallet.bound(card, identity(DocumentType::Passport), Review::Approved);
    check_from(
        wallet,
        "receive 1.00 => IDENTITY_NOT_PERMITTED
         pay 1.00 from balance => BALANCE_NOT_PERMITTED, retry OtherMethod
         pay 1.00 from balance scene transfer => BALANCE_NOT_PERMITTED
         show barcode 1 from balance => shown
         scan 1.00 barcode 1 => BALANCE_NOT_PERMITTED
         scan 1.00 barcode 1 => PAYMENT_CODE_USED
         pay 1.00 => approved",
    );
}

/// D13: what is given back comes to the balance, and no limit is touched.
#[test]
fn d12_d13_a_reversal_gives_back_to_the_balance_and_to_no_limit() {
    check_from(
        Wallet::verified(),
        "receive 300.00 => received
         pay 40.00 => approved, month 40.00
         pay 250.00 from balance => approved, fee 0.00, balance 50.00
         reverse 60.00 => reversed, amount 60.00, fee 0.00, remaining 190.00, balance 110.00, month restored false, year restored false
         look => balance 110.00, month 40.00
         reverse 190.01 => EXCEEDS_REMAINING
         pay 110.00 from balance => approved, balance 0.00
         reverse payment 2 => reversed, amount 190.00, balance 190.00, remaining 0.00
         reverse payment 2 => ALREADY_REVERSED
         look => balance 190.00, month 40.00, year 40.00",
    );
}

/// D13: so does a refund, whatever the policy says of limits.
#[test]
fn d12_d13_a_refund_gives_back_to_the_balance_too() {
    check_from(
        Wallet::verified(),
        "refunds-restore
         receive 100.00 => received
         pay 7.00 => approved
         pay 100.00 from balance => approved, balance 0.00
         settle => settled, amount 100.00, fee 0.00
         refund 30.00 => reversed, balance 30.00, month restored false
         look => balance 30.00, month 7.00",
    );
}

/// C2: what is held is spent until its call ends, and comes back if it ends in nothing.
#[test]
fn c2_d12_a_hold_on_the_balance_that_is_void_gives_it_back() {
    check_from(
        Wallet::verified(),
        "receive 10.00 => received
         hold 6.00 from balance => held
         look => balance 4.00
         pay 4.01 from balance => BALANCE_INSUFFICIENT
         receive 1.00 => received, balance 5.00
         answer issuer unavailable => ISSUER_UNAVAILABLE
         look => balance 11.00, month 0.00
         hold 11.00 from balance => held
         answer => approved, balance 0.00",
    );
}

/// R42, D10: password, token and code prove it as for a card.
#[test]
fn r42_d10_d12_the_balance_is_paid_from_with_password_token_or_code() {
    check_from(
        Wallet::verified(),
        "receive 10.00 => received
         pay 1.00 from balance password 2 => PASSWORD_WRONG
         verify 1.00 token 1 from balance => verified
         pay 1.00 token 1 from balance => approved, balance 9.00
         pay 1.00 token 1 from balance => PAYMENT_TOKEN_USED
         show barcode 1 from balance => shown
         unbind => unbound
         scan 9.01 barcode 1 => BALANCE_INSUFFICIENT
         show barcode 2 from balance => shown
         scan 9.00 barcode 2 => approved, fee 0.00, balance 0.00",
    );
}

/// D9, R60: what is wrong with a card, or with taking cards, is no matter of the balance.
#[test]
fn d9_d12_the_risk_of_a_card_does_not_stop_the_balance() {
    check_from(
        Wallet::verified(),
        "receive 10.00 => received
         share
         pay 1.00 => RISK_CARD_SHARED
         pay 1.00 from balance => approved
         look => tickets 1",
    );
}
