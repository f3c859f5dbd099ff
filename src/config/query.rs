//! CONFIG GET.

use crate::base::glob;

use super::store::Config;
use super::table::{ROWS, find, names};

impl Config {
    /// Says whether the value of a setting must not appear in logs.
    pub fn is_secret(name: &[u8]) -> bool {
        find(name).is_some_and(|(row, _)| row.facts.sensitive)
    }

    /// Returns names and values of the settings that match any of the patterns, each name once.
    ///
    /// A setting with another name appears under each name that matches. A pattern without special
    /// characters is a name and comes back as it was written, in whatever case.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let values = self.values();
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for pattern in patterns {
            for (name, index) in matching(pattern) {
                if found.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                    continue;
                }
                found.push((name, ROWS[index].kind.show(&values[index])));
            }
        }
        found
    }
}

/// Returns the names that match, each with the place of its setting in the table.
fn matching(pattern: &[u8]) -> Vec<(Vec<u8>, usize)> {
    if !pattern.iter().any(|byte| b"[*?".contains(byte)) {
        return find(pattern)
            .map(|(row, _)| (pattern.to_vec(), row.setting.index()))
            .into_iter()
            .collect();
    }
    ROWS.iter()
        .filter(|row| !row.facts.hidden)
        .flat_map(|row| names(row).map(move |name| (name, row.setting.index())))
        .filter(|(name, _)| glob::matches(pattern, name.as_bytes(), true))
        .map(|(name, index)| (name.as_bytes().to_vec(), index))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn names(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        let found = Config::default().get(&patterns);
        found.into_iter().map(|(name, _)| String::from_utf8(name).unwrap()).collect()
    }

    fn value(name: &str) -> String {
        let (_, value) = Config::default().get(&[name.as_bytes()]).remove(0);
        String::from_utf8(value).unwrap()
    }

    #[test]
    fn names_and_aliases_match_each_for_itself() {
        assert_eq!(names(&["*of"]), ["replicaof", "slaveof"]);
        assert_eq!(names(&["lua-time-limit"]), ["lua-time-limit"]);
        assert_eq!(names(&["*MAXMEMORY-S*"]), ["maxmemory-samples"]);
    }

    #[test]
    fn a_name_comes_back_once_and_as_it_was_written() {
        assert_eq!(names(&["MaxMemory", "maxmemory", "maxmemor[y]"]), ["MaxMemory"]);
        assert!(names(&["no-such-setting"]).is_empty());
    }

    #[test]
    fn hidden_settings_must_be_asked_for_by_name() {
        assert!(!names(&["*"]).iter().any(|name| name == "key-load-delay"));
        assert_eq!(names(&["key-load-delay"]), ["key-load-delay"]);
    }

    #[test]
    fn values_look_as_in_the_originals() {
        assert_eq!(value("save"), "3600 1 300 100 60 10000");
        assert_eq!(
            value("client-output-buffer-limit"),
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
        );
        assert_eq!(value("proto-max-bulk-len"), "536870912");
        assert_eq!(value("shutdown-on-sigterm"), "default");
        assert_eq!(value("latency-tracking-info-percentiles"), "50 99 99.9");
        assert_eq!(value("oom-score-adj-values"), "0 200 800");
        assert_eq!(value("replicaof"), "");
    }
}
