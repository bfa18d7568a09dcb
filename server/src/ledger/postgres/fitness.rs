//! Whether a database is one to decide over: what it is, what it promises, and whether its clock is ours.

use std::time::{Duration, UNIX_EPOCH};

use tokio_postgres::{Client, Error};

use crate::clock::{monotonic, system_time};

/// The oldest that has what is used here (`client_connection_check_interval`).
const OLDEST: u32 = 14;
/// How far its clock may be from ours: months end by the clock of whoever decides.
pub const MOST_SKEW: Duration = Duration::from_secs(2);
/// Questions for the time; the one that was answered fastest tells most.
const CLOCK_QUESTIONS: usize = 5;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitness {
    /// Its version as it writes it, such as `15.9 (Debian …)`.
    pub version: String,
    /// Hosts in its URL: of several another may be the one that writes, the next time.
    pub hosts: usize,
    /// `synchronous_commit` as it is for this user.
    pub synchronous_commit: String,
    /// `fsync`.
    pub fsync: bool,
    /// `full_page_writes`.
    pub full_page_writes: bool,
    /// `synchronous_standby_names`: empty where nobody else must have a commit before it is told.
    pub synchronous_standbys: String,
    /// It follows another, or takes no writes from this user.
    pub is_replica: bool,
    /// Microseconds that its clock is ahead of ours.
    pub clock_ahead_us: i64,
    /// By how many of them that may be wrong: half of the time that the question took.
    pub clock_within_us: i64,
}

/// Why a database is none to decide over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Too old.
    #[error("is PostgreSQL {0}: 14 is the oldest that will do")]
    TooOld(String),
    /// It takes no writes.
    #[error("is a replica, or read-only: name the primary, or all of its hosts")]
    ReadOnly,
    /// Commits that it has answered can be lost.
    #[error(
        "has {0}, so that a decision it has answered can be lost: set it back, or allow that with \
         --store-may-lose-commits"
    )]
    NotDurable(&'static str),
    /// Its clock is not ours.
    #[error(
        "has a clock that is {ahead_ms} ms ahead of this machine's (2,000 either way are allowed): mend the clock \
         of the one or the other"
    )]
    OtherTime {
        /// Milliseconds; below 0 for one that is behind.
        ahead_ms: i64,
    },
}

impl Fitness {
    /// Asks for it.
    pub(super) async fn of(client: &Client, hosts: usize) -> Result<Self, Error> {
        let row = client
            .query_one(
                "select current_setting('server_version'), current_setting('synchronous_commit'),
                    current_setting('fsync')::boolean, current_setting('full_page_writes')::boolean,
                    current_setting('synchronous_standby_names'),
                    pg_is_in_recovery() or current_setting('transaction_read_only')::boolean",
                &[],
            )
            .await?;
        let (clock_ahead_us, clock_within_us) = clock(client).await?;
        Ok(Self {
            version: row.try_get(0)?,
            hosts,
            synchronous_commit: row.try_get(1)?,
            fsync: row.try_get(2)?,
            full_page_writes: row.try_get(3)?,
            synchronous_standbys: row.try_get(4)?,
            is_replica: row.try_get(5)?,
            clock_ahead_us,
            clock_within_us,
        })
    }

    /// The first thing that is against it.
    pub fn check(&self, may_lose_commits: bool) -> Result<(), Unfit> {
        if self.is_replica {
            return Err(Unfit::ReadOnly);
        }
        if let Some(setting) = self.loses_commits().filter(|_| !may_lose_commits) {
            return Err(Unfit::NotDurable(setting));
        }
        // What it may be for certain: a slow answer is no other time.
        let certain = self
            .clock_ahead_us
            .abs()
            .saturating_sub(self.clock_within_us);
        if u128::from(certain.unsigned_abs()) > MOST_SKEW.as_micros() && certain > 0 {
            let ahead_ms = self.clock_ahead_us / 1_000;
            return Err(Unfit::OtherTime { ahead_ms });
        }
        Ok(())
    }

    /// The setting by which a commit that was answered can be lost; None if there is none.
    pub fn loses_commits(&self) -> Option<&'static str> {
        // With standbys that must have a commit, `local` does not wait for them.
        let local_only =
            self.synchronous_commit == "local" && !self.synchronous_standbys.is_empty();
        if self.synchronous_commit == "off" {
            Some("synchronous_commit = off")
        } else if local_only {
            Some("synchronous_commit = local beside synchronous_standby_names")
        } else if !self.fsync {
            Some("fsync = off")
        } else if !self.full_page_writes {
            Some("full_page_writes = off")
        } else if self.hosts > 1 && self.synchronous_standbys.is_empty() {
            Some(
                "no synchronous_standby_names, so that of several hosts only one need have a commit",
            )
        } else {
            None
        }
    }
}

