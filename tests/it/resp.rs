//! The parser and the writer against `redis-protocol`: whatever it encodes as commands is parsed, however
//! the stream is cut; whatever is written, it decodes to the same values, in both protocols.

use std::io::IoSlice;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use redis_protocol::resp2;
use redis_protocol::resp2::types::{OwnedFrame as Frame2, Resp2Frame};
use redis_protocol::resp3;
use redis_protocol::resp3::types::{OwnedFrame as Frame3, VerbatimStringFormat};
use redpoll::base::text;
use redpoll::resp::{Limits, Opening, Parsed, Parser, Protocol, ReplyBuffer, SHARED_BYTES_MIN};

type Command = Vec<Vec<u8>>;

/// Arguments of all sizes: empty, short, around the powers of ten, and longer than a read.
fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..20),
        2 => vec(any::<u8>(), 95..105),
        1 => vec(any::<u8>(), 995..1005),
        1 => (9_990_usize..40_000, any::<u8>()).prop_map(|(bytes, byte)| vec![byte; bytes]),
    ]
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    vec(prop_oneof![9 => vec(argument(), 1..6), 1 => vec(vec(any::<u8>(), 0..4), 8..150)], 1..8)
}

fn encode(command: &Command) -> Vec<u8> {
    let frame = Frame2::Array(command.iter().cloned().map(Frame2::BulkString).collect());
    let mut bytes = vec![0; frame.encode_len(false)];
    let end = resp2::encode::encode(&mut bytes, &frame, false)
        .expect("the buffer is as long as the frame");
    bytes.truncate(end);
    bytes
}

/// Parses a stream that arrives in pieces, dropping what is done with after every `kept` pieces.
fn parse_pieces<'stream>(
    pieces: impl Iterator<Item = &'stream [u8]>,
    kept: usize,
) -> (Vec<Command>, bool) {
    let (mut parser, limits) = (Parser::default(), Limits::default());
    let (mut buffer, mut spans, mut commands) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 0;
    for (index, piece) in pieces.enumerate() {
        buffer.extend_from_slice(piece);
        spans.clear();
        let mut opening = Opening::default();
        while let (Parsed::Command { end, arg_count }, _) = parser
            .next_in_row(&mut buffer, at, &limits, &mut spans, &mut opening)
            .expect("what the oracle encodes is well formed")
        {
            let arguments = &spans[spans.len() - arg_count..];
            commands.push(arguments.iter().map(|span| span.of(&buffer).to_vec()).collect());
            at = end;
        }
        at = parser.start();
        if index % kept == 0 {
            buffer.drain(..at);
            parser.shift(at);
            at = 0;
        }
    }
    (commands, parser.is_idle())
}

proptest! {
    #[test]
    fn encoded_commands_are_parsed_however_they_are_cut(
        commands in commands(),
        cuts in vec(any::<prop::sample::Index>(), 0..30),
        kept in 1_usize..4,
    ) {
        // Some are repeated, with other words behind the name.
        let repeated = commands.iter().flat_map(|command| {
            (0..1 + command.len() % 3).map(|turn| {
                let longer = |word: &Vec<u8>| word.repeat(1 + turn);
                let behind = command[1..].iter().map(longer);
                command[..1].iter().cloned().chain(behind).collect()
            })
        });
        let commands: Vec<Command> = repeated.collect();
        let stream: Vec<u8> = commands.iter().flat_map(encode).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]);
        let (parsed, idle) = parse_pieces(pieces, kept);
        assert!(idle && parsed == commands);
    }

    #[test]
    fn arbitrary_bytes_never_panic(stream in vec(stream_byte(), 0..200), cut in 1_usize..50) {
        let (mut parser, mut spans, mut buffer) = (Parser::default(), Vec::new(), Vec::new());
        let mut at = 0;
        'stream: for piece in stream.chunks(cut) {
            buffer.extend_from_slice(piece);
            loop {
                match parser.next(&mut buffer, at, &Limits::default(), &mut spans) {
                    Ok(Parsed::Command { end, .. }) => at = end,
                    Ok(Parsed::Incomplete) => break,
                    Err(_) => break 'stream,
                }
            }
        }
        assert!(spans.iter().all(|span| span.start + span.len <= buffer.len()));
    }
}

