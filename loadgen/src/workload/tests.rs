//! What the traffic of a run promises, whatever its shape.

use super::*;

fn traffic(spread: Spread, duplicates: u32) -> Workload {
    Workload::new(shape(spread, duplicates)).unwrap()
}

fn shape(spread: Spread, duplicates: u32) -> Shape {
    Shape {
        seed: 1,
        accounts: 10_000,
        merchants: 100,
        spread,
        amounts: Amounts::ByCategory(NonZeroU32::new(100).unwrap()),
        mix: Mix::default(),
        keys: None,
        duplicates,
        wrong_passwords: 0,
        month_ends_after: None,
    }
}

/// A little of everything.
const MIX: Mix = Mix {
    payment_code: 200_000,
    merchant_qr: 500_000,
    reversals: 100_000,
    refunds: 50_000,
    churn: 20_000,
};

#[test]
fn the_middle_purchase_is_about_sixty_yuan_and_most_have_no_fee() {
    let traffic = traffic(Spread::Zipf(0.5), 0);
    let mut amounts: Vec<u64> = (0..20_000).map(|i| traffic.request(i).amount_fen).collect();
    amounts.sort_unstable();
    let median = amounts[10_000];
    assert!((5_000..7_500).contains(&median), "median {median} fen");
    let free = amounts.partition_point(|&amount| amount <= 20_000);
    assert!(free > 17_000, "{free} of 20,000 at or below 200 yuan");
    assert!(
        amounts
            .iter()
            .all(|amount| (1..=MOST_FEN.into()).contains(amount))
    );
}

#[test]
fn popular_accounts_have_the_share_that_zipf_gives_them() {
    for (exponent, top) in [(0.5, 100), (1.0, 10), (1.2, 1)] {
        let traffic = traffic(Spread::Zipf(exponent), 0);
        let mut counts = vec![0_u32; 10_000];
        for index in 0..100_000 {
            counts[usize::try_from(traffic.request(index).account).unwrap()] += 1;
        }
        counts.sort_unstable_by(|left, right| right.cmp(left));
        let weights: Vec<f64> = (1..=10_000).map(|r| f64::from(r).powf(-exponent)).collect();
        let expected = weights[..top].iter().sum::<f64>() / weights.iter().sum::<f64>();
        let found = f64::from(counts[..top].iter().sum::<u32>()) / 100_000.0;
        let error = (found / expected - 1.0).abs();
        assert!(
            error < 0.08,
            "exponent {exponent}: {found} instead of {expected}"
        );
    }
}

#[test]
fn the_most_popular_accounts_are_not_neighbours() {
    let traffic = traffic(Spread::Zipf(1.2), 0);
    let first = traffic.scatter.apply(0);
    assert!(first.abs_diff(traffic.scatter.apply(1)) > 1);
}

#[test]
fn in_turn_uses_every_account_once_before_any_twice() {
    let traffic = traffic(Spread::InTurn, 0);
    let mut accounts: Vec<u64> = (0..10_000).map(|i| traffic.request(i).account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    assert_eq!(accounts.len(), 10_000);
}

#[test]
fn duplicates_are_as_many_as_asked_and_equal_what_they_repeat() {
    let traffic = traffic(Spread::Zipf(0.5), 20_000);
    let mut found = 0;
    for index in 0..50_000 {
        let request = traffic.request(index);
        if request.key != index {
            found += 1;
            assert!(request.key < index);
            assert_eq!(request, traffic.request(request.key));
        }
    }
    assert!(
        (850..1_150).contains(&found),
        "{found} duplicates of 50,000"
    );
}

#[test]
fn wrong_passwords_are_as_many_as_asked() {
    let mut shape = shape(Spread::InTurn, 0);
    shape.wrong_passwords = 100_000;
    let traffic = Workload::new(shape).unwrap();
    let wrong = (0..10_000)
        .filter(|&i| traffic.request(i).wrong_password)
        .count();
    assert!((900..1_100).contains(&wrong), "{wrong}");
}

#[test]
fn amounts_follow_the_category_or_are_fixed() {
    let mean = |amounts| {
        let shape = Shape {
            amounts,
            ..shape(Spread::InTurn, 0)
        };
        Workload::new(shape).unwrap().mean_fen()
    };
    let percent = |percent| Amounts::ByCategory(NonZeroU32::new(percent).unwrap());
    let ratio = mean(percent(300)) / mean(percent(100));
    assert!((2.8..3.05).contains(&ratio), "{ratio} times as much");
    let fixed = mean(Amounts::Fixed(NonZeroU32::MIN));
    assert!((fixed - 1.0).abs() < f64::EPSILON);
}

#[test]
fn one_hot_account_pays_for_all() {
    let traffic = traffic(Spread::One, 10_000);
    let hot = traffic.request(0).account;
    assert!((0..1_000).all(|index| traffic.request(index).account == hot));
}

#[test]
fn a_retry_storm_has_so_many_keys_and_one_request_under_each() {
    let storm = Workload::new(Shape {
        keys: NonZeroU64::new(100),
        ..shape(Spread::Zipf(0.5), 0)
    })
    .unwrap();
    let plain = traffic(Spread::Zipf(0.5), 0);
    let mut counts = vec![0_u32; 100];
    for index in 0..20_000 {
        let request = storm.request(index);
        assert_eq!(request, plain.request(request.key));
        counts[usize::try_from(request.key).unwrap()] += 1;
    }
    assert!(counts.iter().all(|count| (120..290).contains(count)));
}

#[test]
fn only_plain_payments_are_repeated() {
    let traffic = Workload::new(Shape {
        mix: MIX,
        ..shape(Spread::Zipf(0.5), 100_000)
    })
    .unwrap();
    let mut found = 0;
    for index in 0..20_000 {
        let request = traffic.request(index);
        if request.key != index {
            found += 1;
            assert_eq!(request.errand, Errand::Pay);
            assert_eq!(request, traffic.request(request.key));
        }
    }
    assert!((1_800..2_200).contains(&found), "{found} of 20,000");
}

#[test]
fn where_nothing_can_be_repeated_nothing_is() {
    let traffic = Workload::new(Shape {
        mix: Mix {
            payment_code: WHOLE,
            merchant_qr: 0,
            ..Mix::default()
        },
        ..shape(Spread::Zipf(0.5), 100_000)
    })
    .unwrap();
    assert!((0..2_000).all(|index| traffic.request(index).key == index));
}

#[test]
fn who_churns_has_the_right_password_and_gives_back_no_more_than_was_paid() {
    let traffic = Workload::new(Shape {
        mix: MIX,
        wrong_passwords: 500_000,
        ..shape(Spread::Zipf(0.5), 0)
    })
    .unwrap();
    let mut churns = 0;
    for index in 0..20_000 {
        let request = traffic.request(index);
        match request.errand {
            Errand::Churn => {
                churns += 1;
                assert!(!request.wrong_password);
            }
            Errand::PayAndReverse { back_fen } | Errand::PayAndRefund { back_fen } => {
                assert!((1..=request.amount_fen).contains(&back_fen));
            }
            Errand::PayByCode => assert_eq!(request.mode, Mode::PaymentCode),
            Errand::Pay => assert_ne!(request.mode, Mode::PaymentCode),
        }
    }
    assert!((300..500).contains(&churns), "{churns} of 20,000 churn");
}
