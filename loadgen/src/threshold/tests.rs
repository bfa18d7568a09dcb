use proptest::prelude::*;

use super::*;
use crate::scheme::CardScheme;
use crate::workload::Mix;

pub(super) fn read(text: &str) -> Vec<Threshold> {
    text.parse::<Thresholds>()
        .unwrap_or_else(|what| panic!("{text}: {what}"))
        .0
}

/// Checks that `text` is this one threshold.
fn reads_as(text: &str, figure: Figure, limit: Limit) {
    let all = read(text);
    assert_eq!(
        (all.len(), all[0].figure.clone(), all[0].limit),
        (1, figure, limit),
        "{text}"
    );
}

#[test]
fn times_are_read() {
    use Clock::{Lag, Response, Service};
    use Statistic::{Average, Least, Most, Percentile};
    let check = reads_as;
    let ms = |ms: u64| Limit::Time(ms * 1_000_000);
    let time = |clock, statistic| Figure::Time(clock, statistic, None);
    check("p(99)<5ms", time(Response, Percentile(990_000)), ms(5));
    check("p99<5ms", time(Response, Percentile(990_000)), ms(5));
    check(
        " p( 99.9 ) <= 20ms ",
        time(Response, Percentile(999_000)),
        ms(20),
    );
    check(
        "p99.9999<1s",
        time(Response, Percentile(999_999)),
        ms(1_000),
    );
    check("lag_p(99)<1ms", time(Lag, Percentile(990_000)), ms(1));
    check("service_p99<1ms", time(Service, Percentile(990_000)), ms(1));
    check(
        "response_avg<1.5us",
        time(Response, Average),
        Limit::Time(1_500),
    );
    check(
        "med<250µs",
        time(Response, Percentile(500_000)),
        Limit::Time(250_000),
    );
    check("service_min>7ns", time(Service, Least), Limit::Time(7));
    check("max<1ms", time(Response, Most), ms(1));
}

#[test]
fn shares_counts_and_rates_are_read() {
    let check = reads_as;
    check(
        "errors<0.1%",
        Figure::Share(Class::Errors),
        Limit::Share(1_000),
    );
    check("errors==0", Figure::Share(Class::Errors), Limit::Share(0));
    let approved = Class::Named("approved".to_owned());
    check(
        "rate(approved)>0.9",
        Figure::Share(approved.clone()),
        Limit::Share(900_000),
    );
    check(
        "rate(declined)<5%",
        Figure::Share(Class::Declined),
        Limit::Share(50_000),
    );
    check(
        "dropped<1%",
        Figure::Unsent(Reason::Dropped),
        Limit::Share(10_000),
    );
    check("not_sent==0%", Figure::Unsent(Reason::Any), Limit::Share(0));
    check("count>=1000", Figure::Count(None), Limit::Count(1_000));
    check(
        "count(approved)>1",
        Figure::Count(Some(approved.clone())),
        Limit::Count(1),
    );
    check(
        "count{outcome=approved}>1",
        Figure::Count(Some(approved)),
        Limit::Count(1),
    );
    check(
        "throughput>=900/s",
        Figure::Throughput(Class::Decided),
        Limit::Rate(900_000),
    );
    check("server_cpu<30us", Figure::ServerCpu, Limit::Time(30_000));
}

#[test]
fn selectors_are_read() {
    let all =
        read("max{outcome=LIMIT_MONTH,mode=qr,scheme=visa}<1s, p99{ mode = payment_code } < 1s");
    let limit_month = Some(Class::Named("LIMIT_MONTH".to_owned()));
    assert_eq!(
        all[0].figure,
        Figure::Time(Clock::Response, Statistic::Most, limit_month)
    );
    assert_eq!(all[0].selection.scheme, Some(CardScheme::Visa));
    assert_eq!(all[1].text, "p99{mode=payment_code}<1s");
    let thresholds = Thresholds([all.clone(), all].concat());
    assert_eq!(thresholds.selections().len(), 2, "each once");
    for mode in [
        "app",
        "mini-program",
        "mini_program",
        "online",
        "merchant_qr",
    ] {
        assert!(
            read(&format!("max{{mode={mode}}}<1s"))[0]
                .selection
                .mode
                .is_some()
        );
    }
    assert_eq!(read("max<1s")[0].selection, Selection::default());
}