/// Bytes that mean something to the parser, mostly.
fn stream_byte() -> impl Strategy<Value = u8> {
    prop_oneof![prop::sample::select(&b"*$\r\n\r\n\r\n0123-\"'\\x "[..]), any::<u8>()]
}

/// A reply of any type.
#[derive(Clone, Debug)]
enum Value {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Shared(Bytes),
    BulkInteger(i64),
    Null,
    NullArray,
    Boolean(bool),
    Double(f64),
    BigNumber(i64),
    Verbatim(Vec<u8>),
    /// A collection, and whether its size is told afterwards.
    Array(Vec<Self>, bool),
    Map(Vec<(i64, Self)>, bool),
    Set(Vec<i64>, bool),
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        "[a-zA-Z0-9 ]{0,20}".prop_map(Value::Simple),
        "[A-Z]{3,10} [a-z ]{0,20}[a-z]".prop_map(Value::Error),
        any::<i64>().prop_map(Value::Integer),
        (-20_i64..2000).prop_map(Value::Integer),
        argument().prop_map(Value::Bulk),
        (SHARED_BYTES_MIN - 2..SHARED_BYTES_MIN + 5000)
            .prop_map(|bytes| Value::Shared(Bytes::from(vec![b's'; bytes]))),
        any::<i64>().prop_map(Value::BulkInteger),
        Just(Value::Null),
        Just(Value::NullArray),
        any::<bool>().prop_map(Value::Boolean),
        any::<f64>()
            .prop_filter("equal to itself", |value| !value.is_nan())
            .prop_map(Value::Double),
        any::<i64>().prop_map(Value::BigNumber),
        vec(any::<u8>(), 0..50).prop_map(Value::Verbatim),
    ];
    scalar.prop_recursive(3, 200, 20, |inner| {
        prop_oneof![
            (vec(inner.clone(), 0..20), any::<bool>())
                .prop_map(|(elements, late)| Value::Array(elements, late)),
            (prop::collection::btree_map(any::<i64>(), inner, 0..10), any::<bool>())
                .prop_map(|(pairs, late)| Value::Map(pairs.into_iter().collect(), late)),
            (prop::collection::btree_set(any::<i64>(), 0..10), any::<bool>())
                .prop_map(|(members, late)| Value::Set(members.into_iter().collect(), late)),
        ]
    })
}

fn write(reply: &mut ReplyBuffer, value: &Value) {
    match value {
        Value::Simple(text) => reply.simple(text),
        Value::Error(text) => reply.error(text),
        Value::Integer(number) => reply.integer(*number),
        Value::Bulk(bytes) => reply.bulk(bytes),
        Value::Shared(bytes) => reply.bulk_shared(bytes.clone()),
        Value::BulkInteger(number) => reply.bulk_integer(*number),
        Value::Null => reply.null(),
        Value::NullArray => reply.null_array(),
        Value::Boolean(value) => reply.boolean(*value),
        Value::Double(value) => reply.double(*value),
        Value::BigNumber(number) => reply.big_number(&number.to_string()),
        Value::Verbatim(text) => reply.verbatim("txt", text),
        Value::Array(elements, late) => write_array(reply, elements, *late),
        Value::Map(pairs, late) => write_map(reply, pairs, *late),
        Value::Set(members, late) => write_set(reply, members, *late),
    }
}

fn write_array(reply: &mut ReplyBuffer, elements: &[Value], late: bool) {
    let mark = reply.deferred();
    if !late {
        reply.array(elements.len());
    }
    elements.iter().for_each(|element| write(reply, element));
    if late {
        reply.finish_array(mark, elements.len());
    }
}

