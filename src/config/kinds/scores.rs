//! What is added to the kernel's out-of-memory score: as a leader, as a replica, as a child.

use super::numbers::parse_loose;
use super::{Refusal, Value};

pub(crate) const COUNT: usize = 3;
const BOUND: i64 = 2000;

pub(crate) fn default() -> Value {
    Value::OomScores([0, 200, 800])
}

pub(crate) fn parse(words: &[&[u8]]) -> Result<Value, Refusal> {
    let words: &[&[u8]; COUNT] = words.try_into().map_err(|_| "wrong number of arguments")?;
    let mut scores = [0; COUNT];
    for (score, word) in scores.iter_mut().zip(words) {
        *score = parse_loose(word)
            .filter(|number| (-BOUND..=BOUND).contains(number))
            .ok_or("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")?;
    }
    Ok(Value::OomScores(scores))
}

pub(crate) fn show(scores: &[i64; COUNT]) -> String {
    scores.map(|score| score.to_string()).join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Value, parse};

    #[test]
    fn there_are_three_of_them_within_bounds() {
        assert_eq!(parse(&[b"100", b"-50", b""]), Ok(Value::OomScores([100, -50, 0])));
        assert_eq!(parse(&[b"1"]).unwrap_err().to_string(), "wrong number of arguments");
        let refusal = parse(&[b"-2001", b"0", b"0"]).unwrap_err().to_string();
        assert!(refusal.starts_with("Invalid oom-score-adj-values"));
    }
}
