//! What `serve` takes about whom it calls, in the order of the help.

use super::flags::Flag;

/// Whom the server calls, and how.
pub(super) const PARTNERS: &[Flag] = &[
    Flag::value(
        "issuer",
        "WAIKA_ISSUER",
        "Who answers for cards: http:// or https:// with host and port [default: the sandbox]",
    )
    .takes("URL"),
    Flag::value(
        "sms-gateway",
        "WAIKA_SMS_GATEWAY",
        "Who sends phone codes [default: the sandbox]",
    )
    .takes("URL"),
    Flag::value(
        "identity-verifier",
        "WAIKA_IDENTITY_VERIFIER",
        "Who verifies people and documents [default: the sandbox]",
    )
    .takes("URL"),
    Flag::value(
        "partner-ca",
        "WAIKA_PARTNER_CA",
        "PEM file of the roots that vouch for https:// partners [default: the machine's own]",
    )
    .takes("FILE"),
    Flag::value(
        "partner-cert",
        "WAIKA_PARTNER_CERT",
        "PEM file of the certificate that is shown to https:// partners, with its chain",
    )
    .takes("FILE"),
    Flag::value(
        "partner-key",
        "WAIKA_PARTNER_KEY",
        "PEM file of that certificate's private key",
    )
    .takes("FILE"),
    Flag::value(
        "issuer-in-flight",
        "WAIKA_ISSUER_IN_FLIGHT",
        "Payments of one scheme that its issuer is asked for at once; one more is turned away",
    )
    .takes("N")
    .or("8192"),
    Flag::value(
        "issuer-connections",
        "WAIKA_ISSUER_CONNECTIONS",
        "Most connections to the issuer for each scheme on each core",
    )
    .takes("N")
    .or("8"),
];
