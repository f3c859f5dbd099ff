//! The lock plan: which arguments are keys, and so which shards a command needs.

use super::args::Args;
use super::command::{BeginSearch, Command, FindKeys, KeyFlags, KeySpec};
use crate::base::text;

/// A key's position among the arguments and how it is used.
pub type KeyAt = (usize, KeyFlags);

/// Appends the positions of a command's keys; `false` when the arguments make no sense.
pub fn find_keys(command: &Command, args: Args<'_>, found: &mut Vec<KeyAt>) -> bool {
    if let Some(finder) = command.find_keys {
        return finder(args, found);
    }
    command.keys.iter().all(|spec| find_spec(spec, args, found))
}

fn find_spec(spec: &KeySpec, args: Args<'_>, found: &mut Vec<KeyAt>) -> bool {
    let first = match spec.begin {
        BeginSearch::Index(index) => index,
        BeginSearch::Keyword { keyword, start_from } => {
            match find_keyword(args, keyword, start_from) {
                Some(at) => at + 1,
                None => return true,
            }
        }
        BeginSearch::Unknown => return true,
    };
    match spec.find {
        FindKeys::Range { last, step, limit } => {
            find_range(args, (first, last, step, limit), spec.flags, found)
        }
        FindKeys::KeyNum { count_index, first_index, step } => {
            find_counted(args, (first + count_index, first + first_index, step), spec.flags, found)
        }
        FindKeys::Unknown => true,
    }
}

fn find_keyword(args: Args<'_>, keyword: &str, start_from: i32) -> Option<usize> {
    let offset = usize::try_from(start_from.unsigned_abs()).ok()?;
    if start_from >= 0 {
        (offset..args.len()).find(|&index| args.is_word(index, keyword))
    } else {
        (1..=args.len().checked_sub(offset)?).rev().find(|&index| args.is_word(index, keyword))
    }
}

fn find_range(
    args: Args<'_>,
    (first, last, step, limit): (usize, i32, usize, usize),
    flags: KeyFlags,
    found: &mut Vec<KeyAt>,
) -> bool {
    let count = args.len();
    let last = match usize::try_from(last) {
        Ok(last) => first + last,
        Err(_) if limit > 1 => first + (count.saturating_sub(first)) / limit - 1,
        Err(_) => match count.checked_sub(last.unsigned_abs() as usize) {
            Some(last) => last,
            None => return false,
        },
    };
    if first >= count || last >= count {
        return false;
    }
    found.extend((first..=last).step_by(step.max(1)).map(|index| (index, flags)));
    true
}

fn find_counted(
    args: Args<'_>,
    (count_at, first, step): (usize, usize, usize),
    flags: KeyFlags,
    found: &mut Vec<KeyAt>,
) -> bool {
    let count = args.get(count_at).and_then(text::parse_i64);
    let Some(count) = count.and_then(|count| usize::try_from(count).ok()) else { return false };
    let step = step.max(1);
    let Some(last) = count.checked_mul(step).and_then(|span| span.checked_add(first)) else {
        return false;
    };
    if count == 0 || last - step >= args.len() {
        return false;
    }
    found.extend((first..last).step_by(step).map(|index| (index, flags)));
    true
}