#[test]
fn what_is_no_threshold_is_told_with_place_and_mend() {
    let check = |text: &str, place: usize, words: &str| {
        let error = text.parse::<Thresholds>().expect_err(text);
        let place = format!("character {place}, ");
        assert!(error.starts_with(&place), "{text}: not at {place}: {error}");
        assert!(error.contains(words), "{text}: no {words:?} in {error}");
    };
    check("", 1, "write one of");
    check("p99<5ms,", 9, "write one of");
    check("p99<5ms p90<1ms", 9, "comma");
    check("speed<5", 1, "throughput");
    check("p(99<5ms", 5, "close the percentile");
    check("p(0)<5ms", 3, "between 0 and 100");
    check("p(100)<5ms", 3, "max");
    check("p99.99999<5ms", 2, "four decimals");
    check("p(x)<5ms", 3, "p(99.9)");
    check("p99=5ms", 4, "compare");
    check("p99==5ms", 4, "compare with <");
    check("p99<5", 5, "20ms");
    check("p99<5min", 5, "ns, us, ms or s");
    check("p99<ms", 5, "20ms");
    check("p99<-5ms", 5, "20ms");
    check("p99<0ms", 5, "below 0");
    check("errors<5", 8, "count(errors)");
    check("errors<101%", 8, "percentage");
    check("errors<0.00001%", 8, "millionth");
    check("errors<0", 8, "below 0");
    check("count<1.5", 7, "whole number");
    check("throughput>900", 12, "900/s");
    check("rate>0.9", 5, "rate(approved)");
    check("rate(aproved)>0.9", 6, "replayed");
    check("rate(approved>0.9", 14, "close the outcome");
    check("rate(approved){outcome=replayed}>0.9", 15, "already");
    check("errors{outcome=replayed}<1%", 7, "already");
    check("p(99){outcome=\u{1f600}}<1ms", 15, "name an outcome");
    check("max{speed=1}<1s", 5, "outcome, mode or scheme");
    check("max{mode=fast}<1s", 10, "mini-program");
    check("max{scheme=amex}<1s", 12, "diners_club");
    check("max{mode=qr,mode=qr}<1s", 13, "already");
    check("max{mode=qr<1s", 12, "}");
    check("max{mode}<1s", 9, "write =");
    check("dropped{mode=qr}<1%", 8, "all payments");
    check("server_cpu{scheme=visa}<1us", 11, "all payments");
}

#[test]
fn what_a_plan_cannot_say_is_told_before_it_begins() {
    let schemes = "visa=3,jcb=1".parse().unwrap();
    let expected = Expected {
        payments: Some(4_000),
        is_closed: false,
        mix: Mix {
            payment_code: 0,
            ..Mix::default()
        },
        schemes: Some(&schemes),
        knows_server: false,
    };
    let check = |text: &str, expected: &Expected<'_>, words: &[&str]| {
        let faults = impossible(&Thresholds(read(text)), expected);
        assert_eq!(faults.is_empty(), words.is_empty(), "{text}: {faults:?}");
        for word in words {
            assert!(faults[0].contains(word), "no {word:?} in {faults:?}");
        }
    };
    check(
        "p99<1ms,errors<1%,rate(approved){mode=qr}>0.9",
        &expected,
        &[],
    );
    let few = [
        "p99.9<1ms",
        "4,603",
        "about 4,000",
        "1.3 times",
        "--duration",
    ];
    check("p99.9<1ms", &expected, &few);
    // 459 are enough, but of so many that are expected half of all runs have fewer.
    let with = |payments| Expected {
        payments: Some(payments),
        ..expected
    };
    check("p99<1ms", &with(459), &["459", "524", "1.2 times"]);
    check("p99<1ms", &with(523), &["459", "524"]);
    check("p99<1ms", &with(524), &[]);
    let counted = Expected {
        is_closed: true,
        ..with(459)
    };
    check("p99<1ms", &counted, &[]);
    check("p99{mode=qr}<1ms", &counted, &["459"]);
    check("p99{scheme=jcb}<1ms", &expected, &[]);
    check("p99{scheme=jcb,mode=qr}<1ms", &expected, &[]);
    check(
        "p99.5{scheme=jcb,mode=app}<1ms",
        &expected,
        &["919", "about 400", "2.6 times"],
    );
    check(
        "max{mode=payment-code}<1ms",
        &expected,
        &["app, mini-program, online, qr"],
    );
    check(
        "max{scheme=discover}<1ms",
        &expected,
        &["discover", "visa=3,jcb=1", "--scheme"],
    );
    check("server_cpu<1us", &expected, &["--server-pid"]);
    let closed = Expected {
        payments: None,
        is_closed: true,
        knows_server: true,
        ..expected
    };
    check("p99.9<1ms,server_cpu<1us", &closed, &[]);
    check("lag_p99<1ms", &closed, &["closed loop"]);
}

proptest! {
    #[test]
    fn nothing_that_is_typed_makes_it_stumble(text in "[a-z(){}=<>0-9.,%_ µs/-]{0,40}") {
        if let Ok(thresholds) = text.parse::<Thresholds>() {
            let again: Thresholds = thresholds.to_string().parse().unwrap();
            prop_assert_eq!(again, thresholds);
        }
    }
}
