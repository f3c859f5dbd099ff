//! Kinds of settings: how a value is read, kept, shown and written back to a file.
//!
//! [`Kind`] is the rule a row of the table holds, [`Value`] is what the setting currently is.
//! Values arrive as words, already split; most kinds take exactly one.

use std::borrow::Cow;
use std::sync::Arc;

mod addresses;
mod choices;
mod events;
mod leader;
mod limits;
mod numbers;
mod percentiles;
mod save;
mod scores;
mod shutdown;
mod texts;

pub use addresses::BindAddress;
pub use choices::{
    AofSync, ChannelDefault, Choice, ConfigSave, DisklessLoad, EndpointType, LogFormat, LogLevel,
    LogTimestamp, MaxmemoryPolicy, OomScoreAdjust, Permission, PropagationError, Sanitize,
    Supervised, SyslogFacility, VersionCheck,
};
pub use events::KeyspaceEvents;
pub use limits::{ClientClass, OutputLimit};
pub use save::SavePoint;
pub use shutdown::ShutdownOptions;

pub(crate) use addresses::meaning;
pub(crate) use choices::ChoiceRule;
pub(crate) use numbers::{
    NumberRule, Unit, bytes, bytes_or_percent, count, memory, number, octal, parse_memory,
};
pub(crate) use shutdown::names as shutdown_names;
pub(crate) use texts::{
    TextRule, address, base_name, binary_text, free_text, host_name, ip_v4, ip_v6, locale,
    node_address, node_name, not_empty, process_title, reason,
};

/// Why a value is refused, in the originals' words where they have some.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(Cow<'static, str>);

impl From<&'static str> for Refusal {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

/// What values a setting takes.
#[derive(Debug)]
pub(crate) enum Kind {
    /// `yes` or `no`, with its default.
    Flag(bool),
    Number(NumberRule),
    Choice(ChoiceRule),
    Text(TextRule),
    /// An existing directory, kept as an absolute path.
    Directory,
    ShutdownOptions,
    Events,
    SavePoints,
    OutputLimits,
    Addresses,
    Percentiles,
    OomScores,
    Leader,
}

/// What a setting is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Flags, numbers, choices and sets of bits.
    Number(i64),
    Text(Arc<[u8]>),
    SavePoints(Arc<[SavePoint]>),
    OutputLimits([OutputLimit; ClientClass::COUNT]),
    Addresses(Arc<[Arc<str>]>),
    Percentiles(Arc<[f64]>),
    OomScores([i64; scores::COUNT]),
    Leader(Option<(Arc<str>, u16)>),
}

impl Value {
    fn text(text: &[u8]) -> Self {
        Self::Text(Arc::from(text))
    }
}

/// What is to stand in a file for a setting.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Lines {
    /// Nothing: lines that are there go away.
    None,
    /// These values, each a line behind the setting's name; `true` where it must be written even if
    /// the file has no line for it.
    Some(Vec<(Vec<u8>, bool)>),
}

impl Kind {
    /// Returns the default.
    pub(crate) fn default(&self) -> Value {
        match self {
            Self::Flag(default) => Value::Number(i64::from(*default)),
            Self::Number(rule) => Value::Number(rule.default),
            Self::Choice(rule) => Value::Number(rule.default),
            Self::Text(rule) => Value::text(rule.default.as_bytes()),
            Self::Directory => texts::current_directory(),
            Self::ShutdownOptions | Self::Events => Value::Number(0),
            Self::SavePoints => save::default(),
            Self::OutputLimits => limits::default(),
            Self::Addresses => addresses::default(),
            Self::Percentiles => percentiles::default(),
            Self::OomScores => scores::default(),
            Self::Leader => Value::Leader(None),
        }
    }

    /// Says whether it takes any number of words; the others take exactly one.
    pub(crate) fn takes_words(&self) -> bool {
        match self {
            Self::ShutdownOptions
            | Self::SavePoints
            | Self::OutputLimits
            | Self::Addresses
            | Self::Percentiles
            | Self::OomScores
            | Self::Leader => true,
            Self::Flag(_)
            | Self::Number(_)
            | Self::Choice(_)
            | Self::Text(_)
            | Self::Directory
            | Self::Events => false,
        }
    }

