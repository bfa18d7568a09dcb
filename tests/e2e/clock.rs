//! The sandbox's clock, by which decisions are taken: frozen, moved, hurried, and let go (D1).

use tonic_types::StatusExt as _;
use waika::v1::{self, set_clock_request::Setting};

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{Callers, instant};

fn set(key: &str, setting: Setting) -> v1::SetClockRequest {
    v1::SetClockRequest {
        idempotency_key: key.to_owned(),
        setting: Some(setting),
    }
}

fn hurry(from: Option<&str>, rate: i32) -> Setting {
    Setting::Accelerate(v1::ClockAcceleration {
        from: from.map(instant),
        rate,
    })
}

async fn clock(callers: &mut Callers) -> v1::ClockState {
    let request = v1::GetClockRequest {};
    let read = callers.admin.get_clock(request).await.unwrap();
    read.into_inner().clock.unwrap()
}

/// What the machine's own clock shows, in seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the server's clock is held against the machine's"
)]
fn machine() -> i64 {
    let now = prost_types::Timestamp::from(std::time::SystemTime::now());
    now.seconds
}

const JANUARY: &str = "2024-01-31T23:59:59.999+08:00";

#[tokio::test]
async fn a_clock_that_is_frozen_stands_through_a_restart() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let own = clock(&mut callers).await;
    assert_eq!((own.rate, own.follows_machine), (1, true));
    assert!((own.now.unwrap().seconds - machine()).abs() < 3_600);

    let request = set("f", Setting::Freeze(instant(JANUARY)));
    let frozen = callers.admin.set_clock(request.clone()).await.unwrap();
    let frozen = frozen.into_inner();
    let state = v1::ClockState {
        now: Some(instant(JANUARY)),
        rate: 0,
        follows_machine: false,
    };
    assert_eq!((frozen.clock, frozen.replayed), (Some(state), false));
    let card = callers.wallet("a").await;
    for key in ["1", "2"] {
        let paid = callers.paid("a", &card, key, 100).await;
        assert_eq!(paid.decided_at, Some(instant(JANUARY)));
    }
    assert_eq!(clock(&mut callers).await, state);
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(clock(&mut callers).await, state);

    // Its key gives the stored answer, and sets nothing.
    callers.freeze("2024-02-01T00:00:00+08:00").await;
    let again = callers.admin.set_clock(request).await.unwrap().into_inner();
    assert_eq!((again.clock, again.replayed), (Some(state), true));
    let now = clock(&mut callers).await.now;
    assert_eq!(now, Some(instant("2024-02-01T00:00:00+08:00")));
    for setting in [
        Setting::Freeze(instant("2024-02-01T00:00:00+08:00")),
        Setting::Move(instant(JANUARY)),
        hurry(None, 1),
        Setting::FollowMachine(v1::MachineClock {}),
    ] {
        let conflict = callers.admin.set_clock(set("f", setting)).await;
        let conflict = conflict.unwrap_err();
        assert_eq!(conflict.code(), tonic::Code::AlreadyExists);
        let info = conflict.get_error_details().error_info().cloned().unwrap();
        assert_eq!(info.metadata["field"], "setting");
    }
}

#[tokio::test]
async fn a_clock_goes_on_from_where_it_was_moved_and_follows_the_machine_again() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let begin = instant(JANUARY);
    let request = set("m", Setting::Move(begin));
    let moved = callers.admin.set_clock(request).await.unwrap();
    let moved = moved.into_inner().clock.unwrap();
    assert_eq!((moved.now, moved.rate), (Some(begin), 1));
    let shows = clock(&mut callers).await.now.unwrap();
    assert!((begin.seconds..begin.seconds + 3_600).contains(&shows.seconds));
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    let later = clock(&mut callers).await.now.unwrap();
    assert!((later.seconds, later.nanos) > (shows.seconds, shows.nanos));

    let request = set("own", Setting::FollowMachine(v1::MachineClock {}));
    let own = callers.admin.set_clock(request).await.unwrap();
    let own = own.into_inner().clock.unwrap();
    assert_eq!((own.rate, own.follows_machine), (1, true));
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    let own = clock(&mut callers).await;
    assert!(own.follows_machine);
    assert!((own.now.unwrap().seconds - machine()).abs() < 3_600);
}

#[tokio::test]
async fn a_clock_that_hurries_passes_days_in_no_time() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let begin = instant(JANUARY).seconds;
    let request = set("h", hurry(Some(JANUARY), 1_000_000));
    let state = callers.admin.set_clock(request).await.unwrap();
    assert_eq!(state.into_inner().clock.unwrap().rate, 1_000_000);
    // A thousand seconds of it pass in each millisecond.
    while clock(&mut callers).await.now.unwrap().seconds < begin + 86_400 {}
    callers.freeze("2024-03-01T00:00:00+08:00").await;
    let request = set("on", hurry(None, 1_000_000));
    let state = callers.admin.set_clock(request).await.unwrap();
    let from = state.into_inner().clock.unwrap().now;
    assert_eq!(
        from,
        Some(instant("2024-03-01T00:00:00+08:00")),
        "from there"
    );
    let shows = clock(&mut callers).await.now.unwrap().seconds;
    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    let state = clock(&mut callers).await;
    assert_eq!(state.rate, 1_000_000);
    assert!(state.now.unwrap().seconds > shows, "it went on meanwhile");
}

#[tokio::test]
async fn settings_that_are_malformed_are_named_and_set_nothing() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers.freeze(JANUARY).await;
    let before = clock(&mut callers).await;
    let at = |seconds| prost_types::Timestamp { seconds, nanos: 0 };
    let year_10000 = at(253_402_300_800);
    for (field, setting) in [
        ("freeze", Setting::Freeze(at(-1))),
        ("freeze", Setting::Freeze(year_10000)),
        ("move", Setting::Move(at(i64::MAX))),
        ("accelerate.rate", hurry(None, 0)),
        ("accelerate.rate", hurry(None, -1)),
        ("accelerate.rate", hurry(None, 1_000_001)),
        (
            "accelerate.from",
            Setting::Accelerate(v1::ClockAcceleration {
                from: Some(at(-1)),
                rate: 1,
            }),
        ),
    ] {
        let error = callers.admin.set_clock(set("k", setting)).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument, "{field}");
        assert_eq!(bad_fields(&error), named([field]));
    }
    let nothing = v1::SetClockRequest::default();
    let error = callers.admin.set_clock(nothing).await.unwrap_err();
    assert_eq!(bad_fields(&error), named(["idempotency_key", "setting"]));
    assert_eq!(clock(&mut callers).await, before);
}
