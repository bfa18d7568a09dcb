//! Pure: figures and words as a page shows them.

use std::fmt::{Display, Formatter, Result, Write as _};

use crate::clock::SECOND_NS;
use crate::figures::{count_as_real, real_as_count};
use crate::report::text::{grouped, grouped_real, time};

/// A text from outside, which must not become markup.
pub(super) struct Safe<'a>(pub(super) &'a str);

impl Display for Safe<'_> {
    fn fmt(&self, to: &mut Formatter<'_>) -> Result {
        for letter in self.0.chars() {
            match letter {
                '&' => to.write_str("&amp;")?,
                '<' => to.write_str("&lt;")?,
                '>' => to.write_str("&gt;")?,
                '"' => to.write_str("&quot;")?,
                '\'' => to.write_str("&#39;")?,
                '\n' | '\t' => to.write_char(' ')?,
                '\u{fffe}' | '\u{ffff}' => to.write_char(char::REPLACEMENT_CHARACTER)?,
                letter if letter.is_control() => to.write_char(char::REPLACEMENT_CHARACTER)?,
                letter => to.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// A time in the unit that suits it.
pub(super) fn latency(ns: u64) -> String {
    unbroken(&time(ns).replace("us", "µs"))
}

/// With spaces at which no line ends: a figure stays with its unit.
fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// A time, or a dash where there is none.
pub(super) fn latency_or_dash(ns: Option<u64>) -> String {
    ns.map_or_else(|| "–".to_owned(), latency)
}

/// A round time at an axis: `500 µs`, `2 ms`, `10 s`.
pub(super) fn round_time(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} µs", ns / 1_000),
        1_000_000..SECOND_NS => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / SECOND_NS),
    }
}

/// How long something took, for people: `15 s`, `10 min`, `2 h 5 min`.
pub(super) fn length(ns: u64) -> String {
    let (minutes, seconds) = (ns / SECOND_NS / 60, ns / SECOND_NS % 60);
    let (hours, rest) = (minutes / 60, minutes % 60);
    let text = match (hours, minutes, rest, seconds) {
        (0, 0..2, ..) if ns.is_multiple_of(SECOND_NS) => format!("{} s", ns / SECOND_NS),
        (0, 0..2, ..) => latency(ns),
        (0, _, _, 0) => format!("{minutes} min"),
        (0, ..) => format!("{minutes} min {seconds} s"),
        (_, _, 0, _) => format!("{hours} h"),
        _ => format!("{hours} h {rest} min"),
    };
    unbroken(&text)
}

/// A rate at an axis, short: `500`, `20 k`, `1.5 M`.
pub(super) fn short(value: f64) -> String {
    let trimmed = |value: f64, unit: &str| {
        let text = format!("{value:.1}");
        let text = text.strip_suffix(".0").unwrap_or(&text);
        format!("{text} {unit}")
    };
    if value >= 1e6 {
        trimmed(value / 1e6, "M")
    } else if value >= 1e4 {
        trimmed(value / 1e3, "k")
    } else if value >= 10.0 || value.fract() == 0.0 {
        grouped(real_as_count(value.round()))
    } else {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').to_owned()
    }
}

/// So many in a time, a second; nothing in no time.
pub(super) fn per_second(count: u64, ns: u64) -> f64 {
    crate::figures::share(count, ns) * count_as_real(SECOND_NS)
}

/// A rate as the text report has it.
pub(super) fn rate(value: f64) -> String {
    grouped_real(value)
}

/// A share as a percentage; what is not quite nothing or all does not look like it.
pub(super) fn percent(share: f64) -> String {
    let shown = share * 100.0;
    if share > 0.0 && shown < 0.01 {
        "< 0.01 %".to_owned()
    } else if share < 1.0 && shown >= 99.995 {
        "> 99.99 %".to_owned()
    } else {
        format!("{shown:.2} %")
    }
}

/// A change as a percentage with its sign: `+3.10 %`; a minus as wide as a plus.
pub(super) fn change(ratio: f64) -> String {
    let shown = format!("{:+.2}", ratio * 100.0);
    let shown = match shown.as_str() {
        "+0.00" | "-0.00" => "0.00",
        shown => shown,
    };
    format!("{}\u{a0}%", shown.replace('-', "\u{2212}"))
}

/// A change, or a dash where there is none.
pub(super) fn change_or_dash(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), change)
}

/// A value in the unit that a report gives with it; nanoseconds as times.
pub(super) fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "ns" => latency(real_as_count(value.round())),
        "" => grouped_real(value),
        unit => format!("{}\u{a0}{unit}", grouped_real(value)),
    }
}