/// Says whether a `server_version`, such as `15.9 (Debian …)`, is one that will do.
pub(super) fn require_new_enough(version: Option<&str>) -> Result<(), Unfit> {
    let version = version.unwrap_or("of no version");
    let major = version.split(|char: char| !char.is_ascii_digit()).next();
    match major.and_then(|major| major.parse::<u32>().ok()) {
        Some(OLDEST..) => Ok(()),
        _ => Err(Unfit::TooOld(version.to_owned())),
    }
}

/// How far its clock is ahead, and within which bound that is known, in microseconds.
async fn clock(client: &Client) -> Result<(i64, i64), Error> {
    let mut best = (0, i64::MAX);
    for _ in 0..CLOCK_QUESTIONS {
        // In this order: what interrupts between the two makes the bound wider, and does not go unseen.
        let asked = monotonic();
        let asked_at = system_time();
        let row = client
            .query_one(
                "select (extract(epoch from clock_timestamp()) * 1000000)::bigint",
                &[],
            )
            .await?;
        let within = i64::try_from(asked.elapsed().as_micros()).unwrap_or(i64::MAX) / 2 + 1;
        if within < best.1 {
            let theirs: i64 = row.try_get(0)?;
            let asked_at = asked_at.duration_since(UNIX_EPOCH).unwrap_or_default();
            let asked_at = i64::try_from(asked_at.as_micros()).unwrap_or(i64::MAX);
            best = (theirs - asked_at.saturating_add(within), within);
        }
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit() -> Fitness {
        Fitness {
            version: "15.9".to_owned(),
            hosts: 1,
            synchronous_commit: "on".to_owned(),
            fsync: true,
            full_page_writes: true,
            synchronous_standbys: String::new(),
            is_replica: false,
            clock_ahead_us: 1_999_999,
            clock_within_us: 0,
        }
    }

    #[test]
    fn what_is_against_a_database_is_named() {
        let with = |change: &dyn Fn(&mut Fitness)| {
            let mut fitness = fit();
            change(&mut fitness);
            fitness.check(false).map_err(|unfit| unfit.to_string())
        };
        assert_eq!(with(&|_| ()), Ok(()));
        for (change, word) in [
            (
                (&|it: &mut Fitness| it.is_replica = true) as &dyn Fn(&mut Fitness),
                "primary",
            ),
            (&|it| it.hosts = 2, "of several hosts only one"),
            (
                &|it| it.synchronous_commit = "off".to_owned(),
                "synchronous_commit",
            ),
            (
                &|it| {
                    it.synchronous_commit = "local".to_owned();
                    it.synchronous_standbys = "b".to_owned();
                },
                "local",
            ),
            (&|it| it.fsync = false, "fsync"),
            (&|it| it.full_page_writes = false, "full_page_writes"),
            (&|it| it.clock_ahead_us = 2_000_001, "2000 ms ahead"),
            (&|it| it.clock_ahead_us = -300_000_000, "-300000 ms ahead"),
        ] {
            let error = with(change).unwrap_err();
            assert!(error.contains(word), "{word}: {error}");
        }
        // Nobody has to have it, so that this one's own disk is enough.
        assert_eq!(
            with(&|it| it.synchronous_commit = "local".to_owned()),
            Ok(())
        );
        // Told late, and not another time.
        assert_eq!(
            with(&|it| {
                it.clock_ahead_us = 3_000_000;
                it.clock_within_us = 1_500_000;
            }),
            Ok(())
        );
        let mut told = fit();
        told.synchronous_commit = "off".to_owned();
        assert_eq!(told.check(true), Ok(()));
    }

    #[test]
    fn what_is_too_old_is_told_by_its_version() {
        for (version, is_new_enough) in [
            (Some("15.18 (Debian 15.18-0+deb12u1)"), true),
            (Some("14.0"), true),
            (Some("18beta1"), true),
            (Some("13.21"), false),
            (Some("9.6.24"), false),
            (None, false),
        ] {
            let checked = require_new_enough(version);
            assert_eq!(checked.is_ok(), is_new_enough, "{version:?}");
            if let (Err(unfit), Some(version)) = (checked, version) {
                let told = unfit.to_string();
                assert!(told.contains(version) && told.contains("14"), "{told}");
            }
        }
    }
}
