//! CONFIG SET: several settings at once, all or none.

use super::kinds::{Kind, Value};
use super::store::Config;
use super::table::{Change, Effect, Row, Setting, find};

/// Who asks for a change, and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller {
    /// The client is on this machine.
    pub is_local: bool,
    /// A dataset is being loaded.
    pub is_loading: bool,
}

/// What a successful CONFIG SET has done.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Changes {
    /// The settings that now have another value, in the order they were named.
    pub settings: Vec<Setting>,
    /// What the administrator should know, for the log.
    pub warnings: Vec<String>,
}

/// What CONFIG SET says of a setting that does not exist; its name and a quote follow.
pub const UNKNOWN_OPTION: &str = "ERR Unknown option or number of arguments for CONFIG SET - '";

/// Why CONFIG SET changed nothing; its text is the reply.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// There is no such setting.
    #[error("{UNKNOWN_OPTION}{}'", String::from_utf8_lossy(.name))]
    Unknown { name: Vec<u8> },
    /// The value, the time or the caller is wrong, or the change could not be put into effect.
    #[error("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")]
    Failed { name: String, reason: String },
    /// This setting must stay while a dataset is being loaded.
    #[error("LOADING Redis is loading the dataset in memory")]
    Loading,
}

/// One pair of a CONFIG SET: the row, the name in its proper spelling, the new value.
struct Wish<'a> {
    row: &'static Row,
    name: &'static str,
    value: &'a [u8],
}

impl Config {
    /// Changes all of these settings, or none of them.
    ///
    /// `apply` is called for each setting that really changes, after all of them have their new
    /// values, to put it into effect; if it refuses, everything has its old value again and `apply`
    /// is called once more for those it was called for.
    pub fn set(
        &self,
        pairs: &[(&[u8], &[u8])],
        caller: Caller,
        apply: &mut dyn FnMut(Setting, &Self) -> Result<(), String>,
    ) -> Result<Changes, ConfigError> {
        let _turn = self.changing.lock();
        let before = self.values();
        let wishes = self.admit(pairs, caller, &before)?;
        let after = staged(&wishes, &before)?;
        let changed: Vec<&Wish<'_>> =
            wishes.iter().filter(|wish| before[wish.index()] != after[wish.index()]).collect();
        if changed.is_empty() {
            return Ok(Changes::default());
        }
        let warnings = changed.iter().filter_map(|wish| warning(wish.row, &after[wish.index()]));
        let warnings = warnings.collect();
        self.publish(after);
        self.apply_all(&changed, before, apply)?;
        Ok(Changes { settings: changed.iter().map(|wish| wish.row.setting).collect(), warnings })
    }

    /// Checks names, and whether these settings may change now and by this caller.
    fn admit<'a>(
        &self,
        pairs: &[(&[u8], &'a [u8])],
        caller: Caller,
        values: &[Value],
    ) -> Result<Vec<Wish<'a>>, ConfigError> {
        let mut wishes: Vec<Wish<'a>> = Vec::new();
        for &(spelled, value) in pairs {
            let written = || String::from_utf8_lossy(spelled).into_owned();
            let Some((row, name)) = find(spelled) else {
                return Err(ConfigError::Unknown { name: spelled.to_vec() });
            };
            let wish = Wish { row, name, value };
            let refuse = |reason: &str| {
                Err(ConfigError::Failed { name: written(), reason: reason.to_owned() })
            };
            if wish.is_fixed(values) {
                return refuse("can't set immutable config");
            }
            if row.facts.protected && !self.allows(Setting::EnableProtectedConfigs, caller.is_local)
            {
                return refuse("can't set protected config");
            }
            if row.facts.not_while_loading && caller.is_loading {
                return Err(ConfigError::Loading);
            }
            if wishes.iter().any(|other| other.name == name) {
                return refuse("duplicate parameter");
            }
            wishes.push(wish);
        }
        Ok(wishes)
    }

