//! Commands that search an area: GEOSEARCH, GEOSEARCHSTORE and the older GEORADIUS family.

use std::cmp::Ordering;

use super::arguments::{UNITS, distance_text};
use super::geohash::Position;
use super::read::put_position;
use super::request::{Dialect, Request, Sorting};
use super::shape::Shape;
use crate::commands::sorted_set::{put_member, sorted_set_of, store};
use crate::engine::{
    Args, Argument, ArgumentKind, BeginSearch, Categories, Command, CommandError, Context, Event,
    FindKeys, Flags, Group, KeyFlags, KeySpec,
};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;
use crate::types::{IntegerText, Item, ScoreEnd, ScoreRange, SortedSet};

/// A member that was found.
struct Found<'a> {
    member: Item<'a>,
    score: f64,
    place: Position,
    /// From the center, in meters.
    distance: f64,
}

/// Returns the members within an area, in the order of its cells; `count_max` of them are enough.
fn find<'a>(set: &'a SortedSet, shape: &Shape, count_max: usize) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    for cell in shape.cells() {
        let (first, end) = cell.scores();
        let range = ScoreRange {
            min: ScoreEnd { score: first, is_open: false },
            max: ScoreEnd { score: end, is_open: true },
        };
        for (member, score) in set.walk(set.ranks_by_score(&range), false) {
            let place = Position::of_score(score);
            if let Some(distance) = shape.distance_within(place) {
                found.push(Found { member, score, place, distance });
            }
            if found.len() >= count_max {
                return found;
            }
        }
    }
    found
}

impl Request {
    /// Returns the members asked for, in the order asked for.
    fn members<'a>(&self, set: &'a SortedSet) -> Vec<Found<'a>> {
        let Some(shape) = self.shape() else { return Vec::new() };
        let count_max = if self.count == 0 { usize::MAX } else { self.count };
        let mut found = find(set, &shape, if self.any { count_max } else { usize::MAX });
        let nearest_first = |left: &Found<'_>, right: &Found<'_>| {
            left.distance.partial_cmp(&right.distance).unwrap_or(Ordering::Equal)
        };
        match self.sorting {
            Sorting::Descending => found.sort_by(|left, right| nearest_first(right, left)),
            Sorting::Ascending => found.sort_by(nearest_first),
            // A count without an order means the nearest ones.
            Sorting::None if self.count > 0 && !self.any => found.sort_by(nearest_first),
            Sorting::None => {}
        }
        found.truncate(count_max);
        found
    }

    fn put(&self, reply: &mut ReplyBuffer, found: &Found<'_>) {
        let details = usize::from(self.with_distance)
            + usize::from(self.with_hash)
            + usize::from(self.with_position);
        if details > 0 {
            reply.array(1 + details);
        }
        put_member(reply, found.member);
        if self.with_distance {
            reply.bulk(distance_text(found.distance / self.meters).as_bytes());
        }
        if self.with_hash {
            #[expect(clippy::cast_possible_truncation, reason = "scores of places are integers")]
            reply.integer(found.score as i64);
        }
        if self.with_position {
            put_position(reply, found.place);
        }
    }

    /// Returns the members as a sorted set, by distance or by place.
    fn result(&self, context: &Context<'_>, members: &[Found<'_>]) -> SortedSet {
        let limits = context.tuning.sorted_set_packed;
        let mut result = SortedSet::default();
        let mut digits = IntegerText::new();
        for found in members {
            let by_distance = found.distance / self.meters;
            let score = if self.stores_distances { by_distance } else { found.score };
            result.insert(found.member.bytes(&mut digits), score, limits);
        }
        result
    }
}

fn search(
    context: &mut Context<'_>,
    source_at: usize,
    dialect: Dialect,
) -> Result<(), CommandError> {
    let source = context.key(source_at);
    context.keys.get(&source, Lookup::READ).map(sorted_set_of).transpose()?;
    let set = context.keys.peek(&source).map(sorted_set_of).transpose()?;
    let request = Request::parse(context.args, dialect, set)?;
    let members = set.map(|set| request.members(set)).unwrap_or_default();
    if let Some(store_at) = request.store_at {
        let result = request.result(context, &members);
        let target = context.key(store_at);
        let is_search = dialect == Dialect::SearchStore;
        let event = if is_search { Event::GEOSEARCHSTORE } else { Event::GEORADIUSSTORE };
        store(context, &target, result, event);
        return Ok(());
    }
    context.reply.array(members.len());
    for found in &members {
        request.put(context.reply, found);
    }
    Ok(())
}

