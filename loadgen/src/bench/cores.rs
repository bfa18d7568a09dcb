//! Which cores serve and which ask, so that neither takes the other's time.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::exit::Failure;

/// Cores by their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cores {
    /// Of the server.
    pub(super) server: Vec<usize>,
    /// Of whatever asks.
    pub(super) generator: Vec<usize>,
}

impl Cores {
    /// The first `wanted` of this process's cores for the server, and the others for the generator.
    pub(super) fn of_this_process(wanted: usize) -> Result<Self, Failure> {
        let allowed = allowed().map_err(Failure::tool)?;
        Self::share_out(&allowed, wanted).ok_or_else(|| {
            Failure::Usage(format!(
                "--cores {wanted}: this program may use {} here: give the server no more than that",
                allowed.len()
            ))
        })
    }

    /// Pure: where the server has all cores, the generator shares them with it. `None` if there are
    /// fewer than are wanted.
    fn share_out(allowed: &[usize], wanted: usize) -> Option<Self> {
        let (server, rest) = allowed.split_at_checked(wanted)?;
        let generator = if rest.is_empty() { server } else { rest };
        Some(Self {
            server: server.to_vec(),
            generator: generator.to_vec(),
        })
    }

    /// The server and the generator take time from each other.
    pub(super) fn are_shared(&self) -> bool {
        self.server == self.generator
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        if self.are_shared() {
            self.server.len()
        } else {
            self.server.len() + self.generator.len()
        }
    }

    /// From now on this thread, and every thread and process that it starts, is on the server's cores.
    pub(super) fn be_on_servers(&self) -> Result<(), Failure> {
        be_on(&self.server)
    }

    /// The same with the generator's cores.
    pub(super) fn be_on_generators(&self) -> Result<(), Failure> {
        be_on(&self.generator)
    }
}

/// The cores that this thread may use.
fn allowed() -> std::io::Result<Vec<usize>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU)
        .filter(|core| set.is_set(*core))
        .collect())
}

fn be_on(cores: &[usize]) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set)
        .map_err(|error| Failure::Tool(format!("cannot choose a core: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_and_the_generator_have_cores_of_their_own_where_there_are_enough() {
        let check = |allowed: &[usize], wanted, expected: Option<(&[usize], &[usize])>| {
            let cores = Cores::share_out(allowed, wanted);
            let found = cores
                .as_ref()
                .map(|cores| (cores.server.as_slice(), cores.generator.as_slice()));
            assert_eq!(found, expected, "{allowed:?} {wanted}");
        };
        check(&[0, 1], 1, Some((&[0], &[1])));
        check(&[2, 5, 7], 2, Some((&[2, 5], &[7])));
        check(&[0, 1, 2, 3], 1, Some((&[0], &[1, 2, 3])));
        check(&[3], 1, Some((&[3], &[3])));
        check(&[0, 1], 2, Some((&[0, 1], &[0, 1])));
        check(&[0, 1], 3, None);
    }

    #[test]
    fn a_thread_goes_where_it_is_told() {
        let all = allowed().unwrap();
        let last = all.last().copied().unwrap();
        let found = std::thread::spawn(move || {
            be_on(&[last]).unwrap();
            allowed().unwrap()
        });
        assert_eq!(found.join().unwrap(), [last]);
        assert_eq!(allowed().unwrap(), all, "another thread is where it was");
    }
}
