//! Percentiles of latency that INFO shows.

use crate::base::text::parse_f64;

use super::{Refusal, Value};

pub(crate) fn default() -> Value {
    Value::Percentiles([50.0, 99.0, 99.9].into())
}

/// Takes every word as a percentile; one empty word stands for none.
pub(crate) fn parse(words: &[&[u8]]) -> Result<Value, Refusal> {
    let words = if words == [b""] { &[] } else { words };
    let percentiles: Result<Vec<f64>, Refusal> =
        words.iter().map(|word| percentile(word)).collect();
    Ok(Value::Percentiles(percentiles?.into()))
}

fn percentile(word: &[u8]) -> Result<f64, Refusal> {
    let number = parse_f64(word).ok_or("Invalid latency-tracking-info-percentiles parameters")?;
    if (0.0..=100.0).contains(&number) {
        return Ok(number);
    }
    Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into())
}

/// Returns them with at most six digits behind the point.
pub(crate) fn show(percentiles: &[f64]) -> String {
    let texts: Vec<_> = percentiles
        .iter()
        .map(|number| format!("{number:.6}").trim_end_matches('0').trim_end_matches('.').to_owned())
        .collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{parse, show};
    use crate::config::kinds::Value;

    #[test]
    fn numbers_are_shown_without_needless_digits() {
        let Ok(Value::Percentiles(list)) =
            parse(&[b"0", b"0.1", b"1e1", b"99.9999999", b"05", b"100"])
        else {
            panic!("percentiles")
        };
        assert_eq!(show(&list), "0 0.1 10 100 5 100");
    }

    #[test]
    fn what_is_no_percentile_is_refused() {
        for word in ["wat", "5 ", ""] {
            let refusal = parse(&[word.as_bytes(), b"1"]).unwrap_err().to_string();
            assert_eq!(refusal, "Invalid latency-tracking-info-percentiles parameters");
        }
        for word in ["-1", "100.1", "inf"] {
            let refusal = parse(&[word.as_bytes()]).unwrap_err().to_string();
            assert!(refusal.ends_with("should sit between [0.0,100.0]"), "{word}");
        }
    }
}
