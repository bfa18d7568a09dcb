//! Policies: from messages and back.

use std::sync::Arc;

use tonic::Status;
use waika::v1;
use waika_domain::decline::DeclineReason;
use waika_domain::identifiers::IdempotencyKey;
use waika_domain::policy::Policy;

use super::parse::{Digests, Fields};
use super::party::Party;
use super::{outcome, status};
use crate::ledger::{Call, GlobalOperation, PolicyList, Rpc};
use crate::policy_book::{PolicyBook, Stored};
use crate::shadow::{Flip, Said, ShadowReport};

/// The largest file that is taken over the wire.
const MOST_BYTES: usize = 32_768;
/// Mistakes that are told at once: an answer's trailers hold no more.
const MOST_MISTAKES: usize = 10;

pub(super) fn summary(policy: &Policy, activated: bool) -> v1::PolicySummary {
    v1::PolicySummary {
        name: policy.name.to_string(),
        effective_from: policy.effective_from.map(outcome::timestamp),
        effective_until: policy.effective_until.map(outcome::timestamp),
        activated,
    }
}

pub(super) fn list(list: &PolicyList) -> v1::ListPoliciesResponse {
    let policies = list.all.iter();
    v1::ListPoliciesResponse {
        policies: policies
            .map(|(stored, activated)| summary(&stored.policy, *activated))
            .collect(),
        active: list.active.to_string(),
        shadow: list.shadow.as_deref().unwrap_or_default().to_owned(),
    }
}

pub(super) fn one((stored, activated): &(Stored, bool)) -> v1::GetPolicyResponse {
    v1::GetPolicyResponse {
        policy: Some(summary(&stored.policy, *activated)),
        toml: stored.text.to_string(),
    }
}

/// Reads a policy's file; each mistake is told under the field's name.
pub(super) fn parse_put(
    request: &v1::PutPolicyRequest,
    party: &Party<'_>,
) -> Result<(Call, Arc<Policy>), Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    if !(1..=MOST_BYTES).contains(&request.toml.len()) {
        fields.refuse("toml", "must be 1 to 32768 bytes");
    }
    let key: IdempotencyKey = fields.finish(key)?;
    let policy = PolicyBook::parse(&request.toml).map_err(|mistakes| {
        let first = mistakes.into_iter().take(MOST_MISTAKES);
        let named = first.map(|mistake| ("toml".to_owned(), mistake));
        status::malformed_in_words(named.collect())
    })?;
    let call = Digests::new(party)
        .with("toml", &request.toml)
        .call(Rpc::PutPolicy, key);
    Ok((call, Arc::new(policy)))
}

/// Which of the two calls that name a policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Activate,
    Shadow,
}

pub(super) fn parse_named(
    (key, name): (&str, &str),
    which: Named,
    party: &Party<'_>,
) -> Result<(Call, GlobalOperation), Status> {
    let mut fields = Fields::default();
    let key = fields.key(key);
    if which == Named::Activate && name.is_empty() {
        fields.refuse("name", "must be given");
    }
    let key = fields.finish(key)?;
    let digests = Digests::new(party).with("name", name);
    Ok(match which {
        Named::Activate => (
            digests.call(Rpc::ActivatePolicy, key),
            GlobalOperation::ActivatePolicy(name.into()),
        ),
        Named::Shadow => (
            digests.call(Rpc::SetShadowPolicy, key),
            GlobalOperation::SetShadow((!name.is_empty()).then(|| name.into())),
        ),
    })
}

pub(super) fn shadow_report(
    (name, report): (Option<Box<str>>, ShadowReport),
) -> v1::GetShadowReportResponse {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    v1::GetShadowReportResponse {
        shadow: name.map(Into::into).unwrap_or_default(),
        since: Some(outcome::timestamp(report.since)),
        decisions: count(report.decisions),
        flips: report.flips.iter().map(flip).collect(),
    }
}

fn flip(flip: &Flip) -> v1::ShadowFlip {
    let said = |said: Said| said.map_or(0, DeclineReason::number);
    let rung = flip.rung().map(|rung| i32::try_from(rung.number()));
    v1::ShadowFlip {
        active: said(flip.active),
        shadow: said(flip.shadow),
        rung: rung.and_then(Result::ok).unwrap_or_default(),
        count: i64::try_from(flip.count).unwrap_or(i64::MAX),
    }
}