const SOURCE: KeyFlags = KeyFlags::RO.and(KeyFlags::ACCESS);
const TARGET: KeyFlags = KeyFlags::OW.and(KeyFlags::UPDATE);

const CENTER: Argument = Argument::one_of(
    "from",
    &[
        Argument::new("member", ArgumentKind::String).after("FROMMEMBER"),
        Argument::block(
            "fromlonlat",
            &[
                Argument::new("longitude", ArgumentKind::Double),
                Argument::new("latitude", ArgumentKind::Double),
            ],
        )
        .after("FROMLONLAT"),
    ],
)
.optional();

const AREA: Argument = Argument::one_of(
    "by",
    &[
        Argument::block(
            "circle",
            &[
                Argument::new("radius", ArgumentKind::Double).after("BYRADIUS"),
                Argument::one_of("unit", UNITS),
            ],
        ),
        Argument::block(
            "box",
            &[
                Argument::new("width", ArgumentKind::Double).after("BYBOX"),
                Argument::new("height", ArgumentKind::Double),
                Argument::one_of("unit", UNITS),
            ],
        ),
        Argument::block(
            "polygon",
            &[
                Argument::new("num-vertices", ArgumentKind::Integer).after("BYPOLYGON"),
                Argument::block(
                    "vertices",
                    &[
                        Argument::new("longitude", ArgumentKind::Double),
                        Argument::new("latitude", ArgumentKind::Double),
                    ],
                )
                .multiple(),
            ],
        )
        .since("9.0.0"),
    ],
);

const ORDER: Argument =
    Argument::one_of("order", &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")])
        .optional();
const COUNT: Argument = Argument::block(
    "count-block",
    &[
        Argument::new("count", ArgumentKind::Integer).after("COUNT"),
        Argument::word("any", "ANY").optional(),
    ],
)
.optional();
const COUNT_SINCE: Argument = Argument::block(
    "count-block",
    &[
        Argument::new("count", ArgumentKind::Integer).after("COUNT"),
        Argument::word("any", "ANY").optional().since("6.2.0"),
    ],
)
.optional();
const WITHCOORD: Argument = Argument::word("withcoord", "WITHCOORD").optional();
const WITHDIST: Argument = Argument::word("withdist", "WITHDIST").optional();
const WITHHASH: Argument = Argument::word("withhash", "WITHHASH").optional();
const STORE: Argument = Argument::one_of(
    "store",
    &[
        Argument::key("storekey").of_spec(1).after("STORE").shown_as("key"),
        Argument::key("storedistkey").of_spec(2).after("STOREDIST").shown_as("key"),
    ],
)
.optional();

pub(super) const GEOSEARCH: Command = Command {
    name: "geosearch",
    arity: -7,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, SOURCE)],
    acl: Categories::GEO,
    since: "6.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) with N members in the cells around the area, of M in the sorted set",
    summary: "Lists the members within a circle, a box or a polygon.",
    arguments: &[Argument::key("key"), CENTER, AREA, ORDER, COUNT, WITHCOORD, WITHDIST, WITHHASH],
    run: geosearch,
    ..Command::DEFAULT
};

fn geosearch(context: &mut Context<'_>) -> Result<(), CommandError> {
    search(context, 1, Dialect::Search)
}

pub(super) const GEOSEARCHSTORE: Command = Command {
    name: "geosearchstore",
    arity: -8,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::one(1, TARGET), KeySpec::one(2, SOURCE)],
    acl: Categories::GEO,
    since: "6.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) with N members in the cells around the area, of M in the sorted set",
    summary: "Stores the members within a circle, a box or a polygon under another key.",
    arguments: &[
        Argument::key("destination"),
        Argument::key("source").of_spec(1),
        CENTER,
        AREA,
        ORDER,
        COUNT,
        Argument::word("storedist", "STOREDIST").optional(),
    ],
    run: geosearchstore,
    ..Command::DEFAULT
};

fn geosearchstore(context: &mut Context<'_>) -> Result<(), CommandError> {
    search(context, 2, Dialect::SearchStore)
}

