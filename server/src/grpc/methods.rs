//! What is served, by name.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use prost_types::FileDescriptorSet;

/// Every RPC that is served on any listener, by service.
pub(crate) fn methods() -> BTreeMap<String, BTreeSet<String>> {
    let sets = [
        waika::v1::FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let mut methods = BTreeMap::new();
    // They are compiled in, and reflection would not start if one could not be read.
    let read = sets
        .iter()
        .filter_map(|set| FileDescriptorSet::decode(*set).ok());
    for file in read.flat_map(|set| set.file) {
        for service in &file.service {
            let names = service.method.iter().map(|method| method.name().to_owned());
            let name = format!("{}.{}", file.package(), service.name());
            if !PARTNERS.contains(&service.name()) {
                methods.insert(name, names.collect());
            }
        }
    }
    methods
}

/// Services that are called, and not served, by this server.
const PARTNERS: [&str; 4] = [
    "IssuerService",
    "SmsGatewayService",
    "IdentityVerifierService",
    "IssuerSandboxService",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_called_outside_is_not_served() {
        let methods = methods();
        let names: Vec<_> = methods.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection",
                "waika.v1.AdminService",
                "waika.v1.AuthorisationService",
                "waika.v1.CardService",
            ]
        );
        assert!(methods["waika.v1.CardService"].contains("Bind"));
    }
}
