//! Risks and the clock: from messages and back.

use tonic::Status;
use waika::v1;
use waika::v1::set_clock_request::Setting;
use waika_domain::Malformed;
use waika_domain::identifiers::{AccountId, CardToken, TicketId};
use waika_domain::period::{Day, Timestamp};
use waika_domain::risk::RiskTicket;
use waika_domain::sandbox_clock::ClockSetting;

use super::parse::{Digests, Fields};
use super::party::Party;
use super::{enums, outcome};
use crate::clock::ClockAsked;
use crate::ledger::{Call, OpenTicket, Operation, Rpc};

/// An operator's verdict on a risk ticket.
pub(super) struct RiskVerdict {
    pub(super) account: AccountId,
    pub(super) call: Call,
    pub(super) ticket: TicketId,
    pub(super) cleared: bool,
}

pub(super) fn parse_risk_verdict(
    request: &v1::ResolveRiskTicketRequest,
    party: &Party<'_>,
) -> Result<RiskVerdict, Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let ticket = fields.take("ticket_id", TicketId::parse(&request.ticket_id));
    let cleared = match request.verdict() {
        v1::RiskVerdict::Unspecified => None,
        v1::RiskVerdict::Clear => Some(true),
        v1::RiskVerdict::Uphold => Some(false),
    };
    let cleared = fields.require("verdict", cleared, "must be CLEAR or UPHOLD");
    let whole = (|| Some((key?, account?, ticket?, cleared?)))();
    let (key, account, ticket, cleared) = fields.finish(whole)?;
    let call = Digests::new(party)
        .with("ticket_id", &request.ticket_id)
        .with_number("verdict", request.verdict)
        .call(Rpc::ResolveRiskTicket, key);
    Ok(RiskVerdict {
        account,
        call,
        ticket,
        cleared,
    })
}

pub(super) fn risk_verdict(cleared: bool) -> v1::RiskVerdict {
    if cleared {
        v1::RiskVerdict::Clear
    } else {
        v1::RiskVerdict::Uphold
    }
}

/// A ticket that is open.
pub(super) fn open_ticket(open: &OpenTicket) -> v1::RiskTicket {
    v1::RiskTicket {
        still_applies: open.still_applies,
        ..ticket(&open.account, &open.ticket)
    }
}

/// A ticket as it was closed.
pub(super) fn ticket(account: &AccountId, ticket: &RiskTicket) -> v1::RiskTicket {
    v1::RiskTicket {
        ticket_id: ticket.id.to_string(),
        account_id: account.to_string(),
        card_token: ticket.card.to_string(),
        reason: ticket.reason.decline_reason().number(),
        opened_at: Some(outcome::timestamp(ticket.opened_at)),
        still_applies: false,
    }
}

const GIVE_A_SETTING: &str = "must be freeze, move, accelerate or follow_machine";

/// What an operator says of a card to the sandbox's issuer.
pub(super) fn parse_card_status(
    request: &v1::SetCardStatusRequest,
    party: &Party<'_>,
) -> Result<(AccountId, Call, Operation), Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let account = fields.account(&request.account_id);
    let card = fields.take("card_token", CardToken::parse(&request.card_token));
    let status = v1::CardStatus::try_from(request.status)
        .ok()
        .and_then(enums::card_status);
    let status = fields.require("status", status, "must be a card status that is known");
    let whole = (|| Some((key?, account?, card?, status?)))();
    let (key, account, card, status) = fields.finish(whole)?;
    let call = Digests::new(party)
        .with("card_token", &request.card_token)
        .with_number("status", request.status)
        .call(Rpc::SetCardStatus, key);
    Ok((account, call, Operation::SetCardStatus { card, status }))
}

pub(super) fn parse_clock(
    request: &v1::SetClockRequest,
    party: &Party<'_>,
) -> Result<(Call, ClockAsked), Status> {
    let mut fields = Fields::default();
    let key = fields.key(&request.idempotency_key);
    let setting = fields.require("setting", request.setting.as_ref(), GIVE_A_SETTING);
    let asked = setting.and_then(|setting| parse_setting(&mut fields, setting));
    let whole = (|| Some((key?, asked?)))();
    let (key, asked) = fields.finish(whole)?;
    let (from, rate) = match asked {
        ClockAsked::Go { from, rate } => (from.map(Timestamp::unix_ms), Some(rate)),
        ClockAsked::FollowMachine => (None, None),
    };
    let number =
        |number: Option<i64>| number.map_or(Vec::new(), |number| number.to_le_bytes().into());
    let call = Digests::new(party)
        .with("setting", number(rate.map(i64::from)))
        .with("setting", number(from))
        .call(Rpc::SetClock, key);
    Ok((call, asked))
}

fn parse_setting(fields: &mut Fields, setting: &Setting) -> Option<ClockAsked> {
    let mut instant = |name, at: &prost_types::Timestamp| fields.take(name, parse_instant(at));
    Some(match setting {
        Setting::Freeze(at) => ClockAsked::Go {
            from: Some(instant("freeze", at)?),
            rate: 0,
        },
        Setting::Move(at) => ClockAsked::Go {
            from: Some(instant("move", at)?),
            rate: 1,
        },
        Setting::Accelerate(faster) => {
            let from = match &faster.from {
                None => None,
                Some(at) => Some(instant("accelerate.from", at)?),
            };
            let rate = u32::try_from(faster.rate).ok();
            let rate = rate.filter(|rate| (1..=1_000_000).contains(rate));
            let rate = fields.require("accelerate.rate", rate, "must be 1 to 1000000")?;
            ClockAsked::Go { from, rate }
        }
        Setting::FollowMachine(_) => ClockAsked::FollowMachine,
    })
}

/// Takes an instant of the years 1970 to 9999 in Asia/Shanghai; less than a millisecond is cut.
fn parse_instant(at: &prost_types::Timestamp) -> Result<Timestamp, Malformed> {
    const EXPECTED: Malformed = Malformed::new("must be an instant of the years 1970 to 9999");
    let nanos = u32::try_from(at.nanos)
        .ok()
        .filter(|&nanos| nanos < 1_000_000_000);
    let millis = i64::from(nanos.ok_or(EXPECTED)? / 1_000_000);
    let unix_ms = at
        .seconds
        .checked_mul(1_000)
        .and_then(|ms| ms.checked_add(millis));
    let instant = Timestamp::from_unix_ms(unix_ms.ok_or(EXPECTED)?);
    let last = Day::from_civil(9999, 12, 31)?;
    let known = instant >= Timestamp::from_unix_ms(0) && instant.day() <= last;
    if known { Ok(instant) } else { Err(EXPECTED) }
}

pub(super) fn clock_state(now: Timestamp, setting: &ClockSetting) -> v1::ClockState {
    v1::ClockState {
        now: Some(outcome::timestamp(now)),
        rate: i32::try_from(setting.rate).unwrap_or(i32::MAX),
        follows_machine: setting.follows_machine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_of_the_years_1970_to_9999() {
        for (seconds, nanos, accepted) in [
            (0, 0, true),
            (-1, 0, false),
            (0, -1, false),
            (0, 1_000_000_000, false),
            (1_706_716_799, 999_999_999, true),
            (253_402_271_999, 0, true),
            (253_402_272_000, 0, false),
            (i64::MAX, 0, false),
        ] {
            let instant = parse_instant(&prost_types::Timestamp { seconds, nanos });
            assert_eq!(instant.is_ok(), accepted, "{seconds} s {nanos} ns");
        }
    }
}
