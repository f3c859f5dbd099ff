//! Settings that are one of a few words, each an enum.

use super::{Kind, Refusal, Value};

/// The rule of a setting with a few possible words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChoiceRule {
    /// The words and what each stands for; the first word of a code is the one that is shown.
    pub(crate) names: &'static [(&'static str, i64)],
    pub(crate) default: i64,
}

impl ChoiceRule {
    pub(crate) fn parse(&self, word: &[u8]) -> Result<Value, Refusal> {
        self.names
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()))
            .map(|&(_, code)| Value::Number(code))
            .ok_or_else(|| one_of(self.names))
    }

    pub(crate) fn show(&self, code: i64) -> &'static str {
        self.names.iter().find(|entry| entry.1 == code).map_or("unknown", |entry| entry.0)
    }
}

/// Returns the refusal that lists the words there are.
pub(crate) fn one_of(names: &[(&str, i64)]) -> Refusal {
    let words: Vec<&str> = names.iter().map(|entry| entry.0).collect();
    format!("argument(s) must be one of the following: {}", words.join(", ")).into()
}

/// An enum a setting can be read as, by [`Config::choice`](crate::config::Config::choice).
pub trait Choice: Copy {
    /// Returns the variant of a code; settings hold no other codes than those of their variants.
    fn from_code(code: i64) -> Self;
}

macro_rules! choices {
    ($( $(#[$meta:meta])* $enum:ident {
        $( $variant:ident = $name:literal $(| $other:literal)*, )+
    } )+) => { $(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $enum {
            $(
                #[doc = concat!("`", $name, "`.")]
                $variant,
            )+
        }

        impl $enum {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            const NAMES: &'static [(&'static str, i64)] = &[
                $( ($name, Self::$variant as i64), $( ($other, Self::$variant as i64), )* )+
            ];

            /// Returns the word the setting shows for it.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// Returns the kind of a setting with this default.
            pub(crate) const fn kind(self) -> Kind {
                Kind::Choice(ChoiceRule { names: Self::NAMES, default: self as i64 })
            }
        }

        impl Choice for $enum {
            fn from_code(code: i64) -> Self {
                let known = usize::try_from(code).ok().and_then(|code| Self::ALL.get(code));
                *known.expect("a setting holds only codes of its own words")
            }
        }
    )+ };
}

choices! {
    /// What is evicted when memory is full.
    MaxmemoryPolicy {
        VolatileLru = "volatile-lru",
        VolatileLfu = "volatile-lfu",
        VolatileRandom = "volatile-random",
        VolatileTtl = "volatile-ttl",
        AllkeysLru = "allkeys-lru",
        AllkeysLfu = "allkeys-lfu",
        AllkeysRandom = "allkeys-random",
        NoEviction = "noeviction",
    }

    /// Who may use something.
    Permission { No = "no", Yes = "yes", Local = "local", }

    /// How much is logged.
    LogLevel {
        Debug = "debug",
        Verbose = "verbose",
        Notice = "notice",
        Warning = "warning",
        Nothing = "nothing",
    }

    /// Form of a log line.
    LogFormat { Legacy = "legacy", Logfmt = "logfmt", Json = "json", }

    /// Form of the time in a log line.
    LogTimestamp { Legacy = "legacy", Iso8601 = "iso8601", Milliseconds = "milliseconds", }

    /// Part of syslog.
    SyslogFacility {
        User = "user",
        Local0 = "local0",
        Local1 = "local1",
        Local2 = "local2",
        Local3 = "local3",
        Local4 = "local4",
        Local5 = "local5",
        Local6 = "local6",
        Local7 = "local7",
    }

    /// The service manager that started the server.
    Supervised { Upstart = "upstart", Systemd = "systemd", Auto = "auto", No = "no", }

    /// When the append-only file is forced to disk.
    AofSync { EverySecond = "everysec", Always = "always", No = "no", }

    /// Whether snapshots of unknown versions are read.
    VersionCheck { Strict = "strict", Relaxed = "relaxed", }

    /// How a replica takes its first copy of the data.
    DisklessLoad {
        Disabled = "disabled",
        OnEmptyDb = "on-empty-db",
        SwapDb = "swapdb",
        FlushBeforeLoad = "flush-before-load",
    }

    /// How the kernel's choice of a victim is influenced.
    OomScoreAdjust { No = "no", Relative = "yes" | "relative", Absolute = "absolute", }

    /// Channels of a new user.
    ChannelDefault { AllChannels = "allchannels", ResetChannels = "resetchannels", }

    /// How thoroughly packed data is checked.
    Sanitize { No = "no", Yes = "yes", Clients = "clients", }

    /// What clients are told as the address of a node.
    EndpointType { Ip = "ip", Hostname = "hostname", Unknown = "unknown-endpoint", }

    /// What to do when a command of the leader fails.
    PropagationError {
        Ignore = "ignore",
        Panic = "panic",
        PanicOnReplicas = "panic-on-replicas",
    }

    /// What a node does when it cannot write what it knows of the cluster.
    ConfigSave { Sync = "sync", BestEffort = "best-effort", }
}

impl MaxmemoryPolicy {
    /// Says whether only keys with an expiry are evicted.
    pub fn is_volatile(self) -> bool {
        matches!(
            self,
            Self::VolatileLru | Self::VolatileLfu | Self::VolatileRandom | Self::VolatileTtl
        )
    }

    /// Says whether keys carry use counters instead of times of use.
    pub fn is_lfu(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllkeysLfu)
    }

    /// Says whether victims are chosen by time of use.
    pub fn is_lru(self) -> bool {
        matches!(self, Self::VolatileLru | Self::AllkeysLru)
    }
}

#[cfg(test)]
mod tests {
    use super::{Choice, MaxmemoryPolicy, OomScoreAdjust};
    use crate::config::kinds::{Kind, Value};

    fn rule(kind: Kind) -> super::ChoiceRule {
        let Kind::Choice(rule) = kind else { panic!("a choice") };
        rule
    }

    #[test]
    fn every_word_reads_back_as_its_variant() {
        let rule = rule(MaxmemoryPolicy::NoEviction.kind());
        for &policy in MaxmemoryPolicy::ALL {
            let upper = policy.name().to_ascii_uppercase();
            let Ok(Value::Number(code)) = rule.parse(upper.as_bytes()) else { panic!("{upper}") };
            assert_eq!(MaxmemoryPolicy::from_code(code), policy);
            assert_eq!(rule.show(code), policy.name());
        }
    }

    #[test]
    fn of_two_words_for_the_same_the_first_is_shown() {
        let rule = rule(OomScoreAdjust::No.kind());
        let Ok(Value::Number(code)) = rule.parse(b"relative") else { panic!("a word") };
        assert_eq!(rule.show(code), "yes");
    }

    #[test]
    fn an_unknown_word_is_answered_with_those_there_are() {
        assert_eq!(
            rule(OomScoreAdjust::No.kind()).parse(b"wat").unwrap_err().to_string(),
            "argument(s) must be one of the following: no, yes, relative, absolute"
        );
    }
}
