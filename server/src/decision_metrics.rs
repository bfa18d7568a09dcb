//! Counts decisions for Prometheus. Handles are found once; counting one is an addition.

use metrics::{Counter, counter};
use waika_domain::decline::{DeclineReason, Layer};
use waika_domain::event::{BindDecided, DecidedPayment, Event, Payment, Scene};
use waika_domain::refusal::BindRefusal;

use crate::hop_metrics::HopMetrics;

const SCENES: [(Scene, &str); 5] = [
    (Scene::Purchase, "PURCHASE"),
    (Scene::RedPacket, "RED_PACKET"),
    (Scene::Transfer, "TRANSFER"),
    (Scene::TopUp, "TOP_UP"),
    (Scene::WealthProduct, "WEALTH_PRODUCT"),
];

/// The counters of decisions, of each kind.
pub(crate) struct DecisionMetrics {
    /// By scene.
    approved: Vec<Counter>,
    /// By reason, then scene.
    declined: Vec<Vec<Counter>>,
    bound: Counter,
    /// By reason.
    not_bound: Vec<Counter>,
    replayed: Counter,
    /// Searches among older keys, by whether their hash was there.
    older_found: Counter,
    older_not_found: Counter,
    /// Passwords that moved to the active key.
    moved_passwords: Counter,
    /// What came of asking issuers.
    pub(crate) hops: HopMetrics,
}

impl std::fmt::Debug for DecisionMetrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DecisionMetrics")
    }
}

impl DecisionMetrics {
    /// Finds every handle.
    pub(crate) fn new() -> Self {
        let decisions = |decision, reason: &'static str, layer: &'static str| {
            let of_scene = |(_, scene): (Scene, &'static str)| {
                counter!(
                    "waika_decisions_total",
                    "decision" => decision, "reason" => reason, "layer" => layer, "scene" => scene
                )
            };
            SCENES.map(of_scene).to_vec()
        };
        let declined = |reason: &DeclineReason| {
            decisions("DECLINED", reason.name(), layer_name(reason.layer()))
        };
        let binds = |outcome, reason: &'static str| counter!("waika_binds_total", "outcome" => outcome, "reason" => reason);
        let not_bound = |reason: &BindRefusal| binds("REFUSED", reason.name());
        Self {
            approved: decisions("APPROVED", "", ""),
            declined: DeclineReason::ALL.iter().map(declined).collect(),
            bound: binds("BOUND", ""),
            not_bound: BindRefusal::ALL.iter().map(not_bound).collect(),
            replayed: counter!("waika_replays_total"),
            older_found: counter!("waika_older_key_searches_total", "found" => "yes"),
            older_not_found: counter!("waika_older_key_searches_total", "found" => "no"),
            moved_passwords: counter!("waika_moved_passwords_total"),
            hops: HopMetrics::new(),
        }
    }

    /// Counts a password that is kept under the active key from now on.
    pub(crate) fn count_moved_password(&self) {
        self.moved_passwords.increment(1);
    }

    /// Counts what was decided; not what a used key was told again.
    pub(crate) fn count(&self, event: &Event) {
        self.hops.count(event);
        if let Event::BindDecided(decided) = event {
            self.count_bind(decided);
        }
        let scene = |payment: &Payment| payment.scene;
        match event.decision() {
            Some(DecidedPayment::Approved(posted)) => {
                let scene = scene(&posted.reservation.payment);
                increment(self.approved.get(place(scene)));
            }
            Some(DecidedPayment::Declined(declined)) => {
                self.count_decline(declined.decline.reason, scene(&declined.payment));
            }
            Some(DecidedPayment::Voided(voided)) => {
                self.count_decline(voided.decline.reason, scene(&voided.reservation.payment));
            }
            None => {}
        }
    }

    /// Counts a used key that was told its stored answer.
    pub(crate) fn count_replay(&self) {
        self.replayed.increment(1);
    }

    /// Counts a look at the disk for a key that may be an older one.
    pub(crate) fn count_older_search(&self, found: bool) {
        let counter = if found {
            &self.older_found
        } else {
            &self.older_not_found
        };
        counter.increment(1);
    }

    fn count_decline(&self, reason: DeclineReason, scene: Scene) {
        let of_reason = self.declined.get(ordinal(reason.number()));
        increment(of_reason.and_then(|scenes| scenes.get(place(scene))));
    }

    fn count_bind(&self, decided: &BindDecided) {
        match &decided.outcome {
            Ok(_) => self.bound.increment(1),
            Err(refused) => increment(self.not_bound.get(ordinal(refused.reason.number()))),
        }
    }
}

fn increment(counter: Option<&Counter>) {
    if let Some(counter) = counter {
        counter.increment(1);
    }
}

fn place(scene: Scene) -> usize {
    SCENES
        .iter()
        .position(|(known, _)| *known == scene)
        .unwrap_or_default()
}

/// Reasons are numbered from one, in the order of their list.
fn ordinal(number: i32) -> usize {
    usize::try_from(number - 1).unwrap_or(usize::MAX)
}

fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::Wallet => "WALLET",
        Layer::Merchant => "MERCHANT",
        Layer::Risk => "RISK",
        Layer::Issuer => "ISSUER",
    }
}
