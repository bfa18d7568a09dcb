//! Pure: which payments a threshold is about.

use std::collections::BTreeMap;

use waika::v1::DeclineReason;

use crate::outcome::{GrpcCode, Outcome};
use crate::recorder::{Sample, Times};
use crate::scheme::CardScheme;
use crate::workload::Mode;

/// Ways to end, under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The outcome that has this name in reports.
    Named(String),
    /// Approved, declined or replayed.
    Decided,
    /// Declined for any reason.
    Declined,
    /// Not decided: an error, no answer in time, or still open at the end.
    Errors,
}

impl Class {
    /// The class with this name. The error names what there is.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        match name {
            "decided" => Ok(Self::Decided),
            "declined" => Ok(Self::Declined),
            "errors" => Ok(Self::Errors),
            _ if is_known(name) => Ok(Self::Named(name.to_owned())),
            _ => Err(format!(
                "{name:?} is no outcome: there are decided, approved, replayed, declined, errors, timed_out, unfinished, \
                 transport_error, malformed_answer, the decline reasons such as {} and the gRPC codes such as {}",
                Outcome::Declined(DeclineReason::LimitMonth.into()).label(),
                GrpcCode::Unavailable.label(),
            )),
        }
    }

    /// Whether a payment that ended so is one of them.
    pub(crate) fn has(&self, outcome: Outcome) -> bool {
        match self {
            Self::Named(name) => outcome.label() == *name,
            Self::Decided => outcome.is_decided(),
            Self::Declined => matches!(outcome, Outcome::Declined(_)),
            Self::Errors => !outcome.is_decided(),
        }
    }
}

fn is_known(name: &str) -> bool {
    let plain = [
        Outcome::Approved,
        Outcome::Replayed,
        Outcome::Malformed,
        Outcome::TransportError,
        Outcome::TimedOut,
        Outcome::Unfinished,
    ];
    // Numbers have gaps, and a newer server may have reasons unknown here.
    let reasons = (1..1_000).filter(|reason| DeclineReason::try_from(*reason).is_ok());
    let codes = (1..=16).filter_map(GrpcCode::from_number);
    plain
        .into_iter()
        .chain(reasons.map(Outcome::Declined))
        .chain(codes.map(Outcome::Grpc))
        .any(|outcome| outcome.label() == name)
        || name
            .strip_prefix("DECLINE_REASON_")
            .is_some_and(|number| number.parse::<u16>().is_ok())
}

/// How a payment is begun, as a selector names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModeName {
    /// In an app.
    App,
    /// In a mini-program.
    MiniProgram,
    /// In either.
    Online,
    /// The payer scans the merchant's code.
    Qr,
    /// The merchant scans the payer's.
    PaymentCode,
}

impl ModeName {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::App,
        Self::MiniProgram,
        Self::Online,
        Self::Qr,
        Self::PaymentCode,
    ];

    /// Its name in a selector.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::MiniProgram => "mini-program",
            Self::Online => "online",
            Self::Qr => "qr",
            Self::PaymentCode => "payment-code",
        }
    }

    /// Whether a payment that is begun so is one of them.
    pub(crate) fn has(self, mode: Mode) -> bool {
        match self {
            Self::App => mode == Mode::OnlineApp,
            Self::MiniProgram => mode == Mode::OnlineMiniProgram,
            Self::Online => matches!(mode, Mode::OnlineApp | Mode::OnlineMiniProgram),
            Self::Qr => mode == Mode::MerchantQr,
            Self::PaymentCode => mode == Mode::PaymentCode,
        }
    }
}

/// Payments of one mode, of one scheme, or both; all of them if neither is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// How they are begun.
    pub(crate) mode: Option<ModeName>,
    /// What card pays.
    pub(crate) scheme: Option<CardScheme>,
}

impl Selection {
    /// Whether such a payment is one of them.
    fn has(self, mode: Mode, scheme: Option<CardScheme>) -> bool {
        self.mode.is_none_or(|name| name.has(mode))
            && self.scheme.is_none_or(|wanted| scheme == Some(wanted))
    }
}

/// What was measured of the payments of some selections; empty, and free, unless a threshold has one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selected(Vec<(Selection, BTreeMap<Outcome, Times>)>);

impl Selected {
    /// Nothing measured yet of these.
    pub(crate) fn of(selections: &[Selection]) -> Self {
        let empty = |selection: &Selection| (*selection, BTreeMap::new());
        Self(selections.iter().map(empty).collect())
    }

    /// Records a payment of this mode; whose card it was is looked up only if somebody asks.
    pub(crate) fn finish(
        &mut self,
        mode: Mode,
        scheme_of: impl FnOnce() -> Option<CardScheme>,
        outcome: Outcome,
        sample: Sample,
    ) {
        if self.0.is_empty() {
            return;
        }
        let scheme = scheme_of();
        for (selection, outcomes) in &mut self.0 {
            if selection.has(mode, scheme) {
                crate::recorder::record_in(outcomes, outcome, sample);
            }
        }
    }

    /// Takes over all that another worker recorded.
    pub(crate) fn add(&mut self, other: &Self) {
        for (selection, theirs) in &other.0 {
            let place = self.0.iter().position(|(mine, _)| mine == selection);
            match place.and_then(|place| self.0.get_mut(place)) {
                Some((_, mine)) => crate::recorder::add_outcomes(mine, theirs),
                None => self.0.push((*selection, theirs.clone())),
            }
        }
    }

    /// What was measured of one selection.
    pub(crate) fn of_selection(&self, wanted: Selection) -> Option<&BTreeMap<Outcome, Times>> {
        let found = self.0.iter().find(|(selection, _)| *selection == wanted);
        found.map(|(_, outcomes)| outcomes)
    }
}
