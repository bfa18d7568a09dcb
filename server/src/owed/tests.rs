use super::*;
use waika_domain::event::OwedKind;
use waika_domain::money::Fen;

fn advice(id: u128, issuer: IssuerKind) -> OwedAdvice {
    OwedAdvice {
        owed: Owed {
            kind: OwedKind::NoAnswer,
            transaction: Transaction {
                id: TransactionId::from_number(id),
                issuer,
                scheme: Scheme::Visa,
            },
            amount: Fen::ZERO,
            principal: Fen::ZERO,
            original: None,
        },
        account: AccountId::parse("a").unwrap(),
        since: Timestamp::default(),
    }
}

fn taken(owed: &OwedAdvices) -> Vec<u64> {
    let (due, _) = owed.take_due();
    due.iter().map(|due| due.sequence).collect()
}

#[test]
fn waits_double_up_to_the_longest() {
    let waits = [1, 2, 3, 4, 5, 6, 7, 100].map(|failures| wait_after(failures).as_secs());
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
}

#[test]
fn d16_what_is_owed_is_sent_once_at_a_time_until_it_is_paid_off() {
    let owed = OwedAdvices::default();
    for sequence in [5, 6, 7] {
        owed.owe(sequence, advice(sequence.into(), IssuerKind::Remote));
        owed.owe(sequence, advice(99, IssuerKind::Remote));
    }
    assert_eq!(owed.len(), 3, "one event owes once");
    assert_eq!(taken(&owed), [5, 6, 7]);
    assert!(taken(&owed).is_empty(), "each is under way");
    let transaction = advice(5, IssuerKind::Remote).owed.transaction;
    owed.heard(transaction);
    owed.pay_off(5);
    owed.pay_off(5);
    let left: Vec<u64> = owed
        .all()
        .into_iter()
        .map(|(sequence, _)| sequence)
        .collect();
    assert_eq!(left, [6, 7]);
}

#[test]
fn d16_an_issuer_that_does_not_answer_is_tried_by_one_and_then_gets_all() {
    let owed = OwedAdvices::default();
    for sequence in 1..=3 {
        owed.owe(sequence, advice(sequence.into(), IssuerKind::Remote));
    }
    assert_eq!(taken(&owed), [1, 2, 3]);
    for sequence in [1, 2, 3] {
        owed.put_off(sequence, "nobody listens", false);
    }
    owed.owe(4, advice(4, IssuerKind::Remote));
    assert!(taken(&owed).is_empty(), "all wait now");
    let listed = owed.after(0, 9);
    assert_eq!(listed.len(), 4);
    assert_eq!(listed[0].attempts, 1);
    let untried = &listed[3];
    assert_eq!(untried.attempts, 0);
    assert_eq!(untried.last_error.as_deref(), Some("nobody listens"));
    assert!(untried.next_in > Duration::ZERO, "it waits with its lane");
    let (_, next) = owed.take_due();
    assert!(next.is_some_and(|next| next <= FIRST_WAIT));
    // Another lane does not wait for it.
    owed.owe(9, advice(9, IssuerKind::Sandbox));
    assert_eq!(taken(&owed), [9]);
    // It answers again: what was not tried goes at once, and the others when their time comes.
    owed.heard(advice(1, IssuerKind::Remote).owed.transaction);
    assert_eq!(taken(&owed), [4]);
}

#[test]
fn one_bank_that_is_away_holds_up_no_other_behind_its_lane() {
    let owed = OwedAdvices::default();
    for sequence in 1..=9 {
        owed.owe(sequence, advice(sequence.into(), IssuerKind::Remote));
    }
    assert_eq!(taken(&owed).len(), 9);
    for sequence in 1..=9 {
        if sequence % 2 == 0 {
            owed.put_off(sequence, "away", false);
        } else {
            owed.heard(advice(1, IssuerKind::Remote).owed.transaction);
            owed.pay_off(sequence);
        }
    }
    owed.owe(10, advice(10, IssuerKind::Remote));
    assert_eq!(taken(&owed), [10]);
}

#[test]
fn a_lane_has_only_so_many_under_way() {
    let owed = OwedAdvices::default();
    for sequence in 1..=100 {
        owed.owe(sequence, advice(sequence.into(), IssuerKind::Remote));
    }
    owed.owe(101, advice(101, IssuerKind::Sandbox));
    assert_eq!(taken(&owed).len(), lane::MOST_UNDER_WAY + 1);
    let (due, next) = owed.take_due();
    assert!(due.is_empty() && next.is_none(), "until one of them ends");
}

#[test]
fn a_snapshot_that_is_loaded_in_any_order_keeps_the_order_of_a_transaction() {
    for order in [[1, 2, 3], [3, 1, 2], [3, 2, 1], [2, 3, 1]] {
        let owed = OwedAdvices::default();
        for sequence in order {
            owed.restore(sequence, advice(7, IssuerKind::Remote));
        }
        for expected in 1..=3 {
            assert_eq!(taken(&owed), [expected], "{order:?}");
            owed.heard(advice(7, IssuerKind::Remote).owed.transaction);
            owed.pay_off(expected);
        }
    }
    // Replay owes the first again and pays it off.
    let owed = OwedAdvices::default();
    owed.restore(2, advice(7, IssuerKind::Remote));
    owed.owe(1, advice(7, IssuerKind::Remote));
    owed.pay_off(1);
    assert_eq!(taken(&owed), [2]);
    assert!(taken(&owed).is_empty(), "once");
}

#[test]
fn an_advice_that_is_answered_with_an_error_holds_up_no_other() {
    let owed = OwedAdvices::default();
    owed.owe(1, advice(1, IssuerKind::Remote));
    assert_eq!(taken(&owed), [1]);
    owed.put_off(1, "INVALID_ARGUMENT", true);
    owed.owe(2, advice(2, IssuerKind::Remote));
    assert_eq!(taken(&owed), [2]);
    assert!(taken(&owed).is_empty(), "the first has a wait of its own");
}

#[test]
fn advices_of_one_transaction_keep_their_order() {
    let owed = OwedAdvices::default();
    owed.owe(1, advice(7, IssuerKind::Remote));
    owed.owe(2, advice(7, IssuerKind::Remote));
    assert_eq!(taken(&owed), [1]);
    assert!(taken(&owed).is_empty());
    owed.heard(advice(7, IssuerKind::Remote).owed.transaction);
    owed.pay_off(1);
    let (due, _) = owed.take_due();
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].sequence, due[0].repeat), (2, false));
}
