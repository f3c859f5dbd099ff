//! How much memory this machine has, and how much of it this container may use.
//!
//! A container's limit is that of its control group: version 2 keeps it in `memory.max`, version 1
//! in `memory.limit_in_bytes`; groups are nested and the smallest limit on the way up counts.

use std::fs;
use std::path::{Path, PathBuf};

/// The memory there is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Memory {
    /// Bytes of the machine, if it says so.
    pub machine_bytes: Option<u64>,
    /// Bytes this container may use, if it is limited to less than the machine has.
    pub container_bytes: Option<u64>,
}

impl Memory {
    /// Reads what is under `/proc` and `/sys`.
    pub fn of_this_machine() -> Self {
        Self::under(Path::new("/"))
    }

    /// The same with another place as the root of the file system.
    pub fn under(root: &Path) -> Self {
        let machine_bytes = machine_bytes(root);
        let smaller = |&bytes: &u64| machine_bytes.is_none_or(|machine| bytes < machine);
        Self { machine_bytes, container_bytes: group_bytes(root).filter(smaller) }
    }

    /// Returns what there is to use: the container's limit or else the machine's memory.
    pub fn available_bytes(&self) -> Option<u64> {
        self.container_bytes.or(self.machine_bytes)
    }
}

fn machine_bytes(root: &Path) -> Option<u64> {
    let info = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Returns the smallest limit of the control groups this process is in.
fn group_bytes(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    groups.lines().filter_map(|line| limit_of_line(root, line)).min()
}

/// Reads a line `number:controllers:path`; version 2 has the number 0 and no controllers.
fn limit_of_line(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':');
    let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    if number == "0" && controllers.is_empty() {
        smallest(&root.join("sys/fs/cgroup"), path, "memory.max")
    } else if controllers.split(',').any(|controller| controller == "memory") {
        smallest(&root.join("sys/fs/cgroup/memory"), path, "memory.limit_in_bytes")
    } else {
        None
    }
}

/// Returns the smallest limit from the group up to the top. Inside a container the path may be that
/// of the world outside, where only the top exists.
fn smallest(top: &Path, path: &str, file: &str) -> Option<u64> {
    let group = top.join(path.trim_start_matches('/'));
    let mut places: Vec<PathBuf> =
        group.ancestors().take_while(|place| place.starts_with(top)).map(Path::to_owned).collect();
    if path.contains("..") {
        places = vec![top.to_owned()];
    }
    places.iter().filter_map(|place| limit_in(&place.join(file))).min()
}

fn limit_in(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::Memory;

    const GB: u64 = 1 << 30;

    fn machine(files: &[(&str, &str)]) -> Memory {
        let root = tempfile::tempdir().unwrap();
        let meminfo = ("proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\n");
        for (path, text) in files.iter().chain([&meminfo]) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Memory::under(root.path())
    }

    #[test]
    fn without_groups_there_is_the_machine() {
        let memory = machine(&[]);
        assert_eq!(memory.machine_bytes, Some(16 * GB));
        assert_eq!(memory.container_bytes, None);
        assert_eq!(memory.available_bytes(), Some(16 * GB));
    }

    #[test]
    fn the_smallest_limit_of_version_2_counts() {
        let memory = machine(&[
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("sys/fs/cgroup/a/memory.max", "1073741824\n"),
            ("sys/fs/cgroup/memory.max", "2147483648\n"),
        ]);
        assert_eq!(memory.container_bytes, Some(GB));
        assert_eq!(memory.available_bytes(), Some(GB));
    }

    #[test]
    fn version_1_is_read_at_the_top_when_the_path_is_not_there() {
        let memory = machine(&[
            ("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/0123\n0::/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"),
        ]);
        assert_eq!(memory.container_bytes, Some(GB / 2));
    }

    #[test]
    fn a_limit_beyond_the_machine_is_none() {
        let memory = machine(&[
            ("proc/self/cgroup", "4:memory:/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ]);
        assert_eq!(memory.container_bytes, None);
    }

    #[test]
    fn a_place_without_any_of_these_files_knows_nothing() {
        assert_eq!(Memory::under(Path::new("/nonexistent")), Memory::default());
    }
}
