//! Putting the server's clock so that a month ends while it is measured.

use std::time::Duration;

use jiff::tz::{self, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan as _, Zoned};
use tonic::Code;
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::set_clock_request::Setting;
use waika::v1::{GetClockRequest, SetClockRequest};

use crate::exit::Failure;
use crate::output;
use crate::provision::{self, ProvisionError};
use crate::run::new_run_id;
use crate::target::Target;

/// From setting the clock to the first request: the workers connect in this time, more or less.
const LEAD: Duration = Duration::from_millis(100);

/// Moves the server's clock so that the month ends `until_midnight` after the first request, and says
/// so. Midnight is Asia/Shanghai's (D1).
pub(crate) async fn move_clock(admin: &Target, until_midnight: Duration) -> Result<(), Failure> {
    let failed = |rpc, status: &tonic::Status| match status.code() {
        Code::Unimplemented | Code::FailedPrecondition | Code::PermissionDenied => {
            Failure::Tool(format!(
                "{admin} has no clock that can be moved ({rpc}: {}): a month's end needs a \
                 waika-server with its sandbox and its administrative listener (--admin)",
                status.message()
            ))
        }
        _ => Failure::tool(ProvisionError::of(admin, rpc, status)),
    };
    let channel = provision::channel(admin).await.map_err(Failure::tool)?;
    let mut client = AdminServiceClient::new(channel);
    let answer = client.get_clock(GetClockRequest {}).await;
    let shown = answer
        .map_err(|status| failed("GetClock", &status))?
        .into_inner()
        .clock
        .and_then(|clock| clock.now)
        .and_then(|now| Timestamp::new(now.seconds, now.nanos).ok())
        .ok_or_else(|| Failure::Tool(format!("{admin} does not say what its clock shows")))?;
    let put = put_to(shown, until_midnight + LEAD).map_err(|error| {
        Failure::Tool(format!(
            "the server's clock shows {shown}, which has no month's end: {error}"
        ))
    })?;
    let request = SetClockRequest {
        idempotency_key: format!("month-end-{:016x}", new_run_id()),
        setting: Some(Setting::Move(prost_types::Timestamp {
            seconds: put.timestamp().as_second(),
            nanos: put.timestamp().subsec_nanosecond(),
        })),
    };
    client
        .set_clock(request)
        .await
        .map_err(|status| failed("SetClock", &status))?;
    output::note(&format!(
        "The server's clock was moved from {} to {} (Asia/Shanghai), so that the month ends in the \
         middle of the measured part. It stays there and goes on; accounts keep the later month even \
         if the clock is put back.",
        shanghai(shown).strftime("%F %T"),
        put.strftime("%F %T"),
    ));
    Ok(())
}

/// What the clock must show for the month to end in so long: the month that it shows, or the next if
/// less of it is left, for a clock that goes back opens no month again.
fn put_to(shown: Timestamp, until_midnight: Duration) -> Result<Zoned, jiff::Error> {
    let until = SignedDuration::try_from(until_midnight)?;
    let this_month = shanghai(shown).first_of_month()?.start_of_day()?;
    let put = this_month.checked_add(1.month())?.checked_sub(until)?;
    if put.timestamp() >= shown {
        return Ok(put);
    }
    this_month.checked_add(2.months())?.checked_sub(until)
}

fn shanghai(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::fixed(tz::offset(8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_put_before_the_end_of_the_month_that_it_shows() {
        let check = |shown: &str, seconds: u64, expected: &str| {
            let put = put_to(shown.parse().unwrap(), Duration::from_secs(seconds)).unwrap();
            assert_eq!(put.timestamp(), expected.parse().unwrap(), "{shown}");
        };
        check("2026-11-29T18:00:00Z", 12, "2026-11-30T15:59:48Z");
        // It is December already in Shanghai.
        check("2026-11-30T16:00:00Z", 12, "2026-12-31T15:59:48Z");
        check("2026-12-31T15:00:00Z", 12, "2026-12-31T15:59:48Z");
        check("2028-02-01T00:00:00Z", 3_600, "2028-02-29T15:00:00Z");
        // Too late for this month.
        check("2026-11-30T15:59:50Z", 12, "2026-12-31T15:59:48Z");
        check("2026-11-30T15:59:48Z", 12, "2026-11-30T15:59:48Z");
    }
}
