//! A caller's leave to make a call.

use std::sync::Arc;
use std::time::Duration;

use super::allow_list::{Callers, Grant, is_open_to_all};
use super::rate::Rate;
use crate::caller::Caller;

/// Why a call may not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// Nobody knows who calls.
    #[error("{0}")]
    Unknown(&'static str),
    /// It is known, and may not.
    #[error("{caller} may not call {path}")]
    NotAllowed {
        /// Who calls.
        caller: Caller,
        /// What is called.
        path: Box<str>,
    },
    /// It calls more often than it may.
    #[error("{caller} calls more often than it may: nothing was applied; try again in {wait:?}")]
    TooOften {
        /// Who calls.
        caller: Caller,
        /// When it may call again.
        wait: Duration,
    },
}

impl Denied {
    /// The word for it, in the answer, the log and the metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "CALLER_UNKNOWN",
            Self::NotAllowed { .. } => "CALLER_NOT_ALLOWED",
            Self::TooOften { .. } => "CALLER_RATE",
        }
    }

    /// Who was denied; empty if nobody knows.
    pub(crate) fn caller(&self) -> &str {
        match self {
            Self::Unknown(_) => "",
            Self::NotAllowed { caller, .. } | Self::TooOften { caller, .. } => caller,
        }
    }
}

/// What a caller may call, as last looked up.
#[derive(Debug, Clone)]
pub(crate) struct Granted {
    caller: Caller,
    callers: Arc<Callers>,
    generation: u64,
    grant: Option<Arc<Grant>>,
    rate: Option<Arc<Rate>>,
}

impl Granted {
    /// Looks a caller up.
    pub(crate) fn to(caller: Caller, callers: &Arc<Callers>) -> Self {
        let generation = callers.generation();
        let grant = callers.grant(&caller);
        let rate = grant
            .as_ref()
            .and_then(|grant| callers.rate(&caller, grant));
        Self {
            grant,
            rate,
            generation,
            callers: Arc::clone(callers),
            caller,
        }
    }

    /// Counts one call, and checks it by the list that is in force now.
    pub(crate) fn begin(&mut self, path: &str) -> Result<&Caller, Denied> {
        self.check(path)?;
        if self.rate.is_some() && !is_open_to_all(path) {
            self.count()?;
        }
        Ok(&self.caller)
    }

    fn count(&self) -> Result<(), Denied> {
        let counted = self.rate.as_ref().map_or(Ok(()), |rate| rate.take());
        counted.map_err(|wait| Denied::TooOften {
            caller: self.caller.clone(),
            wait,
        })
    }

    /// Checks what is going on, by the list that is in force now.
    fn check(&mut self, path: &str) -> Result<&Caller, Denied> {
        if self.callers.generation() != self.generation {
            *self = Self::to(self.caller.clone(), &self.callers);
        }
        if self.grant.as_ref().is_some_and(|grant| grant.allows(path)) || is_open_to_all(path) {
            return Ok(&self.caller);
        }
        Err(Denied::NotAllowed {
            caller: self.caller.clone(),
            path: path.into(),
        })
    }
}

/// Goes with a call that was let in, for what it does later: a stream may outlast its leave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pass {
    granted: Option<Granted>,
}

impl Pass {
    /// Of a caller that is told apart.
    pub(crate) fn of(granted: Granted) -> Self {
        Self {
            granted: Some(granted),
        }
    }

    /// Who calls.
    pub(crate) fn caller(&self) -> Caller {
        let granted = self.granted.as_ref();
        granted.map_or_else(Caller::default, |granted| granted.caller.clone())
    }

    /// Checks again what was allowed when the call began.
    pub(crate) fn check(&mut self, path: &str) -> Result<(), Denied> {
        match &mut self.granted {
            Some(granted) => granted.check(path).map(drop),
            None => Ok(()),
        }
    }

    /// Counts a call that came in a stream.
    pub(crate) fn count(&self) -> Result<(), Denied> {
        let granted = self.granted.as_ref();
        granted.map_or(Ok(()), Granted::count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::AllowList;

    fn list(entries: &[(&str, &str)]) -> AllowList {
        let mut list = AllowList::default();
        for (name, path) in entries {
            list.add(name, [*path].into_iter().collect());
        }
        list
    }

    #[test]
    fn a_leave_that_was_taken_back_ends_at_once() {
        let callers = Arc::new(Callers::new(list(&[("a.b", "/s/m")])));
        let mut granted = Granted::to("a.b".into(), &callers);
        assert_eq!(&**granted.begin("/s/m").unwrap(), "a.b");
        let mut pass = Pass::of(granted.clone());
        assert!(pass.check("/s/m").is_ok());
        callers.replace(list(&[("a.c", "/s/m")]));
        let denied = Denied::NotAllowed {
            caller: "a.b".into(),
            path: "/s/m".into(),
        };
        assert_eq!(granted.begin("/s/m"), Err(denied.clone()));
        assert_eq!(pass.check("/s/m"), Err(denied));
        assert!(granted.begin("/grpc.health.v1.Health/Check").is_ok());
        callers.replace(list(&[("a.b", "/s/m")]));
        assert!(pass.check("/s/m").is_ok());
    }

    #[test]
    fn where_nobody_is_told_apart_everybody_may() {
        let mut pass = Pass::default();
        assert!(pass.check("/s/m").is_ok());
        assert!(pass.caller().is_nobody());
    }
}
