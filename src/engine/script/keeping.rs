//! Whether a program can use keys that are not given to it, as far as its code tells.

use crate::engine::command::{BeginSearch, Command, FindKeys, Flags, KeySpec};
use crate::engine::table::{CommandTable, Known};
use crate::script::{Argument, Call, Conduct};

impl CommandTable {
    /// Says whether it is certain that all keys which a program uses are given to it, when these are its
    /// arguments. Cost: a load, but for the first time, and for programs whose commands are named by
    /// their arguments.
    #[inline]
    pub fn keeps_to_keys(&self, conduct: &Conduct, given: &[&[u8]]) -> bool {
        conduct.keeps_to_keys(given, |call, given| self.call_keeps_to_keys(call, given))
    }

    fn call_keeps_to_keys(&self, call: &Call, given: &[&[u8]]) -> bool {
        let text = |index| call.arguments.get(index).and_then(|it: &Argument| it.text(given));
        let Some(name) = text(0) else { return false };
        // What does not exist does not run.
        let Some(mut known) = self.find(name) else { return true };
        if !known.subcommands.is_empty() {
            let Some(name) = text(1) else { return false };
            match self.find_subcommand(known, name) {
                Some(subcommand) => known = subcommand,
                None => return true,
            }
        }
        keeps_to_keys(known, call, given)
    }
}

fn keeps_to_keys(known: &Known, call: &Call, given: &[&[u8]]) -> bool {
    let command = known.command;
    let is_special = command.looks_beyond
        || command.find_keys.is_some()
        || command.other_places.is_some()
        || command.selects.is_some()
        || command.flags.has(Flags::NOSCRIPT);
    if is_special {
        return false;
    }
    match command.keys {
        // One that is slow may look at all keys.
        [] => command.flags.has(Flags::FAST),
        specs => specs.iter().all(|spec| spec_keeps_to_keys((command, spec), call, given)),
    }
}

/// Says whether a call has keys wherever the command looks for them, and that many arguments.
fn spec_keeps_to_keys((command, spec): (&Command, &KeySpec), call: &Call, given: &[&[u8]]) -> bool {
    let BeginSearch::Index(first) = spec.begin else { return false };
    match spec.find {
        FindKeys::Range { last, step, .. } => match usize::try_from(last) {
            Ok(last) => (first..=first + last).step_by(step.max(1)).all(|at| {
                // With fewer arguments the command is refused.
                let is_there =
                    at < call.arguments.len() || at < command.arity.unsigned_abs() as usize;
                is_there && call.argument(at) == Some(&Argument::Key)
            }),
            Err(_) => range_keeps_to_keys(first, (last, step.max(1)), call),
        },
        FindKeys::KeyNum { count_index, first_index, step } => counted_keep_to_keys(
            call,
            given,
            (first + count_index, first + first_index, step.max(1)),
        ),
        FindKeys::Unknown => false,
    }
}

/// Looks at keys from one place to one counted from the end.
fn range_keeps_to_keys(first: usize, (last, step): (i32, usize), call: &Call) -> bool {
    let count = call.arguments.len();
    if let Some(rest) = &call.rest {
        let mut known = call.arguments.iter().skip(first);
        let is_key = |argument: &Argument| *argument == Argument::Key;
        return first <= count
            && known.all(is_key)
            && is_key(&rest.first)
            && rest.others.as_ref().is_none_or(is_key);
    }
    let end = (count + 1).saturating_sub(last.unsigned_abs() as usize);
    first < end && (first..end).step_by(step).all(|at| call.arguments[at] == Argument::Key)
}

/// Looks at keys whose number stands before them.
fn counted_keep_to_keys(
    call: &Call,
    given: &[&[u8]],
    (count_at, first, step): (usize, usize, usize),
) -> bool {
    let text = call.arguments.get(count_at).and_then(|argument| argument.text(given));
    let Some(text) = text else { return false };
    let count = std::str::from_utf8(text).ok().and_then(|text| text.parse::<usize>().ok());
    let end = count.and_then(|count| count.checked_mul(step)?.checked_add(first));
    let Some(keys) = end.and_then(|end| call.arguments.get(first..end)) else { return false };
    !keys.is_empty() && keys.iter().step_by(step).all(|argument| *argument == Argument::Key)
}
