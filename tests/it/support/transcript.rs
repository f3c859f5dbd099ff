//! Conversations written down: one command per line, what comes back behind an arrow.
//!
//! ```text
//! SET a "1 2"      => +OK
//! GET a            => "1 2"
//! GETRANGE a 0     => -ERR wrong number of arguments for 'getrange' command
//! CLIENT ID        => :...
//! ```
//! The reply is in the notation of `Value`, without blanks at its end; one that ends in `...` fixes only its beginning. A line
//! without an arrow must not answer with an error.

use super::client::Client;
use super::server::{for_each_thread_count, for_each_thread_count_with};

impl Client {
    /// Holds the conversation and fails at the first reply that differs.
    #[track_caller]
    pub(crate) fn transcript(&mut self, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (command, expected) = split(line);
            let reply = self.line(command).to_string();
            let reply = reply.trim_end();
            let agrees = match expected {
                None => !reply.starts_with('-'),
                Some(text) => match text.strip_suffix("...") {
                    Some(beginning) => reply.starts_with(beginning),
                    None => reply == text,
                },
            };
            let expected = expected.unwrap_or("anything but an error");
            assert!(agrees, "\n command: {command}\nexpected: {expected}\n     got: {reply}\n");
        }
    }
}

fn split(line: &str) -> (&str, Option<&str>) {
    match line.split_once(" => ") {
        Some((command, expected)) => (command.trim(), Some(expected.trim())),
        None => (line, None),
    }
}

/// Holds a conversation with a fresh server of one worker and with one of four.
#[track_caller]
pub(crate) fn hold(transcript: &str) {
    hold_with(&[], transcript);
}

/// Holds a conversation with servers of these settings.
#[track_caller]
pub(crate) fn hold_with(settings: &[(&str, &str)], transcript: &str) {
    for_each_thread_count_with(settings, |server| server.client().transcript(transcript));
}

/// Holds a conversation in RESP3.
#[track_caller]
pub(crate) fn hold_resp3(transcript: &str) {
    for_each_thread_count(|server| server.client_resp3().transcript(transcript));
}

/// Splits a line into its words; double quotes hold blanks and `\n \r \t \" \\ \xHH`.
pub(crate) fn words(line: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut bytes = line.bytes().peekable();
    while let Some(first) = bytes.next() {
        match first {
            b' ' => {}
            b'"' => words.push(quoted(&mut bytes)),
            _ => {
                let mut word = vec![first];
                while let Some(byte) = bytes.next_if(|byte| *byte != b' ') {
                    word.push(byte);
                }
                words.push(word);
            }
        }
    }
    words
}

fn quoted(bytes: &mut impl Iterator<Item = u8>) -> Vec<u8> {
    let mut word = Vec::new();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return word,
            b'\\' => word.push(escaped(bytes)),
            _ => word.push(byte),
        }
    }
    panic!("a quote is not closed");
}

fn escaped(bytes: &mut impl Iterator<Item = u8>) -> u8 {
    let mut next = || bytes.next().expect("something follows a backslash");
    match next() {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'x' => {
            let digits = [next(), next()];
            let text = str::from_utf8(&digits).expect("two digits follow \\x");
            u8::from_str_radix(text, 16).expect("two digits follow \\x")
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quotes_hold_blanks_and_escapes() {
        assert_eq!(
            words(r#"SET  a "1 2" "\x00\"\n" """#),
            [b"SET".to_vec(), b"a".to_vec(), b"1 2".to_vec(), b"\0\"\n".to_vec(), Vec::new()]
        );
    }
}
