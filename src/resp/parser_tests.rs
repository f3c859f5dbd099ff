//! What the request parser accepts and how it refuses the rest, for every way to cut the stream.

use super::{Limits, Opening, Parsed, Parser, ProtocolError, Span};

type Commands = Vec<Vec<Vec<u8>>>;

/// Feeds a stream in pieces of at most `piece` bytes, as a connection would.
fn feed(stream: &[u8], piece: usize, limits: &Limits) -> (Commands, Option<ProtocolError>) {
    let (mut parser, mut spans, mut commands) = (Parser::default(), Vec::new(), Vec::new());
    let mut buffer = Vec::new();
    for bytes in stream.chunks(piece) {
        buffer.extend_from_slice(bytes);
        let (mut at, mut opening) = (0, Opening::default());
        loop {
            spans.clear();
            match parser.next_in_row(&mut buffer, at, limits, &mut spans, &mut opening) {
                Err(error) => return (commands, Some(error)),
                Ok((Parsed::Incomplete, _)) => break,
                Ok((Parsed::Command { end, arg_count }, is_alike)) => {
                    assert_eq!(spans.len(), arg_count);
                    let words = spans.iter().map(|span| span.of(&buffer).to_vec());
                    let command: Vec<Vec<u8>> = words.collect();
                    let before = commands.last().map(|before: &Vec<Vec<u8>>| &before[0]);
                    assert!(!is_alike || before == Some(&command[0]));
                    commands.push(command);
                    at = end;
                }
            }
        }
        let done = parser.start();
        buffer.drain(..done);
        parser.shift(done);
    }
    (commands, None)
}

/// Expects the same commands however the stream is cut.
fn expect_commands(stream: &[u8], expected: &[&[&[u8]]]) {
    for piece in 1..=stream.len() {
        let (commands, error) = feed(stream, piece, &Limits::default());
        assert_eq!((commands.len(), error), (expected.len(), None), "{}", stream.escape_ascii());
        for (command, expected) in commands.iter().zip(expected) {
            assert_eq!(command, expected, "{}", stream.escape_ascii());
        }
    }
}

/// Expects the same error however the stream is cut.
fn expect_error(stream: &[u8], limits: &Limits, text: &str) {
    for piece in (1..=stream.len()).filter(|piece| stream.len() < 100 || piece % 997 == 1) {
        let (_, error) = feed(stream, piece, limits);
        let error = error.unwrap_or_else(|| panic!("accepted: {}", stream.escape_ascii()));
        assert_eq!(error.to_string(), text, "{}", stream.escape_ascii());
    }
}

#[test]
fn a_pipeline_is_cut_into_its_commands() {
    expect_commands(
        b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$12\r\nkey:00000001\r\n*2\r\n$1\r\nG\r\n$0\r\n\r\n",
        &[&[b"PING"], &[b"GET", b"key:00000001"], &[b"G", b""]],
    );
}

#[test]
fn long_arguments_and_long_argument_lists_arrive_whole() {
    let value = vec![b'v'; 1000];
    let mut stream = b"*120\r\n".to_vec();
    for _ in 0..120 {
        stream.extend_from_slice(b"$1000\r\n");
        stream.extend_from_slice(&value);
        stream.extend_from_slice(b"\r\n");
    }
    for piece in [1, 7, 999, 1007, 1009, 16_384, stream.len()] {
        let (commands, error) = feed(&stream, piece, &Limits::default());
        assert_eq!(error, None);
        assert_eq!(commands, [vec![value.clone(); 120]]);
    }
}

#[test]
fn empty_commands_are_stepped_over() {
    expect_commands(
        b"*0\r\n*-1\r\n*-5\r\n*-9223372036854775808\r\n\r\n\n  \t\r\n*1\r\n$4\r\nPING\r\n*0\r\n",
        &[&[b"PING"]],
    );
}

#[test]
fn what_stands_in_place_of_line_feeds_and_behind_arguments_is_not_looked_at() {
    expect_commands(b"*1\rx$4\rxPINGxx*1\r\n$1\r\na\r\r", &[&[b"PING"], &[b"a"]]);
}

#[test]
fn arguments_may_hold_any_byte() {
    expect_commands(b"*2\r\n$4\r\nECHO\r\n$6\r\n\r\n\0*$\xff\r\n", &[&[b"ECHO", b"\r\n\0*$\xff"]]);
}

#[test]
fn inline_commands_end_with_either_line_end() {
    expect_commands(
        b"PING\nPING\r\nPING\r\r\n\t set  a\x0bb\x0cc \r\nECHO a\rb\n\x0b\x0cPING\n",
        &[
            &[b"PING"],
            &[b"PING"],
            &[b"PING"],
            &[b"set", b"a\x0bb\x0cc"],
            &[b"ECHO", b"a", b"b"],
            &[b"PING"],
        ],
    );
}

