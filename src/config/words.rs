//! Lines of a configuration file as words, and words as they must be quoted to be read back.
//!
//! Words are separated by spaces. In double quotes, `\n`, `\r`, `\t`, `\a`, `\b` and `\xHH` stand
//! for bytes and any other `\c` for `c`; in single quotes only `\'` is special. A quote that closes
//! must end its word.

/// Returns the words of a line, or `None` if a quote is not closed or closes within a word.
pub(crate) fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        match rest.first() {
            None | Some(0) => return Some(words),
            Some(_) => {}
        }
        let (word, behind) = first_word(rest)?;
        words.push(word);
        rest = behind;
    }
}

/// Takes one word off the start of a text that does not begin with a space.
fn first_word(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        match *rest {
            [] => return Some((word, rest)),
            [b' ' | b'\n' | b'\r' | b'\t' | 0, ..] => return Some((word, rest)),
            [b'"', ref inside @ ..] => return double_quoted(word, inside),
            [b'\'', ref inside @ ..] => return single_quoted(word, inside),
            [byte, ref behind @ ..] => {
                word.push(byte);
                rest = behind;
            }
        }
    }
}

fn double_quoted(mut word: Vec<u8>, mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    loop {
        match *rest {
            [] => return None,
            [b'"', ref behind @ ..] => return closed(word, behind),
            [b'\\', b'x', high, low, ref behind @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(hex_digit(high) << 4 | hex_digit(low));
                rest = behind;
            }
            [b'\\', escaped, ref behind @ ..] => {
                word.push(unescape(escaped));
                rest = behind;
            }
            [byte, ref behind @ ..] => {
                word.push(byte);
                rest = behind;
            }
        }
    }
}

fn single_quoted(mut word: Vec<u8>, mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    loop {
        match *rest {
            [] => return None,
            [b'\'', ref behind @ ..] => return closed(word, behind),
            [b'\\', b'\'', ref behind @ ..] => {
                word.push(b'\'');
                rest = behind;
            }
            [byte, ref behind @ ..] => {
                word.push(byte);
                rest = behind;
            }
        }
    }
}

fn closed(word: Vec<u8>, behind: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let ends = behind.first().is_none_or(|byte| byte.is_ascii_whitespace() || *byte == 0);
    ends.then_some((word, behind))
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

fn unescape(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

/// Returns a word in double quotes, so that [`split`] reads the same word again.
pub(crate) fn quoted(word: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for &byte in word {
        match byte {
            b'\\' | b'"' => text.extend([b'\\', byte]),
            b'\n' => text.extend(b"\\n"),
            b'\r' => text.extend(b"\\r"),
            b'\t' => text.extend(b"\\t"),
            0x07 => text.extend(b"\\a"),
            0x08 => text.extend(b"\\b"),
            0x20..=0x7e => text.push(byte),
            _ => text.extend(format!("\\x{byte:02x}").bytes()),
        }
    }
    text.push(b'"');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{quoted, split};

    fn words(line: &str) -> Option<Vec<String>> {
        let words = split(line.as_bytes())?;
        Some(words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect())
    }

    #[test]
    fn quotes_and_escapes_are_undone() {
        for (line, expected) in [
            ("", vec![]),
            ("  save 900  1 ", vec!["save", "900", "1"]),
            (r#"save """#, vec!["save", ""]),
            (r#"a "b c" 'd e'"#, vec!["a", "b c", "d e"]),
            (r#""\x41\n\t\"\q""#, vec!["A\n\t\"q"]),
            (r"'it\'s \n'", vec![r"it's \n"]),
            (r#"foo"bar baz""#, vec!["foobar baz"]),
            (r#""\xZZ""#, vec!["xZZ"]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(words(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn a_quote_must_close_at_the_end_of_its_word() {
        for line in [r#""foo"#, "foo", "'foo", r#""foo"bar"#, "'foo'bar", r#""foo\""#] {
            let fine = line == "foo";
            assert_eq!(words(line).is_some(), fine, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_words_read_back_from_their_quoted_form(words: Vec<Vec<u8>>) {
            let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(&b' ');
            prop_assert_eq!(split(&line), Some(words));
        }

        #[test]
        fn no_line_makes_the_splitter_panic(line: Vec<u8>) {
            split(&line);
        }
    }
}