fn write_map(reply: &mut ReplyBuffer, pairs: &[(i64, Value)], late: bool) {
    let mark = reply.deferred();
    if !late {
        reply.map(pairs.len());
    }
    for (key, element) in pairs {
        reply.integer(*key);
        write(reply, element);
    }
    if late {
        reply.finish_map(mark, pairs.len());
    }
}

fn write_set(reply: &mut ReplyBuffer, members: &[i64], late: bool) {
    let mark = reply.deferred();
    if !late {
        reply.set(members.len());
    }
    members.iter().for_each(|member| reply.bulk_integer(*member));
    if late {
        reply.finish_set(mark, members.len());
    }
}

/// What a client of RESP2 should read.
fn as_resp2(value: &Value) -> Frame2 {
    let bulk = |text: &dyn ToString| Frame2::BulkString(text.to_string().into_bytes());
    match value {
        Value::Simple(status) => Frame2::SimpleString(status.clone().into_bytes()),
        Value::Error(text) => Frame2::Error(text.clone()),
        Value::Integer(number) => Frame2::Integer(*number),
        Value::Bulk(bytes) | Value::Verbatim(bytes) => Frame2::BulkString(bytes.clone()),
        Value::Shared(bytes) => Frame2::BulkString(bytes.to_vec()),
        Value::BulkInteger(number) | Value::BigNumber(number) => bulk(number),
        Value::Null | Value::NullArray => Frame2::Null,
        Value::Boolean(value) => Frame2::Integer(i64::from(*value)),
        Value::Double(value) => bulk(&text::format_f64(*value)),
        Value::Array(elements, _) => Frame2::Array(elements.iter().map(as_resp2).collect()),
        Value::Map(pairs, _) => Frame2::Array(
            pairs
                .iter()
                .flat_map(|(key, element)| [Frame2::Integer(*key), as_resp2(element)])
                .collect(),
        ),
        Value::Set(members, _) => {
            Frame2::Array(members.iter().map(|member| bulk(member)).collect())
        }
    }
}

/// What a client of RESP3 should read.
fn as_resp3(value: &Value) -> Frame3 {
    let attributes = None;
    match value {
        Value::Simple(text) => Frame3::SimpleString { data: text.clone().into_bytes(), attributes },
        Value::Error(text) => Frame3::SimpleError { data: text.clone(), attributes },
        Value::Integer(number) => Frame3::Number { data: *number, attributes },
        Value::Bulk(bytes) => Frame3::BlobString { data: bytes.clone(), attributes },
        Value::Shared(bytes) => Frame3::BlobString { data: bytes.to_vec(), attributes },
        Value::BulkInteger(number) => blob(*number),
        Value::Null | Value::NullArray => Frame3::Null,
        Value::Boolean(value) => Frame3::Boolean { data: *value, attributes },
        Value::Double(value) => Frame3::Double { data: *value, attributes },
        Value::BigNumber(number) => {
            Frame3::BigNumber { data: number.to_string().into_bytes(), attributes }
        }
        Value::Verbatim(text) => Frame3::VerbatimString {
            data: text.clone(),
            format: VerbatimStringFormat::Text,
            attributes,
        },
        Value::Array(elements, _) => {
            Frame3::Array { data: elements.iter().map(as_resp3).collect(), attributes }
        }
        Value::Map(pairs, _) => {
            let number = |key| Frame3::Number { data: key, attributes: None };
            let data = pairs.iter().map(|(key, element)| (number(*key), as_resp3(element)));
            Frame3::Map { data: data.collect(), attributes }
        }
        Value::Set(members, _) => {
            Frame3::Set { data: members.iter().map(|member| blob(*member)).collect(), attributes }
        }
    }
}

