//! Requests that name no command or have the wrong number of arguments.

use super::args::Args;
use super::error::CommandError;
use super::table::{CommandTable, Known};

/// Bytes of a request repeated in the error at most.
const QUOTED_BYTES_MAX: usize = 128;

/// Returns the command or subcommand a request means.
///
/// # Errors
/// No such command or subcommand, or a number of arguments it never takes.
#[inline]
pub(super) fn resolve<'t>(
    table: &'t CommandTable,
    id: Option<usize>,
    args: Args<'_>,
) -> Result<&'t Known, CommandError> {
    let Some(id) = id else { return Err(unknown_command(args)) };
    let mut known = table.by_id(id);
    if !known.subcommands.is_empty() && args.len() > 1 {
        known = table
            .find_subcommand(known, args.at(1))
            .ok_or_else(|| unknown_subcommand(known, args.at(1)))?;
    }
    if fits(known.command.arity, args.len()) {
        Ok(known)
    } else {
        Err(CommandError::wrong_arity(&known.full_name))
    }
}

/// Says whether a number of arguments agrees with an arity.
pub fn fits(arity: i32, arg_count: usize) -> bool {
    let wanted = arity.unsigned_abs() as usize;
    if arity < 0 { arg_count >= wanted } else { arg_count == wanted }
}

#[cold]
fn unknown_command(args: Args<'_>) -> CommandError {
    let mut arguments = String::new();
    for argument in args.from(1).iter() {
        if arguments.len() >= QUOTED_BYTES_MAX {
            break;
        }
        let room = QUOTED_BYTES_MAX - arguments.len();
        let shown = &argument[..argument.len().min(room)];
        arguments.push_str(&format!("'{}' ", String::from_utf8_lossy(shown)));
    }
    let name = args.at(0);
    let name = &name[..name.len().min(QUOTED_BYTES_MAX)];
    CommandError::UnknownCommand { command: String::from_utf8_lossy(name).into(), arguments }
}

#[cold]
fn unknown_subcommand(container: &Known, name: &[u8]) -> CommandError {
    let name = &name[..name.len().min(QUOTED_BYTES_MAX)];
    CommandError::UnknownSubcommand {
        container: container.full_name.to_ascii_uppercase(),
        subcommand: String::from_utf8_lossy(name).into(),
    }
}
