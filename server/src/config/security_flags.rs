//! What `serve` takes about who may come in, in the order of the help.

use super::flags::Flag;

/// Certificates, callers and the mesh's proxy.
pub(super) const SECURITY: &[Flag] = &[
    Flag::value(
        "tls-cert",
        "WAIKA_TLS_CERT",
        "PEM file of the certificate that callers on --listen are shown, with its chain; read again when it changes",
    )
    .takes("FILE"),
    Flag::value("tls-key", "WAIKA_TLS_KEY", "PEM file of that certificate's private key").takes("FILE"),
    Flag::value(
        "client-ca",
        "WAIKA_CLIENT_CA",
        "PEM file of the roots that vouch for callers, who then need a certificate",
    )
    .takes("FILE"),
    Flag::value("admin-tls-cert", "WAIKA_ADMIN_TLS_CERT", "The same on --admin-listen").takes("FILE"),
    Flag::value("admin-tls-key", "WAIKA_ADMIN_TLS_KEY", "The same on --admin-listen").takes("FILE"),
    Flag::value("admin-client-ca", "WAIKA_ADMIN_CLIENT_CA", "The same on --admin-listen").takes("FILE"),
    Flag::value("metrics-tls-cert", "WAIKA_METRICS_TLS_CERT", "The same on --metrics-listen").takes("FILE"),
    Flag::value("metrics-tls-key", "WAIKA_METRICS_TLS_KEY", "The same on --metrics-listen").takes("FILE"),
    Flag::value("metrics-client-ca", "WAIKA_METRICS_CLIENT_CA", "The same on --metrics-listen").takes("FILE"),
    Flag::value(
        "callers",
        "WAIKA_CALLERS",
        "TOML file that says which caller may call what; read again when it changes",
    )
    .takes("FILE"),
    Flag::value(
        "identity-header",
        "WAIKA_IDENTITY_HEADER",
        "Where the mesh's proxy says who calls, on listeners without a client CA: l5d-client-id or x-forwarded-client-cert",
    )
    .takes("HEADER"),
    Flag::value(
        "identity-proxy",
        "WAIKA_IDENTITY_PROXY",
        "Address of this machine that the proxy calls from, and nobody else is believed; may be given more than once",
    )
    .takes("IP")
    .repeated(),
];