#[test]
fn both_forms_of_command_mix() {
    expect_commands(b"PING\r\n*1\r\n$1\r\nx\r\nPING\n", &[&[b"PING"], &[b"x"], &[b"PING"]]);
}

#[test]
fn inline_arguments_are_unquoted() {
    for (line, argument) in [
        (r#"ECHO "a\x41\n\r\t\b\a\q\"z""#, &b"aA\n\r\t\x08\x07q\"z"[..]),
        (r#"ECHO "\xfF\xg1\x4""#, b"\xffxg1x4"),
        (r#"ECHO "\x00""#, b"\0"),
        (r"ECHO 'a\'b\n'", b"a'b\\n"),
        (r#"ECHO """#, b""),
        ("ECHO ''", b""),
        (r#"ECHO a"b c""#, b"ab c"),
        (r#"ECHO a"""#, b"a"),
        (r"ECHO \x41", b"\\x41"),
        (r"ECHO \", b"\\"),
        ("ECHO \"a\"\x0b", b"a"),
        ("ECHO \"a\rb\"", b"a\rb"),
    ] {
        expect_commands(format!("{line}\r\n").as_bytes(), &[&[b"ECHO", argument]]);
    }
}

#[test]
fn unbalanced_quotes_break_the_stream() {
    for line in [
        r#"ECHO "abc"#,
        r#"ECHO "abc"d"#,
        "ECHO 'abc",
        "ECHO 'abc'd",
        r#"ECHO "abc\""#,
        r#"ECHO "abc\"#,
        r"ECHO 'a\",
        r#"ECHO ""a"#,
        r#"set """test-key""" test-value"#,
        "ECHO \"",
        "ECHO '",
    ] {
        expect_error(
            format!("{line}\r\n").as_bytes(),
            &Limits::default(),
            "Protocol error: unbalanced quotes in request",
        );
    }
}

#[test]
fn malformed_counts_break_the_stream() {
    for count in [
        "",
        "+1",
        "01",
        " 1",
        "1 ",
        "1a",
        "-",
        "-0",
        "00",
        "1\n",
        "1\0",
        "2147483648",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999999",
    ] {
        expect_error(
            format!("*{count}\r\n").as_bytes(),
            &Limits::default(),
            "Protocol error: invalid multibulk length",
        );
    }
    assert_eq!(feed(b"*2147483647\r\n", 1, &Limits::default()).1, None);
}

#[test]
fn malformed_lengths_break_the_stream() {
    for length in [
        "",
        "+4",
        "04",
        "00",
        "-1",
        "-0",
        "4a",
        " 4",
        "4\0",
        "536870913",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "99999999999999999999999999",
    ] {
        expect_error(
            format!("*1\r\n${length}\r\n").as_bytes(),
            &Limits::default(),
            "Protocol error: invalid bulk length",
        );
    }
    assert_eq!(feed(b"*1\r\n$536870912\r\n", 1, &Limits::default()).1, None);
}

#[test]
fn the_largest_length_overflows_nothing() {
    let limits = Limits::new(usize::MAX);
    let stream = b"*2\r\n$1\r\na\r\n$9223372036854775807\r\nabc";
    assert_eq!(feed(stream, stream.len(), &limits), (vec![], None));
    assert_eq!(feed(stream, 3, &limits), (vec![], None));
}

#[test]
fn an_argument_without_its_dollar_breaks_the_stream_once_its_line_ends() {
    for (stream, byte) in [("*1\r\nXPING\r", 'X'), ("*1\r\n\r", '\r'), ("*1\r\n:4\r", ':')] {
        expect_error(
            stream.as_bytes(),
            &Limits::default(),
            &format!("Protocol error: expected '$', got '{byte}'"),
        );
        assert_eq!(feed(b"*1\r\nXPING", 3, &Limits::default()).1, None);
    }
}

#[test]
fn lines_that_do_not_end_break_the_stream() {
    let limits = Limits::default();
    for (start, text) in [
        ("*", "Protocol error: too big mbulk count string"),
        ("*1\r\n$", "Protocol error: too big bulk count string"),
        ("A", "Protocol error: too big inline request"),
        ("A\0\n", "Protocol error: too big inline request"),
        ("\0", "Protocol error: too big inline request"),
    ] {
        let mut stream = start.as_bytes().to_vec();
        let line_start =
            start.rfind('\n').filter(|_| start.starts_with('*')).map_or(0, |at| at + 1);
        stream.resize(line_start + limits.inline_bytes_max, b'1');
        assert_eq!(feed(&stream, 4096, &limits).1, None, "{start}");
        assert_eq!(feed(&stream, stream.len(), &limits).1, None, "{start}");
        stream.push(b'1');
        expect_error(&stream, &limits, text);
        stream.extend_from_slice(b"\r\n");
        expect_error(&stream, &limits, text);
    }
}
#[test]
fn commands_that_begin_alike_are_told() {
    let get = |key: &str| format!("*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len());
    let (long, other) = ("k".repeat(1000), "*2\r\n$3\r\nget\r\n$1\r\nk\r\n".to_owned());
    let (more, inline) =
        ("*3\r\n$3\r\nGET\r\n$1\r\nk\r\n$1\r\nl\r\n".to_owned(), "GET k\r\n".to_owned());
    let cases = [
        (get("a"), false),
        (get("b"), true),
        (get(""), true),
        (get(&long), true),
        (more.clone(), false),
        (more, true),
        (get("k"), false),
        (other.clone(), false),
        (other, true),
        (inline, false),
        (get("k"), false),
        (get("k"), true),
    ];
    let mut stream: Vec<u8> = cases.iter().flat_map(|(text, _)| text.bytes()).collect();
    let (mut parser, mut opening, mut at) = (Parser::default(), Opening::default(), 0);
    let limits = Limits::default();
    for (text, expected) in cases {
        let mut spans = Vec::new();
        let parsed = parser.next_in_row(&mut stream, at, &limits, &mut spans, &mut opening);
        let Ok((Parsed::Command { end, arg_count }, is_alike)) = parsed else {
            panic!("{parsed:?} {text}")
        };
        assert_eq!((end - at, spans.len(), is_alike), (text.len(), arg_count, expected), "{text}");
        let mut alone = Vec::new();
        let mut bytes = stream[at..end].to_vec();
        assert!(Parser::default().next(&mut bytes, 0, &limits, &mut alone).is_ok());
        let words = |spans: &[Span], bytes: &[u8]| -> Vec<Vec<u8>> {
            spans.iter().map(|span| span.of(bytes).to_vec()).collect()
        };
        assert_eq!(words(&spans, &stream), words(&alone, &bytes), "{text}");
        at = end;
    }
    assert_eq!(at, stream.len());
}

#[test]
fn before_authentication_less_is_accepted() {
    let limits = Limits::default().before_authentication();
    for (stream, text) in [
        ("*11\r\n", "Protocol error: unauthenticated multibulk length"),
        ("*2147483648\r\n", "Protocol error: invalid multibulk length"),
        ("*1\r\n$16385\r\n", "Protocol error: unauthenticated bulk length"),
        ("*1\r\n$536870913\r\n", "Protocol error: invalid bulk length"),
    ] {
        expect_error(stream.as_bytes(), &limits, text);
    }
    let eleven = ["*11\r\n", &"$1\r\na\r\n".repeat(11)].concat();
    expect_error(eleven.as_bytes(), &limits, "Protocol error: unauthenticated multibulk length");
    let long = ["*1\r\n$16385\r\n", &"v".repeat(16_385), "\r\n"].concat();
    expect_error(long.as_bytes(), &limits, "Protocol error: unauthenticated bulk length");
    assert_eq!(feed(b"*10\r\n$16384\r\n", 2, &limits).1, None);
}

#[test]
fn the_missing_bytes_of_an_argument_are_known_once_its_header_is() {
    let (mut parser, mut spans) = (Parser::default(), Vec::new());
    let mut buffer = b"PING\r\n*2\r\n$1\r\na\r\n$20".to_vec();
    let mut next = |parser: &mut Parser, buffer: &mut Vec<u8>, at| {
        parser.next(buffer, at, &Limits::default(), &mut spans)
    };
    assert_eq!(next(&mut parser, &mut buffer, 0), Ok(Parsed::Command { end: 6, arg_count: 1 }));
    assert_eq!(next(&mut parser, &mut buffer, 6), Ok(Parsed::Incomplete));
    assert_eq!((parser.start(), parser.missing_bytes(buffer.len())), (6, 0));
    buffer.drain(..6);
    parser.shift(6);
    buffer.extend_from_slice(b"00\r\nabc");
    assert_eq!(next(&mut parser, &mut buffer, 0), Ok(Parsed::Incomplete));
    assert!(!parser.is_idle());
    assert_eq!(parser.missing_bytes(buffer.len()), 2000 - 3 + 2);
    buffer.resize(buffer.len() + 1999, b'.');
    assert_eq!(next(&mut parser, &mut buffer, 0), Ok(Parsed::Command { end: 2020, arg_count: 2 }));
    assert!(parser.is_idle());
    assert_eq!(spans[1..], [Span { start: 8, len: 1 }, Span { start: 18, len: 2000 }]);
}

#[test]
fn earlier_spans_of_a_batch_stay() {
    let (mut parser, mut spans) = (Parser::default(), vec![Span { start: 7, len: 7 }]);
    let mut buffer = b"*2\r\n$1\r\na\r\n".to_vec();
    assert_eq!(parser.next(&mut buffer, 0, &Limits::default(), &mut spans), Ok(Parsed::Incomplete));
    assert_eq!(spans, [Span { start: 7, len: 7 }]);
}