    /// Puts changes into effect, or takes all of them back.
    fn apply_all(
        &self,
        changed: &[&Wish<'_>],
        before: Vec<Value>,
        apply: &mut dyn FnMut(Setting, &Self) -> Result<(), String>,
    ) -> Result<(), ConfigError> {
        for (index, wish) in changed.iter().enumerate() {
            let Err(reason) = apply(wish.row.setting, self) else { continue };
            self.publish(before);
            for undone in &changed[..=index] {
                // What was in effect a moment ago is; if it is not any more, the first refusal
                // is still the one to report.
                let _ = apply(undone.row.setting, self);
            }
            return Err(ConfigError::Failed { name: wish.name.to_owned(), reason });
        }
        Ok(())
    }
}

impl Wish<'_> {
    fn index(&self) -> usize {
        self.row.setting.index()
    }

    fn is_fixed(&self, values: &[Value]) -> bool {
        match self.row.facts.change {
            Change::Live => false,
            Change::Fixed => true,
            Change::Pinned => parse_for_set(&self.row.kind, self.value, &values[self.index()])
                .is_none_or(|value| value != values[self.index()]),
        }
    }
}

fn parse_for_set(kind: &Kind, value: &[u8], current: &Value) -> Option<Value> {
    kind.parse(&words_of(kind, value), current).ok()
}

/// Returns all values as they will be.
fn staged(wishes: &[Wish<'_>], before: &[Value]) -> Result<Vec<Value>, ConfigError> {
    let mut after = before.to_vec();
    for wish in wishes {
        let failed = |reason: String| ConfigError::Failed { name: wish.name.to_owned(), reason };
        let kind = &wish.row.kind;
        let base = kind.base(&after[wish.index()]);
        let value = kind
            .parse(&words_of(kind, wish.value), &base)
            .map_err(|refusal| failed(refusal.to_string()))?;
        if let Some(reason) = refusal(wish.row, &value) {
            return Err(failed(reason.to_owned()));
        }
        after[wish.index()] = value;
    }
    Ok(after)
}

/// Returns a value's words: split at every single space where a kind takes several, and none at all
/// of an empty one.
fn words_of<'a>(kind: &Kind, value: &'a [u8]) -> Vec<&'a [u8]> {
    if !kind.takes_words() {
        return vec![value];
    }
    if value.is_empty() {
        return Vec::new();
    }
    value.split(|&byte| byte == b' ').collect()
}

/// Returns why this version cannot have this value, if so.
pub(super) fn refusal(row: &Row, value: &Value) -> Option<&'static str> {
    match row.facts.effect {
        Effect::Refused(reason) if *value != row.kind.default() => Some(reason),
        _ => None,
    }
}

