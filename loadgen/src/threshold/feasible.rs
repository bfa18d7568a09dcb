//! Pure: whether a plan can say anything of a threshold, told before anything is measured.

use super::select::ModeName;
use super::{Clock, Figure, Selection, Statistic, Threshold, Thresholds, quantile};
use crate::figures::{count_as_real, real_as_count, share};
use crate::report::text::grouped;
use crate::samples;
use crate::scheme::Shares;
use crate::workload::{Mix, WHOLE};

/// What is known of a run before it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'p> {
    /// Payments in the measured part; `None` if nobody knows.
    pub(crate) payments: Option<u64>,
    /// The answers set the pace.
    pub(crate) is_closed: bool,
    /// What arrivals are there for.
    pub(crate) mix: Mix,
    /// What schemes the cards are of; all of them if it is not said.
    pub(crate) schemes: Option<&'p Shares>,
    /// The server's processor time will be known.
    pub(crate) knows_server: bool,
}

/// What is wrong with thresholds over such a plan, each with the mend.
pub(crate) fn impossible(thresholds: &Thresholds, expected: &Expected<'_>) -> Vec<String> {
    let wrong = |threshold: &Threshold| {
        let what = fault(threshold, expected)?;
        Some(format!("--threshold {}: {what}", threshold.text))
    };
    thresholds.0.iter().filter_map(wrong).collect()
}

fn fault(threshold: &Threshold, expected: &Expected<'_>) -> Option<String> {
    match threshold.figure {
        Figure::ServerCpu if !expected.knows_server => {
            return Some(
                "the server's processor time is not known: give its process with --server-pid"
                    .to_owned(),
            );
        }
        Figure::Time(Clock::Lag, ..) if expected.is_closed => {
            return Some(
                "nothing is due in a closed loop, so nothing lags: leave it out".to_owned(),
            );
        }
        _ => {}
    }
    let part = part_of(threshold.selection, expected);
    if part <= 0.0 {
        return Some(nothing_selected(threshold.selection, expected));
    }
    let Figure::Time(_, Statistic::Percentile(parts), _) = threshold.figure else {
        return None;
    };
    let (needed, payments) = (samples::needed(quantile(parts)), expected.payments?);
    let likely = real_as_count(count_as_real(payments) * part);
    // A closed loop makes just as many as are asked for; otherwise chance has a say.
    let is_sure = expected.is_closed && threshold.selection == Selection::default();
    let enough = if is_sure {
        needed
    } else {
        samples::to_expect(needed)
    };
    (likely < enough).then(|| {
        let times = count_as_real(enough) / count_as_real(likely.max(1));
        format!(
            "it rests on {} samples at least, which a plan for {} hardly ever falls short of, and this plan makes \
             about {}: measure {:.1} times as long (--duration), or more at once (--rate)",
            grouped(needed),
            grouped(enough),
            grouped(likely),
            (times * 10.0).ceil() / 10.0,
        )
    })
}

/// Which part of the payments is selected, at most.
fn part_of(selection: Selection, expected: &Expected<'_>) -> f64 {
    let mix = expected.mix;
    let parts = match selection.mode {
        None => WHOLE,
        Some(ModeName::PaymentCode) => mix.payment_code,
        Some(ModeName::Qr) => mix.merchant_qr,
        Some(ModeName::App | ModeName::MiniProgram | ModeName::Online) => WHOLE
            .saturating_sub(mix.payment_code)
            .saturating_sub(mix.merchant_qr),
    };
    let of_scheme = match (selection.scheme, expected.schemes) {
        (Some(scheme), Some(shares)) => shares.share_of(scheme),
        (None, _) | (_, None) => 1.0,
    };
    share(parts.into(), WHOLE.into()) * of_scheme
}

fn nothing_selected(selection: Selection, expected: &Expected<'_>) -> String {
    let scheme = selection.scheme.filter(|scheme| {
        let shares = expected.schemes;
        shares.is_some_and(|shares| shares.share_of(*scheme) <= 0.0)
    });
    match (scheme, expected.schemes, selection.mode) {
        (Some(scheme), Some(shares), _) => format!(
            "the selector matches nothing: no account has a card of {}, they have {shares} (--scheme)",
            scheme.label()
        ),
        (_, _, mode) => {
            let there: Vec<&str> = ModeName::ALL
                .into_iter()
                .filter(|&mode| {
                    let selection = Selection {
                        mode: Some(mode),
                        scheme: None,
                    };
                    part_of(selection, expected) > 0.0
                })
                .map(ModeName::label)
                .collect();
            format!(
                "the selector matches nothing: this plan has no payments of mode {}, but {}; shares of modes are \
                 [modes] in a plan (plan show)",
                mode.map_or("", ModeName::label),
                there.join(", ")
            )
        }
    }
}
