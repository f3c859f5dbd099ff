//! LZF, the compression of strings inside RDB: fast, byte-oriented, a window of 8 KiB.
//!
//! ```text
//! 000LLLLL                     L + 1 bytes follow as they are
//! LLLooooo oooooooo            copy L + 2 bytes (L from 1 to 6) from o + 1 bytes back
//! 111ooooo LLLLLLLL oooooooo   copy L + 9 bytes from o + 1 bytes back
//! ```
//!
//! Source of the format: M. Lehmann, liblzf, 2000.

const LITERALS_MAX: usize = 32;
const DISTANCE_MAX: usize = 1 << 13;
const MATCH_MIN: usize = 3;
const MATCH_MAX: usize = 264;
/// Lengths of matches from here on take a byte of their own.
const LONG_MATCH: usize = 9;

/// Most bytes that one compressed byte stands for: three bytes for the longest match.
const EXPANSION_MAX: usize = MATCH_MAX / 3;

const TABLE_BITS: u32 = 13;

/// Compresses a text; `None` unless that saves at least four bytes.
pub(super) fn compress(text: &[u8]) -> Option<Vec<u8>> {
    const SAVED_MIN: usize = 4;
    let bytes_max = text.len().checked_sub(SAVED_MIN).filter(|&bytes| bytes > 0)?;
    // Positions plus one, so that zero means none. Positions beyond 32 bits are never matched.
    let mut table = vec![0_u32; 1 << TABLE_BITS];
    let mut output = Vec::with_capacity(bytes_max.min(1 << 16));
    let (mut position, mut literals_from) = (0, 0);
    while position + MATCH_MIN <= text.len() {
        let place = hash(&text[position..position + MATCH_MIN]);
        let candidate = table[place] as usize;
        table[place] = u32::try_from(position + 1).unwrap_or(0);
        let Some(length) = match_length(text, candidate, position) else {
            position += 1;
            continue;
        };
        push_literals(&mut output, &text[literals_from..position]);
        push_match(&mut output, length, position - candidate);
        if output.len() > bytes_max {
            return None;
        }
        position += length;
        literals_from = position;
    }
    push_literals(&mut output, &text[literals_from..]);
    (output.len() <= bytes_max).then_some(output)
}

fn hash(bytes: &[u8]) -> usize {
    let word = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
    // Multiplicative hashing (Knuth): the golden ratio of 32 bits.
    (word.wrapping_mul(2_654_435_769) >> (32 - TABLE_BITS)) as usize
}

/// Returns how many bytes from `position` on repeat those at `candidate - 1`, if that is of use.
fn match_length(text: &[u8], candidate: usize, position: usize) -> Option<usize> {
    let from = candidate.checked_sub(1)?;
    if position - from > DISTANCE_MAX {
        return None;
    }
    let longest = MATCH_MAX.min(text.len() - position);
    let pairs = text[from..].iter().zip(&text[position..position + longest]);
    let length = pairs.take_while(|(old, new)| old == new).count();
    (length >= MATCH_MIN).then_some(length)
}

fn push_literals(output: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(LITERALS_MAX) {
        output.push(low_byte(run.len() - 1));
        output.extend_from_slice(run);
    }
}

/// Appends a match; `distance` is one less than the bytes it goes back.
fn push_match(output: &mut Vec<u8>, length: usize, distance: usize) {
    let high = distance >> 8;
    if length < LONG_MATCH {
        output.push(low_byte((length - 2) << 5 | high));
    } else {
        output.push(low_byte(7 << 5 | high));
        output.push(low_byte(length - LONG_MATCH));
    }
    output.push(low_byte(distance & 0xff));
}

fn low_byte(number: usize) -> u8 {
    u8::try_from(number).expect("lengths and distances are split into bytes")
}

/// Expands a compressed text that must come to exactly `bytes` bytes; `None` for anything else.
pub(super) fn expand(compressed: &[u8], bytes: usize) -> Option<Vec<u8>> {
    if bytes > compressed.len().saturating_mul(EXPANSION_MAX) {
        return None;
    }
    let mut output = Vec::with_capacity(bytes);
    let mut rest = compressed;
    while let Some((&control, behind)) = rest.split_first() {
        rest = match usize::from(control >> 5) {
            0 => copy_literals(&mut output, usize::from(control) + 1, behind)?,
            length => copy_match(&mut output, (length, control), behind)?,
        };
        if output.len() > bytes {
            return None;
        }
    }
    (output.len() == bytes).then_some(output)
}

fn copy_literals<'a>(output: &mut Vec<u8>, count: usize, rest: &'a [u8]) -> Option<&'a [u8]> {
    let (literals, behind) = rest.split_at_checked(count)?;
    output.extend_from_slice(literals);
    Some(behind)
}

fn copy_match<'a>(
    output: &mut Vec<u8>,
    (mut length, control): (usize, u8),
    rest: &'a [u8],
) -> Option<&'a [u8]> {
    let mut rest = rest;
    if length == 7 {
        let (&more, behind) = rest.split_first()?;
        length += usize::from(more);
        rest = behind;
    }
    let (&low, behind) = rest.split_first()?;
    let distance = (usize::from(control & 0x1f) << 8 | usize::from(low)) + 1;
    let length = length + 2;
    let from = output.len().checked_sub(distance)?;
    if distance >= length {
        output.extend_from_within(from..from + length);
    } else {
        // It overlaps what it makes: byte by byte.
        for index in from..from + length {
            output.push(output[index]);
        }
    }
    Some(behind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{MATCH_MAX, compress, expand};

    #[test]
    fn repetitions_shrink_and_come_back() {
        for text in [vec![b'a'; 100_000], b"abcabcabcabcabcabcabcabcabc".to_vec()] {
            let compressed = compress(&text).expect("it repeats itself");
            assert!(compressed.len() < text.len() / 2);
            assert_eq!(expand(&compressed, text.len()), Some(text));
        }
    }

    #[test]
    fn what_does_not_shrink_is_left_alone() {
        assert_eq!(compress(b""), None);
        assert_eq!(compress(b"abcd"), None);
        let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(1000).collect();
        assert_eq!(compress(&noise), None);
    }

    #[test]
    fn a_lying_length_is_refused_without_memory() {
        assert_eq!(expand(&[0, b'a'], usize::MAX), None);
        assert_eq!(expand(&[0, b'a'], 2), None);
        assert_eq!(expand(&[0, b'a'], 0), None);
        assert_eq!(expand(&[0x20, 0], 3), None);
        assert_eq!(expand(&[0], 1), None);
        assert_eq!(expand(&[], 0), Some(Vec::new()));
        let longest = [0, b'a', 0xe0, 0xff, 0];
        assert_eq!(expand(&longest, 1 + MATCH_MAX), Some(vec![b'a'; 1 + MATCH_MAX]));
    }

    proptest! {
        #[test]
        fn any_text_survives(seed: Vec<u8>, repeats in 1_usize..200) {
            let text = seed.repeat(repeats);
            if let Some(compressed) = compress(&text) {
                prop_assert!(compressed.len() + 4 <= text.len());
                prop_assert_eq!(expand(&compressed, text.len()), Some(text));
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>, length in 0_usize..4096) {
            let expanded = expand(&bytes, length);
            prop_assert!(expanded.is_none_or(|text| text.len() == length));
        }
    }
}
