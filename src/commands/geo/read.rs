//! Commands that look at single members: GEODIST, GEOHASH, GEOPOS.

use super::arguments::{UNITS, distance_text, unit};
use super::geohash::Position;
use super::shape::distance;
use crate::commands::sorted_set::sorted_set_of;
use crate::engine::{
    Argument, ArgumentKind, Categories, Command, CommandError, Context, Flags, Group, KeyFlags,
    KeySpec,
};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;

const READ: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS))];
const MEMBERS: &[Argument] =
    &[Argument::key("key"), Argument::new("member", ArgumentKind::String).optional().multiple()];

pub(super) const GEODIST: Command = Command {
    name: "geodist",
    arity: -4,
    flags: Flags::READONLY,
    keys: READ,
    acl: Categories::GEO,
    since: "3.2.0",
    group: Group::Geo,
    summary: "Returns the distance of two members.",
    arguments: &[
        Argument::key("key"),
        Argument::new("member1", ArgumentKind::String),
        Argument::new("member2", ArgumentKind::String),
        Argument::one_of("unit", UNITS).optional(),
    ],
    run: geodist,
    ..Command::DEFAULT
};

fn geodist(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let meters = match args.len() {
        4 => 1.0,
        5 => unit(args.at(4))?,
        _ => return Err(CommandError::Syntax),
    };
    let key = context.key(1);
    let set = context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()?;
    let place = |index| set.and_then(|set| set.score(args.at(index))).map(Position::of_score);
    match (place(2), place(3)) {
        (Some(first), Some(second)) => {
            let text = distance_text(distance(first, second) / meters);
            context.reply.bulk(text.as_bytes());
        }
        _ => context.reply.null(),
    }
    Ok(())
}

pub(super) const GEOHASH: Command = Command {
    name: "geohash",
    arity: -2,
    flags: Flags::READONLY,
    keys: READ,
    acl: Categories::GEO,
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(1) for each member asked for",
    summary: "Returns the places of members as geohash texts.",
    arguments: MEMBERS,
    run: geohash,
    ..Command::DEFAULT
};

fn geohash(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_places(context, |reply, place| match place {
        Some(place) => reply.bulk(&place.text()),
        None => reply.null(),
    })
}

pub(super) const GEOPOS: Command = Command {
    name: "geopos",
    arity: -2,
    flags: Flags::READONLY,
    keys: READ,
    acl: Categories::GEO,
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(1) for each member asked for",
    summary: "Returns the places of members as longitudes and latitudes.",
    arguments: MEMBERS,
    run: geopos,
    ..Command::DEFAULT
};

fn geopos(context: &mut Context<'_>) -> Result<(), CommandError> {
    reply_with_places(context, |reply, place| match place {
        Some(place) => put_position(reply, place),
        None => reply.null_array(),
    })
}

/// Replies with a longitude and a latitude.
pub(super) fn put_position(reply: &mut ReplyBuffer, place: Position) {
    reply.array(2);
    reply.double(place.longitude);
    reply.double(place.latitude);
}

fn reply_with_places(
    context: &mut Context<'_>,
    put: impl Fn(&mut ReplyBuffer, Option<Position>),
) -> Result<(), CommandError> {
    let key = context.key(1);
    let set = context.keys.get(&key, Lookup::READ).map(sorted_set_of).transpose()?;
    let members = context.args.from(2);
    context.reply.array(members.len());
    for member in members.iter() {
        let score = set.and_then(|set| set.score(member));
        put(context.reply, score.map(Position::of_score));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    #[test]
    fn members_have_distances_places_and_hashes() {
        let mut bench = Bench::new();
        bench.expect(&[
            ("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", "2"),
            ("GEODIST g Palermo Catania", "\"166274.1516\""),
            ("GEODIST g Palermo Catania KM", "\"166.2742\""),
            ("GEODIST g Palermo Catania mi", "\"103.3182\""),
            ("GEODIST g Palermo nobody", "(nil)"),
            ("GEODIST g Palermo Catania km x", "ERR syntax error"),
            ("GEODIST g a b x", "ERR unsupported unit provided. please use M, KM, FT, MI"),
            ("GEOHASH g Palermo nobody", "[\"sqc8b49rny0\", (nil)]"),
            ("GEOPOS g Palermo nobody", "[[\"13.361389338970184\", \"38.1155563954963\"], (nil)]"),
            ("GEOPOS absent a", "[(nil)]"),
            ("GEOHASH absent", "[]"),
        ]);
    }
}
