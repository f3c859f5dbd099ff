//! How many replies a client may leave unread, for each class of clients.

use super::numbers::{format_memory, parse_loose, parse_memory};
use super::{Lines, Refusal, Value};

/// A class of clients with limits of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientClass {
    /// Anyone who sends commands.
    Normal,
    /// Replicas.
    Replica,
    /// Subscribers.
    Pubsub,
}

impl ClientClass {
    pub(crate) const COUNT: usize = 3;
    const ALL: [Self; Self::COUNT] = [Self::Normal, Self::Replica, Self::Pubsub];

    fn by_name(name: &[u8]) -> Option<Self> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Some(Self::Normal),
            b"slave" | b"replica" => Some(Self::Replica),
            b"pubsub" => Some(Self::Pubsub),
            _ => None,
        }
    }
}

/// When a client that leaves replies unread is disconnected.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OutputLimit {
    /// Bytes at which it is at once; 0 for none.
    pub hard_bytes: u64,
    /// Bytes above which it may stay only for a while; 0 for none.
    pub soft_bytes: u64,
    /// That while.
    pub soft_seconds: u64,
}

const MB: u64 = 1 << 20;
const DEFAULTS: [OutputLimit; ClientClass::COUNT] = [
    OutputLimit { hard_bytes: 0, soft_bytes: 0, soft_seconds: 0 },
    OutputLimit { hard_bytes: 256 * MB, soft_bytes: 64 * MB, soft_seconds: 60 },
    OutputLimit { hard_bytes: 32 * MB, soft_bytes: 8 * MB, soft_seconds: 60 },
];

pub(crate) fn default() -> Value {
    Value::OutputLimits(DEFAULTS)
}

/// Replaces the limits of the classes that are named, each by a class and three numbers.
pub(crate) fn parse(words: &[&[u8]], current: &Value) -> Result<Value, Refusal> {
    let Value::OutputLimits(mut limits) = *current else { return Ok(default()) };
    let (groups, rest) = words.as_chunks::<4>();
    if !rest.is_empty() {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    for &[class, hard, soft, seconds] in groups {
        let class = ClientClass::by_name(class)
            .ok_or("Invalid client class specified in buffer limit configuration.")?;
        limits[class as usize] = limit(hard, soft, seconds)
            .ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
    }
    Ok(Value::OutputLimits(limits))
}

fn limit(hard: &[u8], soft: &[u8], seconds: &[u8]) -> Option<OutputLimit> {
    Some(OutputLimit {
        hard_bytes: parse_memory(hard)?,
        soft_bytes: parse_memory(soft)?,
        soft_seconds: u64::try_from(parse_loose(seconds)?).ok()?,
    })
}

pub(crate) fn show(limits: &[OutputLimit; ClientClass::COUNT]) -> String {
    // Clients that parse this know the replicas' class by its old name only.
    let names = ["normal", "slave", "pubsub"];
    let parts: Vec<_> = names
        .iter()
        .zip(limits)
        .map(|(name, limit)| {
            format!("{name} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
        })
        .collect();
    parts.join(" ")
}

/// Returns one line for each class.
pub(crate) fn lines(limits: &[OutputLimit; ClientClass::COUNT]) -> Lines {
    let size = |bytes: u64| i64::try_from(bytes).map_or_else(|_| bytes.to_string(), format_memory);
    let names = ["normal", "replica", "pubsub"];
    let line = |class: ClientClass| {
        let (index, limit) = (class as usize, limits[class as usize]);
        let (hard, soft) = (size(limit.hard_bytes), size(limit.soft_bytes));
        let line = format!("{} {hard} {soft} {}", names[index], limit.soft_seconds);
        (line.into_bytes(), limit != DEFAULTS[index])
    };
    Lines::Some(ClientClass::ALL.map(line).into())
}

#[cfg(test)]
mod tests {
    use super::{default, parse};
    use crate::config::kinds::{Kind, Lines, Value};

    fn words(text: &str) -> Vec<&[u8]> {
        text.split(' ').map(str::as_bytes).collect()
    }

    fn shown(value: &Value) -> String {
        String::from_utf8(Kind::OutputLimits.show(value)).unwrap()
    }

    #[test]
    fn classes_that_are_not_named_keep_their_limits() {
        let value = parse(&words("replica 1kb 2kb 3 pubsub 1 1 1"), &default()).unwrap();
        assert_eq!(shown(&value), "normal 0 0 0 slave 1024 2048 3 pubsub 1 1 1");
    }

    #[test]
    fn only_changed_classes_must_be_written() {
        let value = parse(&words("slave 1gb 1m 3"), &default()).unwrap();
        let Lines::Some(lines) = Kind::OutputLimits.lines(&value) else { panic!("lines") };
        assert_eq!(lines[1], (b"replica 1gb 1000000 3".to_vec(), true));
        assert_eq!(lines[2], (b"pubsub 32mb 8mb 60".to_vec(), false));
    }

    #[test]
    fn each_mistake_has_its_own_answer() {
        for (text, answer) in [
            ("normal 1 2", "Wrong number of arguments in buffer limit configuration."),
            ("master 1 2 3", "Invalid client class specified in buffer limit configuration."),
            (
                "normal 1 2 -3",
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
            ),
        ] {
            assert_eq!(parse(&words(text), &default()).unwrap_err().to_string(), answer);
        }
    }
}
