//! The instrument finds what is known beforehand, through real sockets and the real binary.

#![expect(
    clippy::unwrap_used,
    reason = "a test that finds the world broken fails"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use support::{run, said};

#[test]
fn the_instrument_agrees_with_arithmetic() {
    let output = run(&["selftest", "--quick"]);
    let text = said(&output.stdout);
    let errors = said(&output.stderr);
    // A machine that is not let alone may prove nothing; it may never prove the contrary.
    match output.status.code() {
        Some(0) => assert!(text.contains("PASS: the instrument finds"), "{text}"),
        Some(5) => {
            assert!(text.contains("INVALID: this machine"), "{text}");
            assert!(errors.contains("Once more."), "{errors}");
            eprintln!("nothing was proven:\n{text}");
        }
        code => panic!("exit {code:?}:\n{text}\n{errors}"),
    }
    for line in [
        "open loop: requests sent",
        "open loop: response p90",
        "open loop: response p99",
        "open loop: lag p99",
        "open loop: time to work off",
        "closed loop: p99 hides the stalls",
        "10 in flight: requests dropped",
        "written as a histogram log, and read again",
        "coordinated omission",
    ] {
        assert!(text.contains(line), "no {line:?} in:\n{text}");
    }
}
