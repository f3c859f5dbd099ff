//! XSETID: what a stream remembers besides its entries.

use super::value::{edit, id, integer};
use crate::engine::{
    Args, Argument, ArgumentKind, Categories, Command, CommandError, Context, Event, Flags, Group,
    KeyFlags, KeySpec,
};
use crate::types::{StreamId, StreamLog, StreamMarks};

pub(super) const XSETID: Command = Command {
    name: "xsetid",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::STREAM,
    since: "5.0.0",
    group: Group::Stream,
    summary: "Sets the identifier that a stream's next entry must be behind.",
    arguments: &[
        Argument::key("key"),
        Argument::new("last-id", ArgumentKind::String),
        Argument::new("entries-added", ArgumentKind::Integer)
            .after("ENTRIESADDED")
            .since("7.0.0")
            .optional(),
        Argument::new("max-deleted-id", ArgumentKind::String)
            .after("MAXDELETEDID")
            .since("7.0.0")
            .optional(),
    ],
    wakes_nobody: true,
    is_unobserved: true,
    run: xsetid,
    ..Command::DEFAULT
};

struct Wanted {
    last_id: StreamId,
    entries_added: Option<u64>,
    max_deleted_id: Option<StreamId>,
}

impl Wanted {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let last_id = id(args.at(2))?;
        let mut wanted = Self { last_id, entries_added: None, max_deleted_id: None };
        let mut at = 3;
        while at < args.len() {
            let Some(value) = args.get(at + 1) else { return Err(CommandError::Syntax) };
            if args.is_word(at, "ENTRIESADDED") {
                const NEGATIVE: CommandError =
                    CommandError::refused("ERR entries_added must be positive");
                let count = u64::try_from(integer(value)?).map_err(|_| NEGATIVE)?;
                wanted.entries_added = Some(count);
            } else if args.is_word(at, "MAXDELETEDID") {
                let max_deleted_id = id(value)?;
                if last_id < max_deleted_id {
                    return Err(CommandError::refused(
                        "ERR The ID specified in XSETID is smaller than the provided \
                         max_deleted_entry_id",
                    ));
                }
                wanted.max_deleted_id = Some(max_deleted_id);
            } else {
                return Err(CommandError::Syntax);
            }
            at += 2;
        }
        Ok(wanted)
    }

    /// Returns what a stream remembers afterwards.
    fn apply(&self, log: &StreamLog) -> Result<StreamMarks, CommandError> {
        let old = log.marks();
        if self.last_id < old.max_deleted_id {
            return Err(CommandError::refused(
                "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
            ));
        }
        if let Some(last) = log.last() {
            if self.last_id < last.id() {
                return Err(CommandError::refused(
                    "ERR The ID specified in XSETID is smaller than the target stream top item",
                ));
            }
            if self.entries_added.is_some_and(|count| count < log.len()) {
                return Err(CommandError::refused(
                    "ERR The entries_added specified in XSETID is smaller than the target stream \
                     length",
                ));
            }
        }
        let deleted = self.max_deleted_id.filter(|&id| id != StreamId::MIN);
        Ok(StreamMarks {
            last_id: self.last_id,
            max_deleted_id: deleted.unwrap_or(old.max_deleted_id),
            entries_added: self.entries_added.unwrap_or(old.entries_added),
        })
    }
}

fn xsetid(context: &mut Context<'_>) -> Result<(), CommandError> {
    let wanted = Wanted::parse(context.args)?;
    let key = context.key(1);
    let mut entry = context.keys.get_mut(&key).ok_or(CommandError::NoSuchKey)?;
    let mut stream = edit(&mut entry)?;
    let log = &mut stream.parts_mut().log;
    let marks = wanted.apply(log)?;
    log.set_marks(marks);
    drop(stream);
    context.effects.changed(1);
    context.notify(Event::XSETID, &key);
    context.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn marks_stay_behind_the_entries() {
        let mut bench = Bench::new();
        let refusal = |text: &str| format!("ERR The ID specified in XSETID is smaller than {text}");
        bench.expect(&[
            ("XSETID s 1-1", "ERR no such key"),
            ("XADD s 5-1 f v", "\"5-1\""),
            ("XSETID s 4-1", &refusal("the target stream top item")),
            ("XSETID s 6-1 MAXDELETEDID 7-1", &refusal("the provided max_deleted_entry_id")),
            ("XSETID s 6-1 ENTRIESADDED -1", "ERR entries_added must be positive"),
            (
                "XSETID s 6-1 ENTRIESADDED 0",
                "ERR The entries_added specified in XSETID is smaller than the target stream length",
            ),
            ("XSETID s 6-1 ENTRIESADDED 9 MAXDELETEDID 5-5", "OK"),
            ("XSETID s 5-2", &refusal("current max_deleted_entry_id")),
            ("XSETID s 6-1 FOO 1", "ERR syntax error"),
            ("XADD s 6-* f v", "\"6-2\""),
        ]);
    }
}
