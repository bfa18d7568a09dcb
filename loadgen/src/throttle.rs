//! How often the kernel stopped this process because its control group had used up its share of the
//! processors.
//!
//! An answer that came while the generator was stopped is read late and looks like one of a slow
//! server; only the kernel can tell the difference. Groups lie in each other, and the quota of any of them stops everyone
//! below. Those outside this process's own view of the hierarchy, as a container has it, cannot be
//! seen.

use std::path::{Path, PathBuf};

use crate::clock::SECOND_NS;

/// What the groups around this process had counted at one instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct ThrottleReading {
    groups: Vec<(PathBuf, Throttled)>,
}

/// How much of a group was throttled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Throttled {
    /// Periods in which it ran into its quota.
    pub(crate) periods: u64,
    /// How long it was stopped, in nanoseconds, summed over processors.
    pub(crate) stopped_ns: u64,
}

impl ThrottleReading {
    /// Reads the counters of every group that this process is in now. There are none on a system
    /// without control groups.
    pub(crate) fn now() -> Self {
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        let folders = folders(&text("/proc/self/cgroup"), &text("/proc/self/mountinfo"));
        let groups = folders
            .into_iter()
            .filter_map(|folder| {
                let throttled = counters(&std::fs::read_to_string(folder.join("cpu.stat")).ok()?)?;
                Some((folder, throttled))
            })
            .collect();
        Self { groups }
    }

    /// How much was throttled since `earlier`, in the group that was stopped the longest. `None` if
    /// no group that is in both readings tells.
    pub(crate) fn since(&self, earlier: &Self) -> Option<Throttled> {
        let grown = |(folder, now): &(PathBuf, Throttled)| {
            let (_, before) = earlier.groups.iter().find(|(path, _)| path == folder)?;
            Some(Throttled {
                periods: now.periods.saturating_sub(before.periods),
                stopped_ns: now.stopped_ns.saturating_sub(before.stopped_ns),
            })
        };
        self.groups
            .iter()
            .filter_map(grown)
            .max_by_key(|throttled| (throttled.stopped_ns, throttled.periods))
    }
}

/// The folders of the groups that share out processors to this process: its own and those around
/// it, of both versions of control groups. `cgroup` and `mountinfo` are the files of that name
/// below `/proc/self`.
fn folders(cgroup: &str, mountinfo: &str) -> Vec<PathBuf> {
    let mounts: Vec<Mount<'_>> = mountinfo.lines().filter_map(Mount::read).collect();
    let mut folders = Vec::new();
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(group)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let is_meant = |mount: &&Mount<'_>| match controllers {
            "" => mount.is_unified,
            _ => mount.shares_processors && controllers.split(',').any(|name| name == "cpu"),
        };
        if let Some(mount) = mounts.iter().find(is_meant) {
            folders.extend(mount.folders_of(group));
        }
    }
    folders
}

/// A hierarchy of groups, as it is mounted.
struct Mount<'a> {
    /// The group that lies at `place`.
    root: &'a str,
    place: &'a Path,
    is_unified: bool,
    shares_processors: bool,
}

impl<'a> Mount<'a> {
    /// A line of `mountinfo`; `None` if it mounts something else.
    fn read(line: &'a str) -> Option<Self> {
        let (mount, filesystem) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let (root, place) = (mount.next()?, mount.next()?);
        let mut filesystem = filesystem.split(' ');
        let kind = filesystem.next()?;
        let options = filesystem.nth(1).unwrap_or_default();
        matches!(kind, "cgroup" | "cgroup2").then(|| Self {
            root,
            place: Path::new(place),
            is_unified: kind == "cgroup2",
            shares_processors: options.split(',').any(|option| option == "cpu"),
        })
    }

    /// The folder of a group and those of the groups around it, innermost first. A group that lies
    /// outside what is mounted is taken for the outermost that can be seen.
    fn folders_of(&self, group: &str) -> Vec<PathBuf> {
        let below = Path::new(group)
            .strip_prefix(self.root)
            .ok()
            .filter(|below| below.components().all(|part| part.as_os_str() != ".."))
            .unwrap_or(Path::new(""));
        below
            .ancestors()
            .map(|part| self.place.join(part))
            .collect()
    }
}

