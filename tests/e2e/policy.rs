//! Operators store policies, let them hold, and read them again (D24).

use std::sync::atomic::{AtomicU32, Ordering};

use tonic::Status;
use tonic_types::StatusExt as _;
use waika::v1;

use crate::support::{Server, reason_of};
use crate::wallet::{Callers, decision, instant, pay};

pub(crate) fn put(key: &str, toml: &str) -> v1::PutPolicyRequest {
    v1::PutPolicyRequest {
        idempotency_key: key.to_owned(),
        toml: toml.to_owned(),
    }
}

impl Callers {
    pub(crate) async fn put_policy(&mut self, toml: &str) -> Result<v1::PutPolicyResponse, Status> {
        let request = put(&format!("put {}", next_key()), toml);
        let put = self.admin.put_policy(request).await;
        put.map(tonic::Response::into_inner)
    }

    pub(crate) async fn activate_policy(
        &mut self,
        name: &str,
    ) -> Result<v1::ActivatePolicyResponse, Status> {
        let request = v1::ActivatePolicyRequest {
            idempotency_key: format!("activate {}", next_key()),
            name: name.to_owned(),
        };
        let activated = self.admin.activate_policy(request).await;
        activated.map(tonic::Response::into_inner)
    }

    /// Stores a policy and lets it hold.
    pub(crate) async fn hold(&mut self, toml: &str) {
        let put = self.put_policy(toml).await.unwrap();
        let name = put.policy.unwrap().name;
        self.activate_policy(&name).await.unwrap();
    }

    pub(crate) async fn policies(&mut self) -> v1::ListPoliciesResponse {
        let request = v1::ListPoliciesRequest {};
        let listed = self.admin.list_policies(request).await;
        listed.unwrap().into_inner()
    }

    pub(crate) async fn policy(&mut self, name: &str) -> Result<v1::GetPolicyResponse, Status> {
        let request = v1::GetPolicyRequest {
            name: name.to_owned(),
        };
        let read = self.admin.get_policy(request).await;
        read.map(tonic::Response::into_inner)
    }

    /// Name of the policy that decides payments now.
    pub(crate) async fn decides(&mut self, account: &str, card: &str) -> String {
        let key = format!("decides {}", next_key());
        let decided = self.authorise(pay(account, card, &key, 1)).await.unwrap();
        decided.authorisation.unwrap().policy
    }
}

/// A number that was not given before.
fn next_key() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test]
async fn d24_a_policy_that_is_stored_holds_once_it_is_activated() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze("2024-01-10T12:00:00+08:00").await;
    let card = callers.wallet("a").await;
    let toml = "name = \"small\"\n[limits]\nsingle_fen = 30000\n";
    let stored = callers.put_policy(toml).await.unwrap();
    let summary = stored.policy.unwrap();
    assert_eq!((&*summary.name, summary.activated), ("small", false));
    assert_eq!(callers.decides("a", &card).await, "weixin-2023");
    let activated = callers.activate_policy("small").await.unwrap();
    assert!(activated.policy.unwrap().activated && !activated.replayed);
    let at = Some(instant("2024-01-10T12:00:00+08:00"));
    assert_eq!(activated.activated_at, at);
    let declined = callers.authorise(pay("a", &card, "k", 30_001)).await;
    let declined = declined.unwrap();
    assert_eq!(decision(&declined), "LIMIT_SINGLE");
    assert_eq!(declined.authorisation.unwrap().policy, "small");
    let account = callers.account("a").await;
    assert_eq!(
        (&*account.policy, account.single_limit_fen),
        ("small", 30_000)
    );
    // What was decided before is as it was: back to the first one, which stands stored as well.
    callers.activate_policy("weixin-2023").await.unwrap();
    assert_eq!(callers.decides("a", &card).await, "weixin-2023");
}

#[tokio::test]
async fn every_mistake_in_a_policy_is_named_with_its_line_and_changes_nothing() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let before = callers.policies().await;
    for (toml, parts) in [
        ("name = \n", &["policy:1"][..]),
        (
            "colour = \"red\"\n",
            &["policy:1", "\"colour\" is no section or key"],
        ),
        (
            "name = \"x y\"\n[limits]\nsingle_fen = 0\nweek_fen = 1\n\n[rollout]\npercent = 101\n",
            &[
                "policy:1: name must be",
                "policy:3: limits.single_fen must be a whole number",
                "policy:4: limits.week_fen is no key here",
                "policy:7: rollout.percent must be a whole number from 0 to 100",
            ],
        ),
        (
            "name = \"x\"\n[limits]\nsingle_fen = 600000\nmonth_fen = 500000\n",
            &[
                "limits.single_fen",
                "is above",
                "limits.month_fen",
                "line 3",
                "line 4",
            ],
        ),
        (
            "name = \"x\"\neffective_from = 2026-12-02\neffective_until = 2026-12-01\n",
            &[
                "effective_from",
                "is not before",
                "effective_until",
                "line 2",
                "line 3",
            ],
        ),
        (
            "[limits]\nsingle_fen = 1\n",
            &["name", "give this one a name of its own"],
        ),
    ] {
        let error = callers.put_policy(toml).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument, "{toml}");
        let details = error.get_error_details();
        let violations = &details.bad_request().unwrap().field_violations;
        assert!(violations.iter().all(|bad| bad.field == "toml"), "{toml}");
        for part in parts {
            let told = violations.iter().any(|bad| bad.description.contains(part));
            assert!(told && error.message().contains(part), "{part}: {error}");
        }
    }
    for size in [0, 32_769] {
        let error = callers.put_policy(&"#".repeat(size)).await.unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument, "{size}");
    }
    assert_eq!(callers.policies().await, before);
}

