//! Whatever policy is in force, its text is a file that says the same.

use proptest::prelude::*;

use super::super::policy_render::render;
use super::*;

fn limits() -> impl Strategy<Value = Limits> {
    prop::array::uniform3(1..=Amount::MAX_FEN).prop_map(|mut fen| {
        fen.sort_unstable();
        let [single, month, year] = fen.map(Fen::new);
        Limits {
            single,
            month,
            year,
        }
    })
}

fn dates() -> impl Strategy<Value = (Option<Timestamp>, Option<Timestamp>)> {
    // From 1900 to 9999, in milliseconds.
    let date = || prop::option::of(-2_208_000_000_000_i64..253_402_270_000_000);
    (date(), date()).prop_map(|(one, other)| {
        let (from, until) = match (one, other) {
            (Some(one), Some(other)) if one >= other => (Some(other), Some(one + 1)),
            dates => dates,
        };
        let instant = |date: Option<i64>| date.map(Timestamp::from_unix_ms);
        (instant(from), instant(until))
    })
}

fn password_rule() -> impl Strategy<Value = PasswordRule> {
    (
        1..=255_u8,
        1..=31_536_000_u32,
        1..=1_000_000_u32,
        1..=86_400_u32,
    )
        .prop_map(
            |(tries, lock_seconds, caller_wrong_per_minute, token_seconds)| PasswordRule {
                tries,
                lock_seconds,
                caller_wrong_per_minute,
                token_seconds,
            },
        )
}

fn policies() -> impl Strategy<Value = Policy> {
    let numbers = (
        1_000..=1_u64 << 26,
        1..=86_400_u32,
        0..=90_u8,
        any::<bool>(),
    );
    let fee = (0..10_000_i64, any::<prop::sample::Index>());
    (
        "[a-zA-Z0-9._-]{1,64}",
        dates(),
        limits(),
        fee,
        password_rule(),
        numbers,
    )
        .prop_map(|(name, dates, limits, (rate, waived), password, numbers)| {
            let known = Policy::weixin_2023();
            let single = usize::try_from(limits.single.value()).unwrap();
            Policy {
                name: name.into(),
                effective_from: dates.0,
                effective_until: dates.1,
                limits,
                fee: FeeRule {
                    rate: Decimal::new(rate, 4),
                    waived_up_to: Fen::new(i64::try_from(waived.index(single)).unwrap()),
                },
                password,
                issuer: IssuerRule {
                    timeout_ms: numbers.1.min(60_000),
                    reserve_ms: numbers.2.into(),
                    stand_in: numbers.3,
                    stand_in_single: Fen::new(numbers.1.into()),
                    stand_in_outstanding: Fen::new(i64::from(numbers.1) * 2),
                },
                most_keys: numbers.0,
                payment_code_seconds: numbers.1,
                quote_seconds: numbers.1,
                settle_after_days: numbers.2,
                card_cap: numbers.2 + 1,
                rollout_percent: numbers.2,
                refund_restores_limit: numbers.3,
                ..known
            }
        })
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back_as_the_same_policy(policy in policies()) {
        prop_assert_eq!(parse_text("p.toml", &render(&policy)), Ok(policy));
    }
}