/// Returns what the administrator should know about a value that does nothing.
pub(super) fn warning(row: &Row, value: &Value) -> Option<String> {
    if *value == row.kind.default() {
        return None;
    }
    match row.facts.effect {
        Effect::Never => Some(format!("'{}' is accepted but has no effect here", row.name)),
        Effect::Later => Some(format!("'{}' is accepted but has no effect yet", row.name)),
        Effect::Full | Effect::Refused(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert_eq, proptest};
    use proptest::sample::select;

    use super::{Caller, Changes, Config, Setting};
    use crate::config::kinds::Permission;
    use crate::config::table::ROWS;
    use crate::config::{container::Memory, store::default_values};

    fn set(config: &Config, pairs: &[(&str, &str)]) -> Result<Changes, String> {
        set_as(config, pairs, Caller::default())
    }

    fn set_as(config: &Config, pairs: &[(&str, &str)], caller: Caller) -> Result<Changes, String> {
        let pairs: Vec<(&[u8], &[u8])> =
            pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        config.set(&pairs, caller, &mut |_, _| Ok(())).map_err(|error| error.to_string())
    }

    fn shown(config: &Config, name: &str) -> String {
        String::from_utf8(config.get(&[name.as_bytes()]).remove(0).1).unwrap()
    }

    fn failed(name: &str, reason: &str) -> Result<Changes, String> {
        Err(format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"))
    }

    #[test]
    fn several_settings_change_together() {
        let config = Config::default();
        let before = config.generation();
        let changes =
            set(&config, &[("maxmemory", "10000001"), ("SAVE", "3000 5"), ("timeout", "0")]);
        assert_eq!(changes.unwrap().settings, [Setting::Maxmemory, Setting::Save]);
        assert_eq!(config.maxmemory_bytes(), 10_000_001);
        assert_eq!(shown(&config, "save"), "3000 5");
        assert_ne!(config.generation(), before);
    }

    #[test]
    fn one_wrong_value_changes_nothing() {
        let config = Config::default();
        let wrong = set(
            &config,
            &[
                ("maxmemory", "5"),
                ("maxmemory-clients", "200%"),
                ("client-query-buffer-limit", "x"),
            ],
        );
        let reason = "percentage argument must be less or equal to 100";
        assert_eq!(wrong, failed("maxmemory-clients", reason));
        assert_eq!(shown(&config, "maxmemory"), "0");
    }

    #[test]
    fn a_change_that_cannot_be_applied_is_taken_back() {
        let config = Config::default();
        let mut calls = Vec::new();
        let pairs: [(&[u8], &[u8]); 3] =
            [(b"maxmemory", b"7"), (b"port", b"1"), (b"timeout", b"9")];
        let error = config.set(&pairs, Caller::default(), &mut |setting, config| {
            calls.push((setting, config.number(setting)));
            let refused = setting == Setting::Port && config.number(setting) == 1;
            if refused { Err("Unable to listen on this port.".to_owned()) } else { Ok(()) }
        });
        assert_eq!(
            error.map_err(|error| error.to_string()),
            failed("port", "Unable to listen on this port.")
        );
        let (memory, port) = (Setting::Maxmemory, Setting::Port);
        assert_eq!(calls, [(memory, 7), (port, 1), (memory, 0), (port, 6379)]);
        assert_eq!(config.maxmemory_bytes(), Config::default().maxmemory_bytes());
    }

    #[test]
    fn names_are_checked_first_and_named_as_written() {
        let config = Config::default();
        let unknown = "ERR Unknown option or number of arguments for CONFIG SET - 'Wat'";
        assert_eq!(set(&config, &[("Wat", "1"), ("DAEMONIZE", "no")]), Err(unknown.into()));
        let immutable = "can't set immutable config";
        assert_eq!(
            set(&config, &[("DAEMONIZE", "no"), ("Wat", "1")]),
            failed("DAEMONIZE", immutable)
        );
        let twice = [("maxmemory", "x"), ("maxMEMORY", "2")];
        assert_eq!(set(&config, &twice), failed("maxMEMORY", "duplicate parameter"));
        let other_name = [("lua-time-limit", "1"), ("busy-reply-threshold", "2")];
        assert!(set(&config, &other_name).is_ok());
        assert_eq!(
            set(&config, &[("Lua-Time-Limit", "x")]),
            failed("lua-time-limit", "argument couldn't be parsed into an integer")
        );
    }

    #[test]
    fn a_pinned_setting_may_be_set_to_what_it_is() {
        let config = Config::default();
        assert_eq!(set(&config, &[("metrics-port", "9121")]), Ok(Changes::default()));
        let immutable = failed("metrics-port", "can't set immutable config");
        assert_eq!(set(&config, &[("metrics-port", "9122")]), immutable);
        assert_eq!(set(&config, &[("metrics-port", "wat")]), immutable);
    }

    #[test]
    fn protected_settings_depend_on_who_asks() {
        for (permission, is_local, allowed) in [
            (Permission::No, true, false),
            (Permission::Local, false, false),
            (Permission::Local, true, true),
            (Permission::Yes, false, true),
        ] {
            let mut values = default_values();
            let index = Setting::EnableProtectedConfigs.index();
            values[index] = crate::config::kinds::Value::Number(permission as i64);
            let config = Config::new(values, None, Memory::default());
            let caller = Caller { is_local, is_loading: false };
            let answer = set_as(&config, &[("dbfilename", "x.rdb")], caller);
            assert_eq!(answer.is_ok(), allowed);
            if !allowed {
                assert_eq!(answer, failed("dbfilename", "can't set protected config"));
            }
        }
    }

    #[test]
    fn some_settings_must_wait_until_the_data_is_loaded() {
        let caller = Caller { is_local: true, is_loading: true };
        let answer = set_as(&Config::default(), &[("appendonly", "no")], caller);
        assert_eq!(answer, Err("LOADING Redis is loading the dataset in memory".into()));
        assert!(set_as(&Config::default(), &[("loglevel", "debug")], caller).is_ok());
    }

    #[test]
    fn what_this_server_does_not_do_is_refused_or_warned_about() {
        let config = Config::default();
        let changes = set(&config, &[("crash-memcheck-enabled", "no")]).unwrap();
        assert_eq!(
            changes.warnings,
            ["'crash-memcheck-enabled' is accepted but has no effect here"]
        );
        assert!(set(&config, &[("crash-memcheck-enabled", "yes")]).unwrap().warnings.is_empty());
        assert!(
            set(&config, &[("activedefrag", "yes")]).unwrap_err().contains("cannot be enabled")
        );
        assert!(set(&config, &[("activedefrag", "no")]).is_ok());
    }

    #[test]
    fn everything_that_is_shown_can_be_set_again() {
        let config = Config::default();
        for (name, value) in config.get(&[b"*"]) {
            let (name, value) =
                (String::from_utf8(name).unwrap(), String::from_utf8(value).unwrap());
            match set(&config, &[(&name, &value)]) {
                Ok(changes) => assert_eq!(changes, Changes::default(), "{name}"),
                Err(error) => assert!(
                    error.ends_with("immutable config") || error.ends_with("protected config"),
                    "{name}: {error}"
                ),
            }
        }
    }

    /// Words that mean something to one kind or another.
    const WORDS: &[&str] = &[
        "",
        "yes",
        "no",
        "0",
        "1",
        "-1",
        "100",
        "50%",
        "1mb",
        "700",
        "save",
        "nosave",
        "now",
        "KEA",
        "normal",
        "replica",
        "60",
        "1000",
        "10.0.0.1",
        "-::1",
        "99.9",
        "notice",
        "local",
        "one",
        "allkeys-lru",
        "everysec",
        "C",
        "{title}",
        "wat",
        "\u{0}",
        "\n",
    ];

    proptest! {
        #[test]
        fn any_request_changes_all_it_names_or_nothing(
            pairs in vec((0..ROWS.len(), vec(select(WORDS), 1..5)), 1..4)
        ) {
            let config = Config::default();
            let before = config.values();
            let pairs: Vec<(&str, String)> =
                pairs.iter().map(|(row, words)| (ROWS[*row].name, words.join(" "))).collect();
            let pairs: Vec<(&str, &str)> =
                pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
            match set(&config, &pairs) {
                Err(_) => prop_assert_eq!(config.values(), before),
                Ok(_) => {
                    for (name, _) in pairs {
                        let now = shown(&config, name);
                        prop_assert_eq!(set(&config, &[(name, &now)]), Ok(Changes::default()));
                    }
                }
            }
        }
    }

    #[test]
    fn single_spaces_separate_words() {
        let config = Config::default();
        set(&config, &[("save", "5 ")]).unwrap();
        assert_eq!(shown(&config, "save"), "5 0");
        set(&config, &[("save", "")]).unwrap();
        assert_eq!(shown(&config, "save"), "");
        let percentiles = "latency-tracking-info-percentiles";
        assert!(set(&config, &[(percentiles, "50  99")]).is_err());
        assert!(set(&config, &[("shutdown-on-sigint", "")]).is_err());
    }
}