/// The keys behind STORE and STOREDIST.
const fn store_specs(start_from: i32) -> [KeySpec; 3] {
    let flags = TARGET.and(KeyFlags::VARIABLE_FLAGS);
    let find = FindKeys::Range { last: 0, step: 1, limit: 0 };
    let store = BeginSearch::Keyword { keyword: "STORE", start_from };
    let distances = BeginSearch::Keyword { keyword: "STOREDIST", start_from };
    [
        KeySpec::one(1, SOURCE),
        KeySpec { flags, begin: store, find, notes: "" },
        KeySpec { flags, begin: distances, find, notes: "" },
    ]
}

/// Appends the source and the key that is really stored under: the last one named.
fn find_radius_keys(args: Args<'_>, keys: &mut Vec<(usize, KeyFlags)>) -> bool {
    let is_by_member = args.at(0).len() == "GEORADIUSBYMEMBER".len();
    keys.push((1, SOURCE));
    let first = if is_by_member { 5 } else { 6 };
    let (mut store_at, mut index) = (None, first);
    while index + 1 < args.len() {
        let names_key = args.is_word(index, "STORE") || args.is_word(index, "STOREDIST");
        if names_key {
            store_at = Some(index + 1);
            index += 1;
        }
        index += 1;
    }
    keys.extend(store_at.map(|index| (index, TARGET)));
    true
}

pub(super) const GEORADIUS: Command = Command {
    name: "georadius",
    arity: -6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLEKEYS),
    keys: &store_specs(6),
    acl: Categories::GEO,
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) with N members in the cells around the area, of M in the sorted set",
    summary: "Lists or stores the members within a circle around a place.",
    deprecated: Some(("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")),
    arguments: &[
        Argument::key("key"),
        Argument::new("longitude", ArgumentKind::Double),
        Argument::new("latitude", ArgumentKind::Double),
        Argument::new("radius", ArgumentKind::Double),
        Argument::one_of("unit", UNITS),
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT_SINCE,
        ORDER,
        STORE,
    ],
    find_keys: Some(find_radius_keys),
    run: georadius,
    ..Command::DEFAULT
};

fn georadius(context: &mut Context<'_>) -> Result<(), CommandError> {
    search(context, 1, Dialect::Radius { may_store: true })
}

pub(super) const GEORADIUS_RO: Command = Command {
    name: "georadius_ro",
    arity: -6,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, SOURCE)],
    acl: Categories::GEO,
    since: "3.2.10",
    group: Group::Geo,
    complexity: "O(N+log(M)) with N members in the cells around the area, of M in the sorted set",
    summary: "Lists the members within a circle around a place.",
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")),
    arguments: &[
        Argument::key("key"),
        Argument::new("longitude", ArgumentKind::Double),
        Argument::new("latitude", ArgumentKind::Double),
        Argument::new("radius", ArgumentKind::Double),
        Argument::one_of("unit", UNITS),
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT_SINCE,
        ORDER,
    ],
    run: georadius_ro,
    ..Command::DEFAULT
};

fn georadius_ro(context: &mut Context<'_>) -> Result<(), CommandError> {
    search(context, 1, Dialect::Radius { may_store: false })
}

pub(super) const GEORADIUSBYMEMBER: Command = Command {
    name: "georadiusbymember",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLEKEYS),
    keys: &store_specs(5),
    acl: Categories::GEO,
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)) with N members in the cells around the area, of M in the sorted set",
    summary: "Lists or stores the members within a circle around one of them.",
    deprecated: Some((
        "6.2.0",
        "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
    )),
    arguments: &[
        Argument::key("key"),
        Argument::new("member", ArgumentKind::String),
        Argument::new("radius", ArgumentKind::Double),
        Argument::one_of("unit", UNITS),
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT,
        ORDER,
        STORE,
    ],
    find_keys: Some(find_radius_keys),
    run: georadiusbymember,
    ..Command::DEFAULT
};

fn georadiusbymember(context: &mut Context<'_>) -> Result<(), CommandError> {
    search(context, 1, Dialect::RadiusByMember { may_store: true })
}

