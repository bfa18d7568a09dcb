//! Everything that an operator can change, done once, and what the operator log must say of it.

use tonic::transport::Channel;
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::reset_password_response::Outcome;
use waika::v1::set_clock_request::Setting;
use waika::v1::{self, CardStatus, PasswordTicketVerdict, ReviewVerdict, RiskVerdict};

use crate::passwords::reset_by_identity;
use crate::security_identity::OPERATOR;
use crate::wallet::{Callers, MERCHANT, instant, merchant, pay, unbind};

/// All of the operator log, newest first, in pages of some size.
pub(crate) async fn actions(
    admin: &mut AdminServiceClient<Channel>,
    request: v1::ListOperatorActionsRequest,
) -> Vec<v1::OperatorAction> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListOperatorActionsRequest {
            page_token,
            ..request.clone()
        };
        let page = admin.list_operator_actions(request).await.unwrap();
        let page = page.into_inner();
        all.extend(page.actions);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return all;
        }
    }
}

pub(crate) async fn all_actions(
    admin: &mut AdminServiceClient<Channel>,
) -> Vec<v1::OperatorAction> {
    actions(admin, v1::ListOperatorActionsRequest::default()).await
}

/// What is told of an action: RPC, account, outcome; and each change as `field: before → after`.
pub(crate) type Told<'a> = (&'a str, &'a str, &'a str, Vec<String>);

pub(crate) fn told(action: &v1::OperatorAction) -> Told<'_> {
    let rpc = action.rpc.strip_prefix("/waika.v1.AdminService/");
    let changes = action.changes.iter().map(|change| {
        let v1::OperatorChange {
            field,
            before,
            after,
        } = change;
        format!("{field}: {before} → {after}")
    });
    (
        rpc.unwrap_or_default(),
        &action.account_id,
        &action.outcome,
        changes.collect(),
    )
}

fn clock(key: &str, setting: Setting) -> v1::SetClockRequest {
    v1::SetClockRequest {
        idempotency_key: key.to_owned(),
        setting: Some(setting),
    }
}

impl Callers {
    async fn think_of(&mut self, card_token: &str, key: &str, status: CardStatus) {
        let request = v1::SetCardStatusRequest {
            idempotency_key: key.to_owned(),
            account_id: "a".to_owned(),
            card_token: card_token.to_owned(),
            status: status.into(),
        };
        self.admin.set_card_status(request).await.unwrap();
    }

    async fn shadow(&mut self, key: &str, name: &str) {
        let request = v1::SetShadowPolicyRequest {
            idempotency_key: key.to_owned(),
            name: name.to_owned(),
        };
        self.admin.set_shadow_policy(request).await.unwrap();
    }

    /// Merchants, cards and the clock.
    async fn tend(&mut self) -> String {
        let freeze = clock(
            "noon",
            Setting::Freeze(instant("2024-03-10T12:00:00+08:00")),
        );
        self.admin.set_clock(freeze).await.unwrap();
        let hurry = v1::ClockAcceleration {
            from: None,
            rate: 60,
        };
        let hurry = clock("hurry", Setting::Accelerate(hurry));
        self.admin.set_clock(hurry).await.unwrap();
        let freeze = clock(
            "again",
            Setting::Freeze(instant("2024-03-10T13:00:00+08:00")),
        );
        self.admin.set_clock(freeze).await.unwrap();
        let card = self.wallet("a").await;
        let request = v1::PutMerchantRequest {
            idempotency_key: "off".to_owned(),
            merchant: Some(v1::Merchant {
                international_cards: false,
                ..merchant(MERCHANT)
            }),
        };
        for _ in 0..2 {
            self.admin.put_merchant(request.clone()).await.unwrap();
        }
        let request = v1::PutMerchantRequest {
            idempotency_key: "on".to_owned(),
            merchant: Some(merchant(MERCHANT)),
        };
        self.admin.put_merchant(request).await.unwrap();
        self.think_of(&card, "lost", CardStatus::Lost).await;
        self.think_of(&card, "still", CardStatus::Lost).await;
        self.think_of(&card, "found", CardStatus::Normal).await;
        card
    }

    /// Reviews, passwords and risks.
    async fn resolve_all(&mut self, card: &str) {
        let passport = self.passport_wallet("p").await;
        self.send_page_and_face("p").await;
        self.resolve_review("p", "yes", ReviewVerdict::Approve)
            .await;
        self.resolve_review("p", "no", ReviewVerdict::Reject).await;

        self.wrong_passwords("a", card, 1..=5).await;
        assert!(self.unlock("a", "unlock").await);
        assert!(!self.unlock("a", "unlock again").await);

        let other = self.wallet_with("c", 7_000).await;
        self.unbind(unbind("c", &other, "unbind")).await;
        let reset = self.reset(reset_by_identity("c", "form")).await;
        let Some(Outcome::Ticket(ticket)) = reset.outcome else {
            panic!("no ticket: {reset:?}")
        };
        for (key, verdict) in [
            ("no", PasswordTicketVerdict::Reject),
            ("yes", PasswordTicketVerdict::Approve),
        ] {
            self.resolve_ticket(&ticket, key, verdict).await;
        }

        // The passport holder has the same card.
        let declined = self.decision(pay("p", &passport, "k", 100)).await;
        assert_eq!(declined, "RISK_CARD_SHARED");
        let request = v1::ListRiskTicketsRequest::default();
        let listed = self.admin.list_risk_tickets(request).await.unwrap();
        let [ticket] = &listed.into_inner().tickets[..] else {
            panic!("not one ticket")
        };
        let request = v1::ResolveRiskTicketRequest {
            idempotency_key: "risk".to_owned(),
            account_id: ticket.account_id.clone(),
            ticket_id: ticket.ticket_id.clone(),
            verdict: RiskVerdict::Uphold.into(),
        };
        self.admin.resolve_risk_ticket(request).await.unwrap();
    }

