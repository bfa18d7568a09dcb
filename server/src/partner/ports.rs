//! Who answers what callers wait for at a screen: the sandbox inside, or a partner outside.

use std::sync::Arc;

use super::{IdentityVerifier, SmsGateway};
use crate::config::Partners;

/// Partners outside; the sandbox inside stands in for those that there are not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ports {
    pub(crate) sms_gateway: Option<Arc<SmsGateway>>,
    pub(crate) identity_verifier: Option<Arc<IdentityVerifier>>,
}

impl Ports {
    /// As they were configured.
    pub(crate) fn new(partners: &Partners, cores: usize) -> Self {
        let Partners {
            issuer: _,
            sms_gateway,
            identity_verifier,
        } = partners;
        let gateway = |target| Arc::new(SmsGateway::new(target, cores));
        let verifier = |target| Arc::new(IdentityVerifier::new(target, cores));
        Self {
            sms_gateway: sms_gateway.as_ref().map(gateway),
            identity_verifier: identity_verifier.as_ref().map(verifier),
        }
    }
}
