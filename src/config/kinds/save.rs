//! Save points: after so many seconds and so many changes, a snapshot.

use std::sync::Arc;

use super::numbers::parse_loose;
use super::{Refusal, Value};

/// A snapshot is due when both have been reached since the last one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SavePoint {
    /// Seconds since the last snapshot, at least 1.
    pub seconds: u64,
    /// Changes since the last snapshot.
    pub changes: u64,
}

pub(crate) fn default() -> Value {
    let points = [(3600, 1), (300, 100), (60, 10_000)];
    Value::SavePoints(points.map(|(seconds, changes)| SavePoint { seconds, changes }).into())
}

/// Adds pairs of words to the points there are; one empty word removes all of them.
pub(crate) fn parse(words: &[&[u8]], current: &Value) -> Result<Value, Refusal> {
    let mut points = match (words, current) {
        ([b""], _) => return Ok(Value::SavePoints(Arc::from([]))),
        (_, Value::SavePoints(points)) => points.to_vec(),
        _ => Vec::new(),
    };
    let (pairs, rest) = words.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("Invalid save parameters".into());
    }
    for &[seconds, changes] in pairs {
        let point = point(seconds, changes).ok_or("Invalid save parameters")?;
        points.push(point);
    }
    Ok(Value::SavePoints(points.into()))
}

fn point(seconds: &[u8], changes: &[u8]) -> Option<SavePoint> {
    let seconds = u64::try_from(parse_loose(seconds)?).ok().filter(|&seconds| seconds >= 1)?;
    let changes = u64::try_from(parse_loose(changes)?).ok()?;
    Some(SavePoint { seconds, changes })
}

pub(crate) fn show(points: &[SavePoint]) -> String {
    let pairs: Vec<_> =
        points.iter().map(|point| format!("{} {}", point.seconds, point.changes)).collect();
    pairs.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Value, default, parse};
    use crate::config::kinds::Kind;

    fn shown(words: &[&[u8]], current: &Value) -> Result<String, String> {
        let value = parse(words, current).map_err(|refusal| refusal.to_string())?;
        Ok(String::from_utf8(Kind::SavePoints.show(&value)).unwrap())
    }

    #[test]
    fn points_are_added_and_one_empty_word_removes_them() {
        assert_eq!(shown(&[b"10", b"0"], &default()).unwrap(), "3600 1 300 100 60 10000 10 0");
        assert_eq!(shown(&[b""], &default()).unwrap(), "");
        assert_eq!(shown(&[], &default()).unwrap(), "3600 1 300 100 60 10000");
    }

    #[test]
    fn odd_or_negative_words_are_refused() {
        for words in ["10", "0 1", "10 -1", "x 1"] {
            let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
            assert_eq!(shown(&words, &default()).unwrap_err(), "Invalid save parameters");
        }
    }
}
