//! Lines of a type byte and a number (`$3`, `*12`, `:1000`), written without arithmetic when the
//! number is small: one table entry is the whole line.

/// Numbers whose lines are prepared.
const PREPARED: usize = 1024;
/// Bytes the longest line needs: type, sign, 19 digits, line end.
pub(super) const LINE_BYTES_MAX: usize = 24;

/// Lines as little-endian words: a gap for the type byte, up to four digits, `\r\n`; the last byte
/// is the line's length.
static LINES: [u64; PREPARED] = prepare();

const fn prepare() -> [u64; PREPARED] {
    let mut lines = [0; PREPARED];
    let mut number = 0;
    while number < PREPARED {
        lines[number] = line(number as u64);
        number += 1;
    }
    lines
}

/// Returns the prepared line of a number below 10,000.
const fn line(number: u64) -> u64 {
    let (mut digits, mut digit_count, mut rest) = (0_u64, 0_u64, number);
    loop {
        digits = digits << 8 | (b'0' as u64 + rest % 10);
        digit_count += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let line_end = 0x0a0d << (8 * (1 + digit_count));
    let length = 1 + digit_count + 2;
    digits << 8 | line_end | length << 56
}

/// Returns the line of a small number with what follows it of no meaning; the last byte says how long it
/// is.
#[inline(always)]
pub(super) fn prepared_line(kind: u8, number: usize) -> Option<[u8; 8]> {
    LINES.get(number).map(|&line| (line | u64::from(kind)).to_le_bytes())
}

/// Appends `kind`, the number and a line end; up to [`LINE_BYTES_MAX`] bytes.
#[inline]
pub(super) fn put_line(out: &mut Vec<u8>, kind: u8, number: usize) {
    match LINES.get(number) {
        Some(&line) => {
            let word = (line | u64::from(kind)).to_le_bytes();
            let end = out.len() + usize::from(word[7]);
            out.extend_from_slice(&word);
            out.truncate(end);
        }
        None => put_long_line(out, kind, number),
    }
}

/// Appends `kind`, the number and a line end, for numbers of either sign.
#[inline]
pub(super) fn put_signed_line(out: &mut Vec<u8>, kind: u8, number: i64) {
    match usize::try_from(number) {
        Ok(number) => put_line(out, kind, number),
        Err(_) => put_long_line(out, kind, number),
    }
}

#[inline(never)]
fn put_long_line(out: &mut Vec<u8>, kind: u8, number: impl itoa::Integer) {
    out.push(kind);
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::{PREPARED, put_line, put_signed_line};

    #[test]
    fn prepared_and_computed_lines_look_alike() {
        for number in 0..2 * PREPARED {
            let mut out = b"before".to_vec();
            put_line(&mut out, b'$', number);
            assert_eq!(out, format!("before${number}\r\n").into_bytes());
        }
    }

    #[test]
    fn the_extremes_fit() {
        for number in [i64::MIN, -1, 0, i64::MAX] {
            let mut out = Vec::new();
            put_signed_line(&mut out, b':', number);
            assert_eq!(out, format!(":{number}\r\n").into_bytes());
            assert!(out.len() <= super::LINE_BYTES_MAX);
        }
    }
}
