//! Jobs that no plan is read for: every command but `run` begins with one.

use std::path::PathBuf;
use std::time::Duration;

use super::{Demand, Job, KnownServer, Manner, Pace};
use crate::args::{EngineArgs, PeopleArgs, Place, TrafficArgs};
use crate::exit::Failure;
use crate::plan::Details;
use crate::report::outputs::OutputArgs;
use crate::start::PartArgs;
use crate::target::{Address, Target};
use crate::threshold::Thresholds;

impl Job {
    /// Payments alone, of accounts that are all as popular, none of them twice and none with a wrong
    /// password. It takes no time yet, nobody checks the answers, and it is written down nowhere.
    pub(crate) fn bare(at: Place, people: PeopleArgs, pace: Pace, engine: EngineArgs) -> Self {
        Self {
            place: at,
            people,
            synthetic: false,
            pace,
            duration: Duration::ZERO,
            warm_up: Duration::ZERO,
            engine,
            traffic: TrafficArgs {
                duplicates: 0,
                wrong_passwords: 0,
                zipf: 0.0,
            },
            demand: Demand::plain(0.0),
            manner: Manner {
                oracle: false,
                ..Manner::plain()
            },
            details: Details::default(),
            thresholds: Thresholds::default(),
            run_id: None,
            replay: None,
            replayed: None,
            plan_text: None,
            trace: PathBuf::new(),
            output: OutputArgs::default(),
            hlog: None,
            part: PartArgs::default(),
            server: KnownServer::default(),
        }
    }
}

impl Place {
    /// Where nobody is: of a job that is only to be looked at.
    pub(crate) fn nowhere() -> Result<Self, Failure> {
        let address: Address = "http://127.0.0.1:1".parse().map_err(Failure::tool)?;
        let nowhere = Target::plain(address);
        let nowhere = nowhere.ok_or_else(|| Failure::tool("nowhere speaks TLS"))?;
        Ok(Self {
            target: nowhere.clone(),
            admin: nowhere,
        })
    }
}