    /// Returns what a setting that is `current` becomes by these words.
    ///
    /// Kinds made of parts keep the parts that are not mentioned: save points are added to, limits
    /// of other classes stay.
    pub(crate) fn parse(&self, words: &[&[u8]], current: &Value) -> Result<Value, Refusal> {
        match self {
            Self::ShutdownOptions => shutdown::parse(words),
            Self::SavePoints => save::parse(words, current),
            Self::OutputLimits => limits::parse(words, current),
            Self::Addresses => addresses::parse(words),
            Self::Percentiles => percentiles::parse(words),
            Self::OomScores => scores::parse(words),
            Self::Leader => leader::parse(words),
            _ => match words {
                [word] => self.parse_word(word),
                _ => Err("wrong number of arguments".into()),
            },
        }
    }

    fn parse_word(&self, word: &[u8]) -> Result<Value, Refusal> {
        match self {
            Self::Flag(_) => parse_flag(word),
            Self::Number(rule) => rule.parse(word).map(Value::Number),
            Self::Choice(rule) => rule.parse(word),
            Self::Text(rule) => rule.parse(word),
            Self::Directory => texts::parse_directory(word),
            Self::Events => events::parse(word),
            _ => unreachable!("kinds that take words are parsed by their own modules"),
        }
    }

    /// Returns what [`Kind::parse`] shall start from when CONFIG SET replaces `current`.
    pub(crate) fn base<'a>(&self, current: &'a Value) -> Cow<'a, Value> {
        match self {
            Self::SavePoints => Cow::Owned(Value::SavePoints(Arc::from([]))),
            _ => Cow::Borrowed(current),
        }
    }

    /// Returns the value as CONFIG GET shows it.
    pub(crate) fn show(&self, value: &Value) -> Vec<u8> {
        match (self, value) {
            (Self::Flag(_), Value::Number(number)) => flag_word(*number).into(),
            (Self::Number(rule), Value::Number(number)) => rule.show(*number).into_bytes(),
            (Self::Choice(rule), Value::Number(code)) => rule.show(*code).into(),
            (Self::ShutdownOptions, Value::Number(bits)) => shutdown::show(*bits).into_bytes(),
            (Self::Events, Value::Number(bits)) => events::show(*bits).into_bytes(),
            (_, Value::Number(number)) => number.to_string().into_bytes(),
            (_, Value::Text(text)) => text.to_vec(),
            (_, Value::SavePoints(points)) => save::show(points).into_bytes(),
            (_, Value::OutputLimits(limits)) => limits::show(limits).into_bytes(),
            (_, Value::Addresses(addresses)) => addresses.join(" ").into_bytes(),
            (_, Value::Percentiles(list)) => percentiles::show(list).into_bytes(),
            (_, Value::OomScores(scores)) => scores::show(scores).into_bytes(),
            (_, Value::Leader(leader)) => leader::show(leader.as_ref()).into_bytes(),
        }
    }

    /// Returns what a file must say for the setting to be `value` at the next start.
    pub(crate) fn lines(&self, value: &Value) -> Lines {
        let changed = *value != self.default();
        match (self, value) {
            (Self::Number(rule), Value::Number(number)) => {
                one_line(rule.show_in_file(*number).into_bytes(), changed)
            }
            (Self::Text(rule), Value::Text(text)) => rule.lines(text),
            (Self::Directory, Value::Text(text)) => one_line(super::words::quoted(text), true),
            (Self::SavePoints | Self::Percentiles, _) => {
                one_line(empty_as_quotes(self.show(value)), true)
            }
            (Self::OutputLimits, Value::OutputLimits(limits)) => limits::lines(limits),
            (Self::Addresses, _) if !changed => Lines::None,
            (Self::Leader, Value::Leader(None)) => Lines::None,
            (Self::Events, _) => one_line(super::words::quoted(&self.show(value)), changed),
            _ => one_line(empty_as_quotes(self.show(value)), changed),
        }
    }
}

fn one_line(value: Vec<u8>, forced: bool) -> Lines {
    Lines::Some(vec![(value, forced)])
}

fn empty_as_quotes(value: Vec<u8>) -> Vec<u8> {
    if value.is_empty() { b"\"\"".to_vec() } else { value }
}

fn parse_flag(word: &[u8]) -> Result<Value, Refusal> {
    if word.eq_ignore_ascii_case(b"yes") {
        Ok(Value::Number(1))
    } else if word.eq_ignore_ascii_case(b"no") {
        Ok(Value::Number(0))
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

fn flag_word(number: i64) -> &'static [u8] {
    if number == 0 { b"no" } else { b"yes" }
}