/// The counters in the text of a `cpu.stat`: microseconds in version 2, nanoseconds in version 1.
/// `None` if it has none, as a group has without a quota of its own in version 2.
fn counters(stat: &str) -> Option<Throttled> {
    const MICROSECOND_NS: u64 = SECOND_NS / 1_000_000;
    let field = |wanted: &str| {
        stat.lines().find_map(|line| {
            let (name, value) = line.split_once(' ')?;
            (name == wanted).then(|| value.trim().parse::<u64>().ok())?
        })
    };
    let in_microseconds = || Some(field("throttled_usec")?.saturating_mul(MICROSECOND_NS));
    Some(Throttled {
        periods: field("nr_throttled")?,
        stopped_ns: field("throttled_time").or_else(in_microseconds)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_1: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:7 - cgroup2 cgroup2 rw
";
    const VERSION_2: &str =
        "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    const CONTAINER: &str =
        "9 8 0:29 /docker/4711 /sys/fs/cgroup/cpu ro master:3 - cgroup cgroup rw,cpu\n";

    #[test]
    fn a_process_is_in_its_group_and_in_all_around_it() {
        let check = |cgroup: &str, mountinfo: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(folders(cgroup, mountinfo), expected, "{cgroup}");
        };
        let unified = "/sys/fs/cgroup";
        check(
            "0::/ci.slice/job-7\n",
            VERSION_2,
            &[
                "/sys/fs/cgroup/ci.slice/job-7",
                "/sys/fs/cgroup/ci.slice",
                unified,
            ],
        );
        check("0::/\n", VERSION_2, &[unified]);
        check(
            "5:cpuset:/far\n1:cpu,cpuacct:/batch\n0::/\n",
            VERSION_1,
            &[
                "/sys/fs/cgroup/cpu,cpuacct/batch",
                "/sys/fs/cgroup/cpu,cpuacct",
                "/sys/fs/cgroup/unified",
            ],
        );
        check("1:cpu:/docker/4711\n", CONTAINER, &["/sys/fs/cgroup/cpu"]);
        check(
            "1:cpu:/docker/4711/inner\n",
            CONTAINER,
            &["/sys/fs/cgroup/cpu/inner", "/sys/fs/cgroup/cpu"],
        );
        check("1:cpu:/elsewhere\n", CONTAINER, &["/sys/fs/cgroup/cpu"]);
        check("0::/../outside\n", VERSION_2, &[unified]);
        check("rubbish\n2:name=systemd:/x\n", VERSION_1, &[]);
        check("0::/a\n", "", &[]);
    }

    #[test]
    fn both_versions_count_in_their_own_units() {
        let check = |stat: &str, expected: Option<(u64, u64)>| {
            let expected = expected.map(|(periods, stopped_ns)| Throttled {
                periods,
                stopped_ns,
            });
            assert_eq!(counters(stat), expected, "{stat}");
        };
        check(
            "nr_periods 10\nnr_throttled 4\nthrottled_time 123456789\n",
            Some((4, 123_456_789)),
        );
        check(
            "usage_usec 99\nnr_periods 10\nnr_throttled 4\nthrottled_usec 2500\n",
            Some((4, 2_500_000)),
        );
        check("usage_usec 99\nuser_usec 98\nsystem_usec 1\n", None);
        check("nr_throttled many\nthrottled_time 1\n", None);
        check("", None);
    }

    #[test]
    fn the_group_that_was_stopped_longest_counts() {
        let reading = |groups: &[(&str, u64, u64)]| ThrottleReading {
            groups: groups
                .iter()
                .map(|&(folder, periods, stopped_ns)| {
                    let throttled = Throttled {
                        periods,
                        stopped_ns,
                    };
                    (PathBuf::from(folder), throttled)
                })
                .collect(),
        };
        let before = reading(&[("inner", 5, 500), ("outer", 0, 0), ("left", 1, 1)]);
        let after = reading(&[("inner", 6, 600), ("outer", 3, 900), ("entered", 50, 5_000)]);
        let expected = Throttled {
            periods: 3,
            stopped_ns: 900,
        };
        assert_eq!(after.since(&before), Some(expected));
        assert_eq!(before.since(&before), Some(Throttled::default()));
        assert_eq!(after.since(&reading(&[])), None);
    }
}
