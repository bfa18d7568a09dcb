//! Variables that say how a test is to run.

/// A number that asks for the long form of a test.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = environment(variable)?;
    let number = text.replace([',', '_'], "").parse();
    Some(number.unwrap_or_else(|_| panic!("{variable}: {text:?} is no whole number")))
}

/// A variable that says how a test is to run.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no command line of its own"
)]
pub(crate) fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}
