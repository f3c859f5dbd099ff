//! GEOADD.

use super::arguments::position;
use crate::commands::sorted_set::{Conditions, add_members};
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};

/// Arguments of one member.
const TRIPLE: usize = 3;

pub(super) const GEOADD: Command = Command {
    name: "geoadd",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(1, KeyFlags::RW.and(KeyFlags::UPDATE))],
    acl: Categories::GEO,
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(log(N)) for each of the members, with N members in the sorted set",
    summary: "Adds members at places, or moves them, in a sorted set.",
    arguments: &[
        Argument::key("key"),
        Argument::one_of("condition", &[Argument::word("nx", "NX"), Argument::word("xx", "XX")])
            .optional()
            .since("6.2.0"),
        Argument::word("change", "CH").optional().since("6.2.0"),
        Argument::block(
            "data",
            &[
                Argument::new("longitude", ArgumentKind::Double),
                Argument::new("latitude", ArgumentKind::Double),
                Argument::new("member", ArgumentKind::String),
            ],
        )
        .multiple(),
    ],
    run: geoadd,
    ..Command::DEFAULT
};

fn geoadd(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let mut conditions = Conditions::default();
    let mut first = 2;
    while first < args.len() {
        let option = match args.at(first).to_ascii_uppercase().as_slice() {
            b"NX" => &mut conditions.only_new,
            b"XX" => &mut conditions.only_old,
            b"CH" => &mut conditions.counts_changes,
            _ => break,
        };
        *option = true;
        first += 1;
    }
    let is_whole = (args.len() - first).is_multiple_of(TRIPLE);
    if !is_whole || conditions.only_new && conditions.only_old {
        return Err(CommandError::Syntax);
    }
    let mut pairs = Vec::with_capacity((args.len() - first) / TRIPLE);
    for index in (first..args.len()).step_by(TRIPLE) {
        let score = position(args, index)?.score();
        #[expect(clippy::cast_precision_loss, reason = "scores of places have 52 bits")]
        pairs.push((score as f64, args.at(index + 2)));
    }
    let key = context.key(1);
    let tally = add_members(context, &key, conditions, &pairs)?;
    if tally.change_count() > 0 {
        state_effect(context, first, &pairs);
    }
    tally.reply(context, conditions);
    Ok(())
}

/// States the effect as a ZADD: places were rounded to scores.
fn state_effect(context: &mut Context<'_>, first: usize, pairs: &[(f64, &[u8])]) {
    let args = context.args;
    #[expect(clippy::cast_possible_truncation, reason = "scores of places are integers")]
    let scores: Vec<String> = pairs.iter().map(|(score, _)| (*score as i64).to_string()).collect();
    let mut effect: Vec<&[u8]> = vec![b"zadd"];
    effect.extend((1..first).map(|index| args.at(index)));
    for (score, (_, member)) in scores.iter().zip(pairs) {
        effect.extend([score.as_bytes(), member]);
    }
    context.effects.push(context.session.db, &effect);
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn places_become_scores() {
        let mut bench = Bench::new();
        let effect = "0: zadd g 3479099956230698 Palermo 3479447370796909 Catania";
        let add = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania";
        bench.expect_effects(add, &[effect]);
        bench.expect(&[
            ("ZSCORE g Palermo", "\"3479099956230698\""),
            ("GEOADD g NX 1 1 Palermo", "0"),
            ("GEOADD g XX CH 1 1 Palermo 2 2 nobody", "1"),
            ("ZCARD g", "2"),
        ]);
    }

    #[test]
    fn places_off_the_map_are_refused() {
        let mut bench = Bench::new();
        let pair = "ERR invalid longitude,latitude pair 200.000000,1.000000";
        bench.expect(&[
            ("GEOADD g 1 1 a 200 1 x", pair),
            ("GEOADD g a 1 x", "ERR value is not a valid float"),
            ("GEOADD g NX XX 1 1 x", "ERR syntax error"),
            ("GEOADD g 1 1 x 2", "ERR syntax error"),
            ("EXISTS g", "0"),
        ]);
    }
}