    async fn rule(&mut self) {
        self.put_policy("name = \"strict\"\n[limits]\nsingle_fen = 400000\n")
            .await
            .unwrap();
        let later = "name = \"later\"\neffective_from = 2030-01-01T00:00:00+08:00\n";
        self.put_policy(later).await.unwrap();
        self.shadow("shadow", "strict").await;
        self.shadow("none", "").await;
        self.activate_policy("strict").await.unwrap();
        self.activate_policy("later").await.unwrap();
    }
}

/// Everything that an operator can change, once.
pub(crate) async fn do_everything(callers: &mut Callers) {
    let card = callers.tend().await;
    callers.resolve_all(&card).await;
    callers.rule().await;
}

const NONE: &[&str] = &[];

/// What the log must say of it, oldest first, but for when the clock was set first.
pub(crate) const EXPECTED: &[(&str, &str, &str, &[&str])] = &[
    (
        "SetClock",
        "",
        "",
        &["clock.rate: 1 → 0", "clock.follows_machine: true → false"],
    ),
    ("SetClock", "", "", &["clock.rate: 0 → 60"]),
    ("SetClock", "", "", &["clock.rate: 60 → 0"]),
    (
        "PutMerchant",
        "",
        "",
        &[
            "merchant.merchant_id:  → noodle-bar",
            "merchant.name:  → Noodle bar",
            "merchant.region:  → MAINLAND",
            "merchant.category_code:  → 5812",
            "merchant.international_cards:  → true",
        ],
    ),
    (
        "PutMerchant",
        "",
        "",
        &["merchant.international_cards: true → false"],
    ),
    (
        "PutMerchant",
        "",
        "",
        &["merchant.international_cards: false → true"],
    ),
    ("SetCardStatus", "a", "", &["status: NORMAL → LOST"]),
    ("SetCardStatus", "a", "", NONE),
    ("SetCardStatus", "a", "", &["status: LOST → NORMAL"]),
    (
        "ResolveReview",
        "p",
        "APPROVED",
        &["review: UNDER_REVIEW → APPROVED"],
    ),
    ("ResolveReview", "p", "UNRESOLVED", NONE),
    (
        "UnlockPassword",
        "a",
        "UNLOCKED",
        &[
            "password_locked_until: 2024-03-10T05:30:00.000Z → ",
            "wrong_passwords: 5 → 0",
        ],
    ),
    ("UnlockPassword", "a", "NOT_LOCKED", NONE),
    (
        "ResolvePasswordTicket",
        "c",
        "REJECTED",
        &["ticket.state: OPEN → REJECTED"],
    ),
    ("ResolvePasswordTicket", "c", "UNRESOLVED", NONE),
    (
        "ResolveRiskTicket",
        "p",
        "UPHELD",
        &["ticket.state: OPEN → UPHELD"],
    ),
    ("PutPolicy", "", "", &["policy.name:  → strict"]),
    ("PutPolicy", "", "", &["policy.name:  → later"]),
    ("SetShadowPolicy", "", "", &["shadow_policy:  → strict"]),
    ("SetShadowPolicy", "", "", &["shadow_policy: strict → "]),
    (
        "ActivatePolicy",
        "",
        "",
        &[
            "policy.activated: false → true",
            "policy_in_force: weixin-2023 → strict",
        ],
    ),
    (
        "ActivatePolicy",
        "",
        "",
        &["policy.activated: false → true"],
    ),
];

/// Holds the log, oldest first, against [`EXPECTED`].
pub(crate) fn check(log: &[v1::OperatorAction]) {
    for (action, (rpc, account, outcome, changes)) in log.iter().zip(EXPECTED) {
        let mut seen = told(action);
        if *rpc == "SetClock" {
            // By the machine's clock, or by one that goes on.
            seen.3.retain(|change| !change.starts_with("clock.now"));
        }
        let changes: Vec<_> = changes.iter().map(|&change| change.to_owned()).collect();
        assert_eq!(seen, (*rpc, *account, *outcome, changes), "{action:?}");
        assert_eq!(action.caller, OPERATOR);
        assert!(!action.idempotency_key.is_empty() && action.acted_at.is_some());
    }
    // A key that was sent again is one action, and the helper that puts the merchant uses its key again.
    assert_eq!(log.len(), EXPECTED.len());
    let mut ids: Vec<_> = log.iter().map(|action| &action.action_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), log.len(), "each has an id of its own");
}
