//! The request parser on arbitrary bytes: it never panics, its spans lie within what arrived, and the
//! commands and the error do not depend on how the stream was cut.
//!
//! The first three bytes of an input choose the cut, whether the client has authenticated, and whether
//! bytes that are done with are dropped; the rest is the stream.
//!
//! Run: `cargo +nightly fuzz run -s none request_parser -- -max_len=4096`
//!
//! Without AddressSanitizer, beside which the library's allocator cannot be linked; the parser has no
//! `unsafe` for it to watch.

#![no_main]

use libfuzzer_sys::fuzz_target;
use redpoll::resp::{Limits, Opening, Parsed, Parser, ProtocolError};

fuzz_target!(|input: &[u8]| {
    let [cut, step, options, stream @ ..] = input else { return };
    let mut limits = Limits::default();
    if options & 1 == 1 {
        limits = limits.before_authentication();
        // So that a short input can exceed it.
        limits.inline_bytes_max = 100;
    }
    let drops = options & 2 == 0;
    let whole = parse([stream].into_iter(), &limits, drops);
    let cut = usize::from(*cut).min(stream.len());
    let halves = parse([&stream[..cut], &stream[cut..]].into_iter(), &limits, drops);
    assert_eq!(whole, halves, "a stream in two pieces is the same stream");
    let steps = parse(stream.chunks(usize::from(*step).max(1)), &limits, drops);
    assert_eq!(whole, steps, "a stream in many pieces is the same stream");
});

type Outcome = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

/// Parses a stream that arrives in pieces, as a connection does.
fn parse<'stream>(
    pieces: impl Iterator<Item = &'stream [u8]>,
    limits: &Limits,
    drops: bool,
) -> Outcome {
    let (mut parser, mut buffer) = (Parser::default(), Vec::new());
    let (mut commands, mut spans, mut at) = (Vec::new(), Vec::new(), 0);
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let mut opening = Opening::default();
        loop {
            spans.clear();
            let parsed = parser.next_in_row(&mut buffer, at, limits, &mut spans, &mut opening);
            match parsed.map(|(parsed, _)| parsed) {
                Err(error) => return (commands, Some(error)),
                Ok(Parsed::Incomplete) => break,
                Ok(Parsed::Command { end, arg_count }) => {
                    assert!(arg_count > 0 && arg_count == spans.len() && end > at);
                    commands
                        .push(spans.iter().map(|span| span.of(&buffer[..end]).to_vec()).collect());
                    at = end;
                }
            }
        }
        at = parser.start();
        assert!(at <= buffer.len() && spans.is_empty());
        if drops {
            buffer.drain(..at);
            parser.shift(at);
            at = 0;
        }
    }
    (commands, None)
}
