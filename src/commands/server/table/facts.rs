//! The facts of a command in the form of COMMAND and COMMAND INFO.

use crate::engine::{BeginSearch, Command, CommandTable, FindKeys, KeySpec, Known};
use crate::resp::ReplyBuffer;

/// Replies with ten facts, the last one being the subcommands.
pub(super) fn reply(reply: &mut ReplyBuffer, table: &CommandTable, known: &Known) {
    let command = known.command;
    let (first, last, step) = key_range(command);
    reply.array(10);
    reply.bulk(known.full_name.as_bytes());
    reply.integer(command.arity.into());
    reply_words(reply, command.flags.words());
    reply.integer(first);
    reply.integer(last);
    reply.integer(step);
    reply_words(reply, command.categories().words());
    reply.set(command.tips.len());
    command.tips.iter().for_each(|tip| reply.bulk(tip.as_bytes()));
    reply.set(command.keys.len());
    command.keys.iter().for_each(|spec| reply_spec(reply, spec));
    let subcommands = subcommands(table, known);
    reply.set(subcommands.len());
    for subcommand in subcommands {
        self::reply(reply, table, subcommand);
    }
}

/// Returns the subcommands in the order of the table.
pub(super) fn subcommands<'t>(table: &'t CommandTable, known: &Known) -> Vec<&'t Known> {
    let names = known.command.subcommands.iter().map(|command| command.name);
    names.filter_map(|name| table.find_subcommand(known, name.as_bytes())).collect()
}

/// Replies with a set of words, each of them a status.
pub(super) fn reply_words(reply: &mut ReplyBuffer, words: impl Iterator<Item = &'static str>) {
    let mark = reply.deferred();
    let mut count = 0;
    for word in words {
        reply.simple(word);
        count += 1;
    }
    reply.finish_set(mark, count);
}

/// Returns first key, last key and step as clients that know no key specs want them: only what
/// ranges at fixed positions say, and of several ones those that follow each other without a gap.
fn key_range(command: &Command) -> (i64, i64, i64) {
    let mut range: Option<(i64, i64, i64)> = None;
    for spec in command.keys {
        let (BeginSearch::Index(index), FindKeys::Range { last, step, .. }) =
            (spec.begin, spec.find)
        else {
            continue;
        };
        let first = i64::try_from(index).unwrap_or(i64::MAX);
        let last = if last >= 0 { first + i64::from(last) } else { i64::from(last) };
        let step = i64::try_from(step).unwrap_or(1);
        match &mut range {
            _ if command.keys.len() > 1 && step != 1 => {}
            None => range = Some((first, last, step)),
            Some((_, end, _)) if *end + 1 == first => *end = last,
            Some(_) => {}
        }
    }
    range.unwrap_or_default()
}

fn reply_spec(reply: &mut ReplyBuffer, spec: &KeySpec) {
    reply.map(if spec.notes.is_empty() { 3 } else { 4 });
    if !spec.notes.is_empty() {
        reply.bulk(b"notes");
        reply.bulk(spec.notes.as_bytes());
    }
    reply.bulk(b"flags");
    reply_words(reply, spec.flags.words());
    reply.bulk(b"begin_search");
    match spec.begin {
        BeginSearch::Index(index) => reply_search(reply, "index", &[("index", number(index))]),
        BeginSearch::Keyword { keyword, start_from } => {
            let parts =
                [("keyword", Part::Word(keyword)), ("startfrom", Part::Number(start_from.into()))];
            reply_search(reply, "keyword", &parts);
        }
        BeginSearch::Unknown => reply_search(reply, "unknown", &[]),
    }
    reply.bulk(b"find_keys");
    match spec.find {
        FindKeys::Range { last, step, limit } => reply_search(
            reply,
            "range",
            &[
                ("lastkey", Part::Number(last.into())),
                ("keystep", number(step)),
                ("limit", number(limit)),
            ],
        ),
        FindKeys::KeyNum { count_index, first_index, step } => reply_search(
            reply,
            "keynum",
            &[
                ("keynumidx", number(count_index)),
                ("firstkey", number(first_index)),
                ("keystep", number(step)),
            ],
        ),
        FindKeys::Unknown => reply_search(reply, "unknown", &[]),
    }
}

enum Part {
    Word(&'static str),
    Number(i64),
}

fn number(value: usize) -> Part {
    Part::Number(i64::try_from(value).unwrap_or(i64::MAX))
}

fn reply_search(reply: &mut ReplyBuffer, kind: &str, parts: &[(&str, Part)]) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(parts.len());
    for (name, part) in parts {
        reply.bulk(name.as_bytes());
        match part {
            Part::Word(word) => reply.bulk(word.as_bytes()),
            Part::Number(value) => reply.integer(*value),
        }
    }
}
