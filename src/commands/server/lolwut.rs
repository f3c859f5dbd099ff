//! LOLWUT: a picture, ours.

use crate::base::text;
use crate::commands::{REDIS_VERSION, REDPOLL_VERSION};
use crate::engine::{Argument, ArgumentKind, Command, CommandError, Context, Flags, Group};

/// Birds in the picture unless another number is given, and at most.
const BIRD_COUNT: usize = 3;
const BIRD_COUNT_MAX: usize = 8;

/// A redpoll on a birch twig; `@` is its red cap, `v` the rosy breast.
const BIRD: [&str; 5] = ["   _@_   ", " <(o )__ ", "  ( v  _>", "   '--'  ", "====''==="];

pub(super) const LOLWUT: Command = Command {
    name: "lolwut",
    arity: -1,
    flags: Flags::READONLY.and(Flags::FAST),
    since: "5.0.0",
    group: Group::Server,
    complexity: "",
    summary: "Draws something.",
    arguments: &[Argument::new("version", ArgumentKind::Integer).after("VERSION").optional()],
    run: lolwut,
    ..Command::DEFAULT
};
fn lolwut(context: &mut Context<'_>) -> Result<(), CommandError> {
    let mut first = 1;
    if context.args.is_word(1, "VERSION") && context.args.len() > 2 {
        context.integer(2)?;
        first = 3;
    }
    // Whatever else is said, a picture is drawn.
    let wanted = context.args.get(first).and_then(text::parse_i64);
    let count = wanted.map_or(BIRD_COUNT, |count| usize::try_from(count.max(1)).unwrap_or(1));
    let picture = picture(count.min(BIRD_COUNT_MAX));
    context.reply.verbatim("txt", picture.as_bytes());
    Ok(())
}

fn picture(bird_count: usize) -> String {
    let mut text = String::new();
    for line in BIRD {
        let end = if line.starts_with('=') { "=" } else { " " };
        let row = vec![line; bird_count].join(end);
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text.push_str(&format!(
        "\nRedis ver. {REDIS_VERSION}, as spoken by Redpoll {REDPOLL_VERSION}\n"
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::{BIRD_COUNT_MAX, picture};

    #[test]
    fn every_bird_has_its_cap() {
        for count in 1..=BIRD_COUNT_MAX {
            assert_eq!(picture(count).matches('@').count(), count);
        }
    }
}
