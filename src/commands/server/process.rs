//! What the system says about this process, read from `/proc`.

use std::fs;

/// Ticks of the processor times in `/proc/*/stat` per second, the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;
/// Fields of `/proc/*/stat` behind the name in parentheses, from the state on.
const FIRST_TIME_FIELD: usize = 11;

/// Processor seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CpuSeconds {
    pub(super) user: f64,
    pub(super) system: f64,
    pub(super) user_of_children: f64,
    pub(super) system_of_children: f64,
}

/// Returns the processor time of the whole process.
pub(super) fn cpu_seconds() -> CpuSeconds {
    cpu_seconds_in("/proc/self/stat")
}

/// Returns the processor time of the thread the process began with.
pub(super) fn cpu_seconds_of_main_thread(process_id: u32) -> CpuSeconds {
    cpu_seconds_in(&format!("/proc/self/task/{process_id}/stat"))
}

fn cpu_seconds_in(path: &str) -> CpuSeconds {
    fs::read_to_string(path).ok().and_then(|text| parse_stat(&text)).unwrap_or_default()
}

fn parse_stat(text: &str) -> Option<CpuSeconds> {
    // The name may hold spaces and parentheses itself.
    let (_, fields) = text.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(FIRST_TIME_FIELD);
    let mut next = || times.next()?.parse::<f64>().ok().map(|ticks| ticks / TICKS_PER_SECOND);
    Some(CpuSeconds {
        user: next()?,
        system: next()?,
        user_of_children: next()?,
        system_of_children: next()?,
    })
}

/// Returns the bytes of memory that are resident.
pub(super) fn resident_bytes() -> u64 {
    fs::read_to_string("/proc/self/status").ok().and_then(|text| parse_resident(&text)).unwrap_or(0)
}

fn parse_resident(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// Returns name and release of the system and the kind of processor: `Linux 6.1.0 x86_64`.
pub(super) fn system_name() -> String {
    let read = |name: &str| fs::read_to_string(format!("/proc/sys/kernel/{name}"));
    let part = |name: &str| read(name).unwrap_or_default().trim().to_string();
    format!("{} {} {}", part("ostype"), part("osrelease"), std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::{parse_resident, parse_stat};

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_times() {
        let text = "42 (a) b (c) S 1 1 1 0 -1 4194560 1 2 3 4 250 50 10 20 20 0 3 0 1";
        let times = parse_stat(text).expect("the line is whole");
        assert!((times.user - 2.5).abs() < 1e-9 && (times.system - 0.5).abs() < 1e-9);
        assert!((times.user_of_children - 0.1).abs() < 1e-9);
        assert!(parse_stat("42 (a) S 1").is_none());
    }

    #[test]
    fn the_resident_size_is_in_kibibytes() {
        assert_eq!(parse_resident("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2_097_152));
        assert_eq!(parse_resident("Name:\tx\n"), None);
    }
}
