//! Traces: the requests of accounts about which a server has lied, in a file that another run can
//! repeat.
//!
//! A file of lines, each a JSON object: first what the run was, then the requests by their index, and
//! at the end how many there are, so that a file that was cut is noticed. Passwords and cards are
//! functions of seed and account, so no secret is ever in it.

mod read;

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};

use serde::{Deserialize, Serialize};

use crate::errand::Errand;
use crate::workload::{Mode, Request};

pub(crate) use read::read;

/// Names the form of the file.
pub(crate) const SCHEMA: &str = "waika-loadgen/trace/1";

/// What was run, and what was found: the first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// [`SCHEMA`].
    pub(crate) schema: String,
    /// Version of the generator that wrote it.
    pub(crate) version: String,
    /// Seed of everyone and everything.
    pub(crate) seed: u64,
    /// Sets that run's keys apart.
    pub(crate) run_id: u64,
    /// How many accounts there were.
    pub(crate) accounts: u64,
    /// How many merchants.
    pub(crate) merchants: u64,
    /// The whole plan, as it can be given again.
    pub(crate) plan: String,
    /// What was found, for people.
    pub(crate) violation: String,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    /// Index of its arrival.
    pub(crate) index: u64,
    /// When it was due, in nanoseconds from the start; 0 in a closed loop.
    pub(crate) due_ns: u64,
    /// Index of the arrival whose key it carries.
    pub(crate) key: u64,
    /// What it was there for.
    pub(crate) errand: ErrandName,
    /// Principal to give back, in fen, if the errand gives something back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) back_fen: u64,
    /// The price, in fen.
    pub(crate) amount_fen: u64,
    /// Place of the account among the payers.
    pub(crate) account: u64,
    /// Index of the merchant.
    pub(crate) merchant: u64,
    /// How it was begun.
    pub(crate) mode: ModeName,
    /// The password was not the account's.
    pub(crate) wrong_password: bool,
}

/// What a request was there for, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrandName {
    /// [`Errand::Pay`].
    Pay,
    /// [`Errand::PayByCode`].
    PayByCode,
    /// [`Errand::PayAndReverse`].
    PayAndReverse,
    /// [`Errand::PayAndRefund`].
    PayAndRefund,
    /// [`Errand::Churn`].
    Churn,
}

/// How a purchase was begun, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeName {
    /// [`Mode::OnlineApp`].
    OnlineApp,
    /// [`Mode::OnlineMiniProgram`].
    OnlineMiniProgram,
    /// [`Mode::MerchantQr`].
    MerchantQr,
    /// [`Mode::PaymentCode`].
    PaymentCode,
}

/// The last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    /// How many requests are in the file.
    requests: u64,
}

/// A trace that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    /// What was run.
    pub(crate) header: Header,
    /// The requests, by index.
    pub(crate) lines: Vec<Line>,
}

/// The requests of some accounts among those with an index below `count`, by index. They are
/// computed again, so nothing has to be remembered during a run. `due_at` is the schedule.
pub(crate) fn lines_of<'a>(
    accounts: &'a BTreeSet<u64>,
    count: u64,
    request: impl Fn(u64) -> Request + 'a,
    mut due_at: impl FnMut(u64) -> u64 + 'a,
) -> impl Iterator<Item = Line> + 'a {
    (0..count).filter_map(move |index| {
        let request = request(index);
        let wanted = accounts.contains(&request.account);
        wanted.then(|| line(index, due_at(index), &request))
    })
}

/// One request as it is written.
pub(crate) fn line(index: u64, due_ns: u64, request: &Request) -> Line {
    let (errand, back_fen) = match request.errand {
        Errand::Pay => (ErrandName::Pay, 0),
        Errand::PayByCode => (ErrandName::PayByCode, 0),
        Errand::PayAndReverse { back_fen } => (ErrandName::PayAndReverse, back_fen),
        Errand::PayAndRefund { back_fen } => (ErrandName::PayAndRefund, back_fen),
        Errand::Churn => (ErrandName::Churn, 0),
    };
    Line {
        index,
        due_ns,
        key: request.key,
        errand,
        back_fen,
        amount_fen: request.amount_fen,
        account: request.account,
        merchant: request.merchant,
        mode: match request.mode {
            Mode::OnlineApp => ModeName::OnlineApp,
            Mode::OnlineMiniProgram => ModeName::OnlineMiniProgram,
            Mode::MerchantQr => ModeName::MerchantQr,
            Mode::PaymentCode => ModeName::PaymentCode,
        },
        wrong_password: request.wrong_password,
    }
}

impl Line {
    /// The request that it was.
    pub(crate) fn request(&self) -> Request {
        let back_fen = self.back_fen;
        Request {
            key: self.key,
            account: self.account,
            merchant: self.merchant,
            amount_fen: self.amount_fen,
            mode: match self.mode {
                ModeName::OnlineApp => Mode::OnlineApp,
                ModeName::OnlineMiniProgram => Mode::OnlineMiniProgram,
                ModeName::MerchantQr => Mode::MerchantQr,
                ModeName::PaymentCode => Mode::PaymentCode,
            },
            wrong_password: self.wrong_password,
            errand: match self.errand {
                ErrandName::Pay => Errand::Pay,
                ErrandName::PayByCode => Errand::PayByCode,
                ErrandName::PayAndReverse => Errand::PayAndReverse { back_fen },
                ErrandName::PayAndRefund => Errand::PayAndRefund { back_fen },
                ErrandName::Churn => Errand::Churn,
            },
        }
    }
}

/// Writes a trace, and says how many requests are in it.
pub(crate) fn write(
    sink: impl Write,
    header: &Header,
    lines: impl Iterator<Item = Line>,
) -> std::io::Result<u64> {
    let mut sink = BufWriter::new(sink);
    let mut requests = 0;
    write_line(&mut sink, header)?;
    for line in lines {
        write_line(&mut sink, &line)?;
        requests += 1;
    }
    write_line(&mut sink, &End { requests })?;
    sink.flush()?;
    Ok(requests)
}

fn write_line(sink: &mut impl Write, line: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *sink, line)?;
    sink.write_all(b"\n")
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(fen: &u64) -> bool {
    *fen == 0
}