#[tokio::test]
async fn a_name_stands_for_one_policy_for_ever() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let toml = "name = \"small\"\n[limits]\nsingle_fen = 30000\n";
    callers.put_policy(toml).await.unwrap();
    // The same content is the same policy, however it is written.
    let same = "# hello\nname = \"small\"\nlimits = { single_fen = 30_000 }\n";
    callers.put_policy(same).await.unwrap();
    let other = "name = \"small\"\n[limits]\nsingle_fen = 30001\n";
    let error = callers.put_policy(other).await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::FailedPrecondition);
    assert_eq!(reason_of(&error), "POLICY_NAME_TAKEN");
    assert!(error.message().contains("nothing has changed"), "{error}");
    let kept = callers.policy("small").await.unwrap();
    assert!(kept.toml.contains("single_fen = 30000"), "{}", kept.toml);
    // Also once the server has started anew.
    let server = server.restarted();
    let mut callers = Callers::of(&server).await;
    let error = callers.put_policy(other).await.unwrap_err();
    assert_eq!(reason_of(&error), "POLICY_NAME_TAKEN");
}

#[tokio::test]
async fn policies_that_nobody_stored_are_not_found() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let missing = [
        callers.activate_policy("nobody").await.unwrap_err(),
        callers.policy("nobody").await.unwrap_err(),
        callers.set_shadow("nobody").await.unwrap_err(),
    ];
    for error in missing {
        assert_eq!(error.code(), tonic::Code::NotFound, "{error}");
    }
    let error = callers.activate_policy("").await.unwrap_err();
    assert_eq!(error.code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn a_policy_is_read_again_with_every_key() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let toml = "name = \"small\"\neffective_from = 2024-02-01\n[limits]\nsingle_fen = 30000\n";
    callers.put_policy(toml).await.unwrap();
    let listed = callers.policies().await;
    let names: Vec<_> = listed.policies.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["small", "weixin-2023"]);
    assert_eq!((&*listed.active, &*listed.shadow), ("weixin-2023", ""));
    let read = callers.policy("small").await.unwrap();
    let summary = read.policy.unwrap();
    let from = Some(instant("2024-02-01T00:00:00+08:00"));
    assert_eq!(
        (summary.effective_from, summary.effective_until),
        (from, None)
    );
    for part in [
        "single_fen = 30000",
        "month_fen = 5000000",
        "rate = \"0.03\"",
    ] {
        assert!(read.toml.contains(part), "{part}: {}", read.toml);
    }
    // What is read can be stored: it is the same policy.
    callers.put_policy(&read.toml).await.unwrap();
    let active = callers.policy("").await.unwrap();
    assert_eq!(active.policy.unwrap().name, "weixin-2023");
}

#[tokio::test]
async fn d18_an_operator_s_key_has_one_effect() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let card = callers.wallet("a").await;
    let request = put("k", "name = \"one\"\n");
    let first = callers.admin.put_policy(request.clone()).await.unwrap();
    let again = callers.admin.put_policy(request).await.unwrap();
    assert_eq!(
        (first.get_ref().replayed, again.get_ref().replayed),
        (false, true)
    );
    assert_eq!(again.into_inner().policy, first.into_inner().policy);
    let other = callers.admin.put_policy(put("k", "name = \"two\"\n")).await;
    let other = other.unwrap_err();
    assert_eq!(other.code(), tonic::Code::AlreadyExists);
    assert!(callers.policy("two").await.is_err(), "nothing was stored");

    let activate = |name: &str| v1::ActivatePolicyRequest {
        idempotency_key: "on".to_owned(),
        name: name.to_owned(),
    };
    callers
        .admin
        .activate_policy(activate("one"))
        .await
        .unwrap();
    callers.activate_policy("weixin-2023").await.unwrap();
    let again = callers.admin.activate_policy(activate("one")).await;
    assert!(again.unwrap().into_inner().replayed);
    let decides = callers.decides("a", &card).await;
    assert_eq!(decides, "weixin-2023", "an old key changes nothing");
    let other = callers.admin.activate_policy(activate("weixin-2023")).await;
    assert_eq!(other.unwrap_err().code(), tonic::Code::AlreadyExists);
}

/// A name stands for ever, so their number has an end.
#[tokio::test]
async fn d24_policies_have_an_end_and_what_is_stored_stays_of_use() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    for number in 1..256 {
        let toml = format!("name = \"policy-{number}\"\n");
        callers.put_policy(&toml).await.unwrap();
    }
    let error = callers.put_policy("name = \"one-more\"\n").await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), tonic::Code::ResourceExhausted);
    assert_eq!(reason_of(&error), "POLICIES_FULL");
    assert!(error.message().contains("256 policies"), "{error:?}");
    assert_eq!(callers.policies().await.policies.len(), 256);
    callers.put_policy("name = \"policy-7\"\n").await.unwrap();
    callers.activate_policy("policy-255").await.unwrap();
}