fn blob(number: i64) -> Frame3 {
    Frame3::BlobString { data: number.to_string().into_bytes(), attributes: None }
}

/// Takes everything out of a buffer by partial writes of at most `bytes_max` bytes.
fn send(mut reply: ReplyBuffer, bytes_max: usize) -> Vec<u8> {
    let (expected, mut sent) = (reply.len(), Vec::new());
    while !reply.is_empty() {
        let mut slices = [IoSlice::new(&[]); 3];
        let filled = reply.as_slices(&mut slices);
        let all: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
        let part = all.len().min(bytes_max);
        sent.extend_from_slice(&all[..part]);
        reply.consume(part);
    }
    assert_eq!(sent.len(), expected);
    sent
}

/// Writes replies, some of them by way of another buffer and some taken back.
fn sent(values: &[(Value, Route)], protocol: Protocol, bytes_max: usize) -> Vec<u8> {
    let mut reply = ReplyBuffer::with_protocol(protocol);
    for (value, route) in values {
        match route {
            Route::Direct => write(&mut reply, value),
            Route::Appended => {
                let mut other = ReplyBuffer::with_protocol(protocol);
                write(&mut other, value);
                reply.append(other);
            }
            Route::Repeated => {
                let checkpoint = reply.checkpoint();
                write(&mut reply, value);
                reply.truncate(checkpoint);
                write(&mut reply, value);
            }
        }
    }
    send(reply, bytes_max)
}

#[derive(Clone, Copy, Debug)]
enum Route {
    Direct,
    Appended,
    Repeated,
}

fn routed() -> impl Strategy<Value = Vec<(Value, Route)>> {
    let route = prop::sample::select(&[Route::Direct, Route::Appended, Route::Repeated][..]);
    vec((value(), route), 1..6)
}

proptest! {
    #[test]
    fn written_replies_decode_to_the_same_values_in_resp2(
        values in routed(),
        bytes_max in 1000_usize..100_000,
    ) {
        let bytes = sent(&values, Protocol::Resp2, bytes_max);
        let mut rest = &bytes[..];
        for (value, _) in &values {
            let (frame, used) = resp2::decode::decode(rest).unwrap().unwrap();
            assert!(frame == as_resp2(value));
            rest = &rest[used..];
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn written_replies_decode_to_the_same_values_in_resp3(
        values in routed(),
        bytes_max in 1000_usize..100_000,
    ) {
        let bytes = sent(&values, Protocol::Resp3, bytes_max);
        let mut rest = &bytes[..];
        for (value, _) in &values {
            let (frame, used) = resp3::decode::complete::decode(rest).unwrap().unwrap();
            assert!(frame == as_resp3(value));
            rest = &rest[used..];
        }
        assert!(rest.is_empty());
    }
}

#[test]
fn attributes_and_pushes_are_read_as_such() {
    let mut reply = ReplyBuffer::with_protocol(Protocol::Resp3);
    reply.attribute(1);
    reply.bulk(b"ttl");
    reply.integer(3600);
    reply.bulk(b"value");
    let mark = reply.deferred();
    reply.bulk(b"invalidate");
    reply.null();
    reply.finish_push(mark, 2);
    let bytes = send(reply, 1000);
    let (frame, used) = resp3::decode::complete::decode(&bytes).unwrap().unwrap();
    let key = Frame3::BlobString { data: b"ttl".to_vec(), attributes: None };
    let attributes = [(key, Frame3::Number { data: 3600, attributes: None })].into_iter().collect();
    let expected = Frame3::BlobString { data: b"value".to_vec(), attributes: Some(attributes) };
    assert_eq!(frame, expected);
    let (frame, _) = resp3::decode::complete::decode(&bytes[used..]).unwrap().unwrap();
    let topic = Frame3::BlobString { data: b"invalidate".to_vec(), attributes: None };
    assert_eq!(frame, Frame3::Push { data: vec![topic, Frame3::Null], attributes: None });
}
