//! HELP of containers, made from the command table: one line of syntax for each subcommand, one line
//! that says what it does.

use crate::engine::{Argument, ArgumentKind, Command, CommandError, Context};

/// Bytes of a subcommand's name repeated in an error at most.
const QUOTED_BYTES_MAX: usize = 128;

/// Handles `... HELP` of any container.
pub(super) fn container_help(context: &mut Context<'_>) -> Result<(), CommandError> {
    let table = &context.engine.table;
    let container = context.known.parent.map_or(context.known, |id| table.by_id(id)).command;
    let mut lines = vec![headline(container.name)];
    for subcommand in container.subcommands {
        lines.push(syntax(subcommand));
        lines.push(format!("    {}", subcommand.summary));
    }
    context.reply.array(lines.len());
    lines.iter().for_each(|line| context.reply.simple(line));
    Ok(())
}

/// Returns the refusal of a subcommand whose arguments no form of it has.
pub(super) fn see_help(context: &Context<'_>) -> CommandError {
    let subcommand = context.args.at(1);
    let subcommand = &subcommand[..subcommand.len().min(QUOTED_BYTES_MAX)];
    let container = context.command_name().split('|').next().unwrap_or_default();
    CommandError::quoting(
        "ERR unknown subcommand or wrong number of arguments for '",
        subcommand,
        &format!("'. Try {} HELP.", container.to_ascii_uppercase()),
    )
}

/// Returns the first line of a container's help.
pub(super) fn headline(container: &str) -> String {
    let container = container.to_ascii_uppercase();
    format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
}

fn syntax(command: &Command) -> String {
    let mut line = command.name.to_ascii_uppercase();
    for argument in command.arguments {
        line.push(' ');
        push_argument(&mut line, argument);
    }
    line
}

fn push_argument(line: &mut String, argument: &Argument) {
    if argument.is_optional {
        line.push('[');
    }
    push_values(line, argument);
    if argument.is_optional {
        line.push(']');
    }
}

fn push_values(line: &mut String, argument: &Argument) {
    push_token(line, argument);
    push_value(line, argument);
    if !argument.is_multiple {
        return;
    }
    if argument.parts.is_empty() {
        line.push_str(" [");
        if argument.repeats_token {
            push_token(line, argument);
        }
        push_value(line, argument);
        line.push_str(" ...]");
    } else {
        line.push_str(" ...");
    }
}

fn push_token(line: &mut String, argument: &Argument) {
    let Some(token) = argument.token else { return };
    line.push_str(token);
    if argument.kind != ArgumentKind::PureToken {
        line.push(' ');
    }
}

fn push_value(line: &mut String, argument: &Argument) {
    match argument.kind {
        ArgumentKind::PureToken => {}
        ArgumentKind::OneOf => {
            line.push('(');
            push_parts(line, argument.parts, "|", push_values);
            line.push(')');
        }
        ArgumentKind::Block => push_parts(line, argument.parts, " ", push_argument),
        _ => {
            line.push('<');
            line.push_str(argument.shown_as.unwrap_or(argument.name));
            line.push('>');
        }
    }
}

fn push_parts(
    line: &mut String,
    parts: &[Argument],
    between: &str,
    push: fn(&mut String, &Argument),
) {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            line.push_str(between);
        }
        push(line, part);
    }
}

#[cfg(test)]
mod tests {
    use super::syntax;
    use crate::engine::{Argument, ArgumentKind, Command};

    #[test]
    fn syntax_shows_what_may_be_left_out_or_repeated() {
        const COMMAND: Command = Command {
            name: "kill",
            arguments: &[
                Argument::new("client-id", ArgumentKind::Integer).after("ID").optional().multiple(),
                Argument::new("prefix", ArgumentKind::String).after("PREFIX").repeating_token(),
                Argument::one_of(
                    "mode",
                    &[Argument::word("on", "ON").optional(), Argument::word("off", "OFF")],
                )
                .multiple(),
            ],
            ..Command::DEFAULT
        };
        assert_eq!(
            syntax(&COMMAND),
            "KILL [ID <client-id> [<client-id> ...]] PREFIX <prefix> [PREFIX <prefix> ...] \
             (ON|OFF) ..."
        );
    }
}
