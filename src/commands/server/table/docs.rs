//! The explanation of a command in the form of COMMAND DOCS.

use super::facts::{reply_words, subcommands};
use crate::engine::{Argument, ArgumentKind, CommandTable, Known};
use crate::resp::ReplyBuffer;

/// Replies with the full name and a map of what there is to say.
pub(super) fn reply(reply: &mut ReplyBuffer, table: &CommandTable, known: &Known) {
    let command = known.command;
    reply.bulk(known.full_name.as_bytes());
    let mark = reply.deferred();
    let mut pairs = 4;
    for (name, text) in [
        ("summary", command.summary),
        ("since", command.since),
        ("group", command.group.name()),
        ("complexity", command.complexity),
    ] {
        reply_pair(reply, name, text);
    }
    if let Some((since, instead)) = command.deprecated {
        reply.bulk(b"doc_flags");
        reply_words(reply, std::iter::once("deprecated"));
        reply_pair(reply, "deprecated_since", since);
        reply_pair(reply, "replaced_by", instead);
        pairs += 3;
    }
    if !command.arguments.is_empty() {
        reply.bulk(b"arguments");
        reply_arguments(reply, command.arguments);
        pairs += 1;
    }
    let subcommands = subcommands(table, known);
    if !subcommands.is_empty() {
        reply.bulk(b"subcommands");
        reply.map(subcommands.len());
        subcommands.iter().for_each(|subcommand| self::reply(reply, table, subcommand));
        pairs += 1;
    }
    reply.finish_map(mark, pairs);
}

fn reply_pair(reply: &mut ReplyBuffer, name: &str, text: &str) {
    reply.bulk(name.as_bytes());
    reply.bulk(text.as_bytes());
}

fn reply_arguments(reply: &mut ReplyBuffer, arguments: &[Argument]) {
    reply.array(arguments.len());
    arguments.iter().for_each(|argument| reply_argument(reply, argument));
}

fn reply_argument(reply: &mut ReplyBuffer, argument: &Argument) {
    let mark = reply.deferred();
    let mut pairs = 2;
    reply_pair(reply, "name", argument.name);
    reply_pair(reply, "type", argument.kind.name());
    if !matches!(argument.kind, ArgumentKind::OneOf | ArgumentKind::Block) {
        reply_pair(reply, "display_text", argument.shown_as.unwrap_or(argument.name));
        pairs += 1;
    }
    if let Some(index) = argument.key_spec {
        reply.bulk(b"key_spec_index");
        reply.integer(i64::try_from(index).unwrap_or(i64::MAX));
        pairs += 1;
    }
    for (name, text) in [("token", argument.token), ("since", argument.since)] {
        if let Some(text) = text {
            reply_pair(reply, name, text);
            pairs += 1;
        }
    }
    let flags = [
        (argument.is_optional, "optional"),
        (argument.is_multiple, "multiple"),
        (argument.repeats_token, "multiple_token"),
    ];
    if flags.iter().any(|(applies, _)| *applies) {
        reply.bulk(b"flags");
        reply_words(reply, flags.into_iter().filter(|(applies, _)| *applies).map(|(_, word)| word));
        pairs += 1;
    }
    if !argument.parts.is_empty() {
        reply.bulk(b"arguments");
        reply_arguments(reply, argument.parts);
        pairs += 1;
    }
    reply.finish_map(mark, pairs);
}