pub(super) const GEORADIUSBYMEMBER_RO: Command = Command {
    name: "georadiusbymember_ro",
    arity: -5,
    flags: Flags::READONLY,
    keys: &[KeySpec::one(1, SOURCE)],
    acl: Categories::GEO,
    since: "3.2.10",
    group: Group::Geo,
    complexity: "O(N+log(M)) with N members in the cells around the area, of M in the sorted set",
    summary: "Lists the members within a circle around one of them.",
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")),
    arguments: &[
        Argument::key("key"),
        Argument::new("member", ArgumentKind::String),
        Argument::new("radius", ArgumentKind::Double),
        Argument::one_of("unit", UNITS),
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT,
        ORDER,
    ],
    run: georadiusbymember_ro,
    ..Command::DEFAULT
};

fn georadiusbymember_ro(context: &mut Context<'_>) -> Result<(), CommandError> {
    search(context, 1, Dialect::RadiusByMember { may_store: false })
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    fn sicily() -> Bench {
        let mut bench = Bench::new();
        bench.say("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania");
        bench
    }

    #[test]
    fn areas_of_every_shape_are_searched() {
        let mut bench = sicily();
        bench.expect(&[
            ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC", "[\"Catania\", \"Palermo\"]"),
            (
                "GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km DESC WITHDIST",
                "[[\"Palermo\", \"190.4424\"], [\"Catania\", \"56.4413\"]]",
            ),
            (
                "GEOSEARCH g BYPOLYGON 4 12 36 12 39 16 39 16 36 ASC WITHDIST",
                "[[\"Palermo\", \"87079.3757\"], [\"Catania\", \"95942.2984\"]]",
            ),
            (
                "GEORADIUS g 15 37 200 km WITHDIST WITHHASH WITHCOORD COUNT 1",
                "[[\"Catania\", \"56.4413\", 3479447370796909, [\"15.087267458438873\", \"37.50266842333162\"]]]",
            ),
            ("GEORADIUSBYMEMBER g Palermo 10 km", "[\"Palermo\"]"),
            ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 ANY", "[\"Palermo\"]"),
            ("GEOSEARCH absent FROMMEMBER x BYRADIUS 1 km", "[]"),
        ]);
    }

    #[test]
    fn results_are_stored_by_place_or_distance() {
        let mut bench = sicily();
        bench.expect(&[
            ("GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST", "2"),
            (
                "ZRANGE d 0 -1 WITHSCORES",
                "[\"Catania\", \"56.4412578701582\", \"Palermo\", \"190.44242984775784\"]",
            ),
            ("GEORADIUS g 15 37 200 km STORE other STORE d", "2"),
            ("ZSCORE d Palermo", "\"3479099956230698\""),
            ("EXISTS other", "0"),
            ("GEORADIUS absent 15 37 200 km STORE d", "0"),
            ("EXISTS d", "0"),
        ]);
    }

    #[test]
    fn arguments_are_checked() {
        let mut bench = sicily();
        let syntax = "ERR syntax error";
        let vertices = "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices";
        bench.expect(&[
            ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km COUNT 0", "ERR COUNT must be > 0"),
            (
                "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km ANY",
                "ERR the ANY argument requires COUNT argument",
            ),
            ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS -1 km", "ERR radius cannot be negative"),
            ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS x km", "ERR need numeric radius"),
            (
                "GEOSEARCH g FROMLONLAT 15 37 BYBOX 1 -1 km",
                "ERR height or width cannot be negative",
            ),
            (
                "geosearch g FROMLONLAT 15 37 ASC ASC ASC",
                "ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch",
            ),
            (
                "geosearch g BYRADIUS 1 km ASC ASC",
                "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for geosearch",
            ),
            (
                "GEOSEARCH g FROMMEMBER nobody BYRADIUS 1 km",
                "ERR could not decode requested zset member",
            ),
            ("GEOSEARCH g FROMLONLAT 15 37 FROMMEMBER Palermo BYRADIUS 1 km", syntax),
            ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km BYBOX 1 1 km", syntax),
            ("GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 1 km STOREDIST", syntax),
            ("GEOSEARCH g BYPOLYGON 3 12 36 12 39 16 39 FROMLONLAT 15 37", syntax),
            ("GEOSEARCH g BYPOLYGON 2 12 36 12 39", vertices),
            ("GEOSEARCH g BYPOLYGON x 12 36 12 39", "ERR invalid number of vertices"),
            ("GEORADIUS_RO g 15 37 200 km STORE d", syntax),
            (
                "GEORADIUS g 15 37 200 km STORE d WITHDIST",
                "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
            ),
        ]);
    }
}
