//! Comparing short texts of varying length: names, keys.

/// Says whether two texts are the same. Those of the usual lengths take two comparisons of words, which
/// overlap and cost less than a call.
#[inline(always)]
pub fn is_same(left: &[u8], right: &[u8]) -> bool {
    const WORD: usize = 8;
    const TWO_WORDS: usize = 16;
    if left.len() != right.len() {
        return false;
    }
    match left.len() {
        WORD..=TWO_WORDS => {
            left.first_chunk::<WORD>() == right.first_chunk()
                && left.last_chunk::<WORD>() == right.last_chunk()
        }
        17..=32 => {
            left.first_chunk::<TWO_WORDS>() == right.first_chunk()
                && left.last_chunk::<TWO_WORDS>() == right.last_chunk()
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn every_byte_counts() {
        for length in 0..70 {
            let text: Vec<u8> = (0..length).collect();
            assert!(is_same(&text, &text.clone()));
            assert!(!is_same(&text, &[&text[..], b"x"].concat()));
            for index in 0..text.len() {
                let mut other = text.clone();
                other[index] ^= 1;
                assert!(!is_same(&text, &other), "{length} {index}");
            }
        }
    }
}
