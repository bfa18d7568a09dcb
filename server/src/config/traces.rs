//! Traces: where spans go, and of how many calls.

use super::flags::Flag;
use super::partners;
use super::reader::Reader;
use super::values::Expected;
use crate::traces::TracesConfig;

/// What `serve` takes about traces, in the order of the help.
pub(super) const TRACES: &[Flag] = &[
    Flag::value(
        "otlp-endpoint",
        "WAIKA_OTLP_ENDPOINT",
        "The OpenTelemetry collector that takes spans over gRPC; without it no call is traced",
    )
    .takes("URL"),
    Flag::value(
        "trace-sample",
        "WAIKA_TRACE_SAMPLE",
        "The share of calls that are traced, from 0 to 1, where the caller's traceparent does not say",
    )
    .takes("SHARE")
    .or("0.01"),
];

/// The outer None is a mistake.
#[expect(
    clippy::option_option,
    reason = "wrong and not given are different things"
)]
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Option<TracesConfig>> {
    let endpoint = partners::read_plain_url(reader, "otlp-endpoint");
    let sample = reader.read("trace-sample", share);
    let is_idle = reader.is_given("trace-sample") && reader.text("otlp-endpoint").is_none();
    if is_idle {
        let what = "is of no use without --otlp-endpoint (WAIKA_OTLP_ENDPOINT), since nobody takes \
                    the spans: name a collector, or leave --trace-sample (WAIKA_TRACE_SAMPLE) out";
        reader.mistake("trace-sample", what);
    }
    let sample = sample.filter(|_| !is_idle)?;
    let config = |endpoint| TracesConfig { endpoint, sample };
    Some(endpoint?.map(config))
}

fn share(text: &str) -> Result<f64, Expected> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = text.parse().ok().filter(|_| plain);
    number
        .filter(|number| (0.0..=1.0).contains(number))
        .ok_or_else(|| "is not a number from 0 to 1, such as 0.01".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_number_from_none_to_all() {
        for (text, expected) in [
            ("0", Some(0.0)),
            ("0.01", Some(0.01)),
            (".5", Some(0.5)),
            ("1", Some(1.0)),
            ("1.0", Some(1.0)),
            ("1.01", None),
            ("-0.1", None),
            ("+0.1", None),
            ("1%", None),
            ("1e-2", None),
            ("NaN", None),
            ("inf", None),
            ("0.0.1", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(share(text).ok(), expected, "{text}");
        }
    }
}
