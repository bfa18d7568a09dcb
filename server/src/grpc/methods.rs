//! What is served, by name.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

use crate::ledger::Rpc;

/// An RPC that is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Served {
    /// What metrics call its kind: `unary`, `client_stream`, `server_stream` or `bidi_stream`.
    pub(crate) kind: &'static str,
    /// With its package, such as `waika.v1.CardService`.
    pub(crate) service: String,
    pub(crate) method: String,
}

/// Every RPC that is served on any listener, by service.
pub(crate) fn methods() -> BTreeMap<String, BTreeSet<String>> {
    let mut methods: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for served in served() {
        methods
            .entry(served.service)
            .or_default()
            .insert(served.method);
    }
    methods
}

/// The same, one after the other as the contract has them.
pub(crate) fn served() -> Vec<Served> {
    let sets = [
        waika::v1::FILE_DESCRIPTOR_SET,
        waika::health::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let mut all = Vec::new();
    // They are compiled in, and reflection would not start if one could not be read.
    let read = sets
        .iter()
        .filter_map(|set| FileDescriptorSet::decode(*set).ok());
    for file in read.flat_map(|set| set.file) {
        for service in &file.service {
            if PARTNERS.contains(&service.name()) {
                continue;
            }
            let name = format!("{}.{}", file.package(), service.name());
            all.extend(service.method.iter().map(|method| Served {
                kind: kind(method),
                service: name.clone(),
                method: method.name().to_owned(),
            }));
        }
    }
    all
}

fn kind(method: &MethodDescriptorProto) -> &'static str {
    match (method.client_streaming(), method.server_streaming()) {
        (false, false) => "unary",
        (true, false) => "client_stream",
        (false, true) => "server_stream",
        (true, true) => "bidi_stream",
    }
}

/// The path of a call that leaves an entry in the journal.
pub(crate) fn path_of(rpc: Rpc) -> &'static str {
    match rpc {
        Rpc::Authorise => "/waika.v1.AuthorisationService/Authorise",
        Rpc::Reverse => "/waika.v1.AuthorisationService/Reverse",
        Rpc::Refund => "/waika.v1.AuthorisationService/Refund",
        Rpc::Settle => "/waika.v1.AuthorisationService/Settle",
        Rpc::SendPhoneCode => "/waika.v1.CardService/SendPhoneCode",
        Rpc::Bind => "/waika.v1.CardService/Bind",
        Rpc::Unbind => "/waika.v1.CardService/Unbind",
        Rpc::VerifyPassword => "/waika.v1.CardService/VerifyPassword",
        Rpc::ChangePassword => "/waika.v1.CardService/ChangePassword",
        Rpc::ResetPassword => "/waika.v1.CardService/ResetPassword",
        Rpc::SubmitVerification => "/waika.v1.CardService/SubmitVerification",
        Rpc::SwitchWalletRegion => "/waika.v1.CardService/SwitchWalletRegion",
        Rpc::CreatePaymentCode => "/waika.v1.CardService/CreatePaymentCode",
        Rpc::ReceiveFunds => "/waika.v1.CardService/ReceiveFunds",
        Rpc::ResolveReview => "/waika.v1.AdminService/ResolveReview",
        Rpc::SetCardStatus => "/waika.v1.AdminService/SetCardStatus",
        Rpc::PutMerchant => "/waika.v1.AdminService/PutMerchant",
        Rpc::ResolveRiskTicket => "/waika.v1.AdminService/ResolveRiskTicket",
        Rpc::SetClock => "/waika.v1.AdminService/SetClock",
        Rpc::ResolvePasswordTicket => "/waika.v1.AdminService/ResolvePasswordTicket",
        Rpc::UnlockPassword => "/waika.v1.AdminService/UnlockPassword",
        Rpc::PutPolicy => "/waika.v1.AdminService/PutPolicy",
        Rpc::ActivatePolicy => "/waika.v1.AdminService/ActivatePolicy",
        Rpc::SetShadowPolicy => "/waika.v1.AdminService/SetShadowPolicy",
        Rpc::CloseAccount => "/waika.v1.AdminService/CloseAccount",
        Rpc::EraseAccount => "/waika.v1.AdminService/EraseAccount",
    }
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
    use crate::ledger::Numbered as _;

    #[test]
    fn every_path_is_served() {
        let methods = methods();
        let paths: BTreeSet<_> = (1..).map_while(Rpc::from_number).map(path_of).collect();
        assert_eq!(paths.len(), (1..).map_while(Rpc::from_number).count());
        for path in paths {
            let named = path.strip_prefix('/').and_then(|path| path.split_once('/'));
            let (service, method) = named.unwrap();
            assert!(methods[service].contains(method), "{path}");
        }
    }

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