/// A level or an allowance, as a percentage without needless noughts: `95 %`, `0.1 %`.
pub(super) fn plain_percent(share: f64) -> String {
    let text = format!("{:.3}", share * 100.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}\u{a0}%")
}

/// The name of a percentile by its quantile: `p50`, `p99.9`.
pub(super) fn percentile(quantile: f64) -> String {
    let text = format!("{:.4}", quantile * 100.0);
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// An RFC 3339 instant without what a reader does not need: `2026-11-23 15:06:03 UTC`.
pub(super) fn instant(rfc: &str) -> String {
    match (rfc.get(..10), rfc.get(11..19), rfc.ends_with('Z')) {
        (Some(day), Some(hour), true) => format!("{day} {hour} UTC"),
        _ => rfc.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let check = |text: &str, expected: &str| assert_eq!(Safe(text).to_string(), expected);
        check("plain words", "plain words");
        check(
            "<script>alert('x')</script>",
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;",
        );
        check(r#"" onload="x"#, "&quot; onload=&quot;x");
        check("a & b &amp;", "a &amp; b &amp;amp;");
        check("\u{0}\u{1b}[31m\nnext", "\u{fffd}\u{fffd}[31m next");
        check("支付 µ", "支付 µ");
    }

    #[test]
    fn round_times_have_their_unit() {
        let check = |ns, text: &str| assert_eq!(round_time(ns), text);
        check(200, "200 ns");
        check(1_000, "1 µs");
        check(500_000, "500 µs");
        check(2_000_000, "2 ms");
        check(50_000_000_000, "50 s");
    }

    #[test]
    fn lengths_are_for_people() {
        let check = |seconds, text: &str| {
            assert_eq!(length(seconds * SECOND_NS).replace('\u{a0}', " "), text);
        };
        check(0, "0 s");
        check(15, "15 s");
        check(119, "119 s");
        check(120, "2 min");
        check(150, "2 min 30 s");
        check(3_600, "1 h");
        check(7_500, "2 h 5 min");
    }

    #[test]
    fn rates_at_an_axis_are_short() {
        let check = |value, text: &str| assert_eq!(short(value), text);
        check(0.0, "0");
        check(0.25, "0.25");
        check(2_500.0, "2,500");
        check(10_000.0, "10 k");
        check(12_500.0, "12.5 k");
        check(1_500_000.0, "1.5 M");
    }

    #[test]
    fn shares_do_not_look_like_what_they_are_not() {
        let check = |share, text: &str| assert_eq!(percent(share), text);
        check(0.0, "0.00 %");
        check(0.000_01, "< 0.01 %");
        check(0.123_456, "12.35 %");
        check(0.999_999, "> 99.99 %");
        check(1.0, "100.00 %");
    }

    #[test]
    fn changes_have_their_sign() {
        let check = |ratio, text: &str| assert_eq!(change(ratio).replace('\u{a0}', " "), text);
        check(0.031, "+3.10 %");
        check(-0.2, "\u{2212}20.00 %");
        check(-0.000_01, "0.00 %");
        check(1.5, "+150.00 %");
        assert_eq!(change_or_dash(None), "–");
    }

    #[test]
    fn allowances_have_no_needless_noughts() {
        let check = |share, text: &str| {
            assert_eq!(plain_percent(share).replace('\u{a0}', " "), text);
        };
        check(0.05, "5 %");
        check(0.001, "0.1 %");
        check(0.0, "0 %");
        check(0.983_33, "98.333 %");
        check(1.0, "100 %");
    }

    #[test]
    fn percentiles_have_their_name() {
        let check = |quantile, text: &str| assert_eq!(percentile(quantile), text);
        check(0.5, "p50");
        check(0.99, "p99");
        check(0.999, "p99.9");
        check(0.999_999, "p99.9999");
    }

    #[test]
    fn quantities_have_their_unit() {
        assert_eq!(quantity(48_900.4, "ns"), latency(48_900));
        assert_eq!(quantity(1_200.0, "B"), "1,200\u{a0}B");
        assert_eq!(quantity(0.5, ""), grouped_real(0.5));
    }

    #[test]
    fn instants_are_short() {
        let check = |rfc: &str, text: &str| assert_eq!(instant(rfc), text);
        check("2026-11-23T15:06:03.123456789Z", "2026-11-23 15:06:03 UTC");
        check("2026-11-23T15:06:03Z", "2026-11-23 15:06:03 UTC");
        check("some day", "some day");
    }
}
