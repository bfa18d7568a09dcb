use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn latencies() {
    let fixed = |scheme, takes| {
        Some(LatencySpec {
            scheme,
            takes: TakesTime::Fixed(takes),
        })
    };
    let drawn = |scheme, p50, p99, tail| {
        Some(LatencySpec {
            scheme,
            takes: TakesTime::LogNormal { p50, p99, tail },
        })
    };
    for (text, expected) in [
        ("0", fixed(None, Duration::ZERO)),
        ("20ms", fixed(None, ms(20))),
        (
            "visa:500us",
            fixed(Some(Scheme::Visa), Duration::from_micros(500)),
        ),
        ("p50=20ms,p99=80ms", drawn(None, ms(20), ms(80), None)),
        (
            "diners:p50=20ms,p99=20ms,tail=0.1%@2s",
            drawn(
                Some(Scheme::DinersClub),
                ms(20),
                ms(20),
                Some((1_000_000, ms(2_000))),
            ),
        ),
        ("", None),
        ("20", None),
        ("11m", None),
        ("visa:", None),
        ("amex:20ms", None),
        ("visa:visa:20ms", None),
        ("p50=20ms", None),
        ("p99=80ms,p50=20ms", None),
        ("p50=0,p99=80ms", None),
        ("p50=20ms,p99=19ms", None),
        ("p50=20ms,p99=80ms,tail=0.1%", None),
        ("p50=20ms,p99=80ms,tail=0.1@2s", None),
        ("p50=20ms,p99=80ms,tail=0%@2s", None),
        ("p50=20ms,p99=80ms,tail=1%@2h", None),
        ("p50=20ms,p99=80ms,tail=1%@2s,more", None),
    ] {
        assert_eq!(latency(text).ok(), expected, "{text}");
    }
}

#[test]
fn errors() {
    let is = |scheme, share, kind| {
        Some(ErrorSpec {
            scheme,
            share,
            kind,
        })
    };
    for (text, expected) in [
        ("1%=05", is(None, 10_000_000, ErrorKind::Declined(*b"05"))),
        (
            "100%=N7",
            is(None, 1_000_000_000, ErrorKind::Declined(*b"N7")),
        ),
        (
            "jcb:0.0000001%=silent",
            is(Some(Scheme::Jcb), 1, ErrorKind::Silent),
        ),
        (
            "2.5%=unavailable",
            is(None, 25_000_000, ErrorKind::Unavailable),
        ),
        ("1%=mute", is(None, 10_000_000, ErrorKind::Mute)),
        (
            "1%=wrong-amount",
            is(None, 10_000_000, ErrorKind::WrongAmount),
        ),
        ("1%=wrong-id", is(None, 10_000_000, ErrorKind::WrongId)),
        ("1%=wrong-code", is(None, 10_000_000, ErrorKind::WrongCode)),
        ("1%=00", None),
        ("1%=5", None),
        ("1%=051", None),
        ("1%=zz", None),
        ("1%=é", None),
        ("1%=", None),
        ("1=05", None),
        ("0%=05", None),
        ("100.1%=05", None),
        ("0.00000001%=05", None),
        (".5%=05", None),
        ("1.%=05", None),
        ("-1%=05", None),
        ("99999999999%=05", None),
        ("05", None),
        ("", None),
    ] {
        assert_eq!(error(text).ok(), expected, "{text}");
    }
}

#[test]
fn outages() {
    let once = |scheme, from, until, kind| {
        Some(OutageSpec {
            scheme,
            times: OutageTimes::Once {
                from: ms(from),
                until: ms(until),
            },
            kind,
        })
    };
    let every = |scheme, every, lasts, kind| {
        Some(OutageSpec {
            scheme,
            times: OutageTimes::Every {
                every: ms(every),
                lasts: ms(lasts),
            },
            kind,
        })
    };
    for (text, expected) in [
        (
            "10s..15s",
            once(None, 10_000, 15_000, OutageKind::Unavailable),
        ),
        ("0..1ms=mute", once(None, 0, 1, OutageKind::Mute)),
        (
            "discover:1s..2s=silent",
            once(Some(Scheme::Discover), 1_000, 2_000, OutageKind::Silent),
        ),
        (
            "every=60s,for=5s",
            every(None, 60_000, 5_000, OutageKind::Unavailable),
        ),
        (
            "mastercard:every=2ms,for=1ms=mute",
            every(Some(Scheme::Mastercard), 2, 1, OutageKind::Mute),
        ),
        ("", None),
        ("10s", None),
        ("10s..", None),
        ("10s..10s", None),
        ("15s..10s", None),
        ("10s..15s=", None),
        ("10s..15s=05", None),
        ("every=60s", None),
        ("every=5s,for=5s", None),
        ("every=5s,for=0", None),
        ("every=0,for=0", None),
        ("every=60s,for=5s=loud", None),
    ] {
        assert_eq!(outage(text).ok(), expected, "{text}");
    }
}

#[test]
fn what_would_have_been_accepted_is_told() {
    for (told, part) in [
        (
            latency("amex:1ms").err(),
            "visa, mastercard, diners, discover or jcb",
        ),
        (latency("p50=1s,p99=1ms").err(), "has a p99 below its p50"),
        (
            latency("p50=x,p99=1ms").err(),
            "has a p50 that is not a duration",
        ),
        (error("1%=00").err(), "00, which is an approval"),
        (
            error("1%=loud").err(),
            "wrong-amount, wrong-id or wrong-code",
        ),
        (error("x%=05").err(), "above 0% and up to 100%"),
        (outage("2s..1s").err(), "must end after it begins"),
        (outage("1s..2s=05").err(), "unavailable, silent or mute"),
    ] {
        let told = told.unwrap();
        assert!(told.contains(part), "{told}");
    }
}
