//! A program that is ended together with all that it has started.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// How often it is looked whether a killed program is gone, and how long between two looks: one
/// second in all.
const LOOKS: (u32, Duration) = (200, Duration::from_millis(5));

/// A child that leads a process group of its own. It hears the keys of a terminal only through us.
/// The whole group is killed when this is dropped, whether the child has ended by then or not.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    /// The child. It must not be waited for but by who soon drops this: once that is done, its
    /// number may become another's.
    pub(crate) child: Child,
    group: Option<Pid>,
}

impl ProcessGroup {
    /// Starts a program as the first of a new group.
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self { child, group })
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // The error is that none of it is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
        // It may write to its folder until it is gone.
        let (looks, pause) = LOOKS;
        for _ in 0..looks {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(pause),
                Ok(Some(_)) | Err(_) => break,
            }
        }
    }
}
