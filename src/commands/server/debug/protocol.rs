//! DEBUG PROTOCOL: a value of every type, for authors of client libraries.

use crate::engine::{CommandError, Context};
use crate::resp::{Protocol, ReplyBuffer};

#[expect(clippy::approx_constant, reason = "clients compare with these digits")]
const SAMPLE_DOUBLE: f64 = 3.141;

/// Handles DEBUG PROTOCOL.
pub(super) fn sample(context: &mut Context<'_>) -> Result<(), CommandError> {
    let reply = &mut *context.reply;
    match context.args.at(2).to_ascii_lowercase().as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.integer(12_345),
        b"double" => reply.double(SAMPLE_DOUBLE),
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.integer(number);
                reply.boolean(number == 1);
            }
        }
        b"attrib" => attributed(reply),
        b"push" => return pushed(reply),
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"verbatim" => reply.verbatim("txt", b"This is a verbatim\nstring"),
        _ => {
            return Err(CommandError::refused(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(())
}

fn attributed(reply: &mut ReplyBuffer) {
    if reply.protocol() == Protocol::Resp3 {
        reply.attribute(1);
        reply.bulk(b"key-popularity");
        reply.array(2);
        reply.bulk(b"key:123");
        reply.integer(90);
    }
    reply.bulk(b"Some real reply following the attribute");
}

fn pushed(reply: &mut ReplyBuffer) -> Result<(), CommandError> {
    if reply.protocol() == Protocol::Resp2 {
        return Err(CommandError::refused("ERR RESP2 is not supported by this command"));
    }
    reply.bulk(b"Some real reply following the push reply");
    reply.push(2);
    reply.bulk(b"server-cpu-usage");
    reply.integer(42);
    Ok(())
}
