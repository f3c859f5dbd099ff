//! SORT: the elements of a list, a set or a sorted set in the order of their values or of other keys',
//! as they are, as values of other keys, or stored as a list.
//!
//! BY and GET name keys by patterns, so which keys those are is known only once the elements are. Then
//! the first lock is given up and the shards of all these keys are locked together; the elements are read
//! again under these locks. If they have changed meanwhile, the keys may be others: after a few attempts
//! all shards of the database are locked. So nobody is ever waited for while a lock is held out of
//! order, and what is replied is the state of one instant.

mod elements;
mod order;
mod output;
mod pattern;
mod request;
#[cfg(test)]
mod tests;

use self::elements::Elements;
use self::request::Request;
use crate::engine::{
    Args, Argument, ArgumentKind, BeginSearch, Categories, Command, CommandError, Context,
    FindKeys, Flags, KeyFlags, KeySpec,
};
use crate::keyspace::{KeyPlace, Keyspace, LockMode};

const SOURCE: KeySpec = KeySpec::one(1, KeyFlags::RO.and(KeyFlags::ACCESS));
const PATTERNS: KeySpec = KeySpec {
    flags: KeyFlags::RO.and(KeyFlags::ACCESS),
    begin: BeginSearch::Unknown,
    find: FindKeys::Unknown,
    notes: "The keys that BY and GET name depend on the elements that are sorted.",
};
const DESTINATION: KeySpec = KeySpec {
    flags: KeyFlags::OW.and(KeyFlags::UPDATE),
    begin: BeginSearch::Unknown,
    find: FindKeys::Unknown,
    notes: "STORE may stand anywhere, and more than once; the last one counts.",
};

const BY: Argument = Argument::new("by-pattern", ArgumentKind::Pattern)
    .after("BY")
    .shown_as("pattern")
    .of_spec(1)
    .optional();
const LIMIT: Argument = Argument::block(
    "limit",
    &[
        Argument::new("offset", ArgumentKind::Integer),
        Argument::new("count", ArgumentKind::Integer),
    ],
)
.after("LIMIT")
.optional();
const GET: Argument = Argument::new("get-pattern", ArgumentKind::Pattern)
    .after("GET")
    .shown_as("pattern")
    .of_spec(1)
    .optional()
    .repeating_token();
const ORDER: Argument =
    Argument::one_of("order", &[Argument::word("asc", "ASC"), Argument::word("desc", "DESC")])
        .optional();
const SORTING: Argument = Argument::word("sorting", "ALPHA").optional();
const STORE: Argument =
    Argument::new("destination", ArgumentKind::Key).after("STORE").of_spec(2).optional();

pub(super) const SORT: Command = Command {
    name: "sort",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::MOVABLEKEYS),
    keys: &[SOURCE, PATTERNS, DESTINATION],
    acl: Categories::SET
        .and(Categories::SORTEDSET)
        .and(Categories::LIST)
        .and(Categories::DANGEROUS),
    since: "1.0.0",
    complexity: "O(N*log(N)) in the elements, O(N) if they are not sorted",
    summary: "Sorts the elements of a list, a set or a sorted set, perhaps storing the result.",
    arguments: &[Argument::key("key"), BY, LIMIT, GET, ORDER, SORTING, STORE],
    find_keys: Some(find_sort_keys),
    looks_beyond: true,
    run: sort,
    ..Command::DEFAULT
};

pub(super) const SORT_RO: Command = Command {
    name: "sort_ro",
    arity: -2,
    flags: Flags::READONLY.and(Flags::MOVABLEKEYS),
    keys: &[SOURCE, PATTERNS],
    acl: Categories::SET
        .and(Categories::SORTEDSET)
        .and(Categories::LIST)
        .and(Categories::DANGEROUS),
    since: "7.0.0",
    complexity: "O(N*log(N)) in the elements, O(N) if they are not sorted",
    summary: "Sorts the elements of a list, a set or a sorted set.",
    arguments: &[Argument::key("key"), BY, LIMIT, GET, ORDER, SORTING],
    find_keys: Some(find_source),
    looks_beyond: true,
    run: sort_ro,
    ..Command::DEFAULT
};

fn find_source(_args: Args<'_>, found: &mut Vec<(usize, KeyFlags)>) -> bool {
    found.push((1, SOURCE.flags));
    true
}

fn find_sort_keys(args: Args<'_>, found: &mut Vec<(usize, KeyFlags)>) -> bool {
    find_source(args, found);
    found.extend(request::destination_of(args).map(|index| (index, DESTINATION.flags)));
    true
}

fn sort(context: &mut Context<'_>) -> Result<(), CommandError> {
    let request = Request::parse(context, true)?;
    run(context, request)
}

fn sort_ro(context: &mut Context<'_>) -> Result<(), CommandError> {
    let request = Request::parse(context, false)?;
    run(context, request)
}

fn run(context: &mut Context<'_>, mut request: Request<'_>) -> Result<(), CommandError> {
    let elements = gather(context, &request)?;
    if elements.is_set {
        request.settle_for_set(context.session.is_in_script);
    }
    finish(context, &request, &elements)
}

/// Returns the elements, with the keys that patterns make of them locked as well.
fn gather(context: &mut Context<'_>, request: &Request<'_>) -> Result<Elements, CommandError> {
    /// Times that changed elements are followed.
    const ATTEMPTS: usize = 3;
    let mut elements = Elements::read(context, request)?;
    if !request.looks_up() {
        return Ok(elements);
    }
    let mode = if request.destination.is_some() { LockMode::Exclusive } else { LockMode::Shared };
    let _wish = context.ask_for_quiet();
    for _ in 0..ATTEMPTS {
        let mut places = places_of(context, request, &elements);
        lock_all(context, &mut places, mode)?;
        let again = Elements::read_again(context, request)?;
        if again == elements {
            return Ok(elements);
        }
        elements = again;
    }
    let mut places: Vec<KeyPlace> = Keyspace::all_places(context.session.db).collect();
    lock_all(context, &mut places, mode)?;
    Elements::read_again(context, request)
}

/// Locks these shards instead of those that are locked.
fn lock_all(
    context: &mut Context<'_>,
    places: &mut [KeyPlace],
    mode: LockMode,
) -> Result<(), CommandError> {
    let engine = context.engine;
    let is_locked = context.keys.relock_soon(&engine.keyspace, places, mode);
    if is_locked { Ok(()) } else { Err(engine.refusal_for(places)) }
}

/// Returns the places of all keys that are needed.
fn places_of(context: &Context<'_>, request: &Request<'_>, elements: &Elements) -> Vec<KeyPlace> {
    let (keyspace, db) = (&context.engine.keyspace, context.session.db);
    let own = [Some(1), request.destination].into_iter().flatten();
    let mut places: Vec<KeyPlace> = own.map(|index| context.key(index).place()).collect();
    let mut name = Vec::new();
    for pattern in request.lookups() {
        for element in elements.iter() {
            if pattern.name(element, &mut name) {
                places.push(keyspace.key(db, &name).place());
            }
        }
        // Elements may be many, shards are not.
        places.sort_unstable();
        places.dedup();
    }
    places
}

/// Sorts and replies, or stores.
fn finish(
    context: &mut Context<'_>,
    request: &Request<'_>,
    elements: &Elements,
) -> Result<(), CommandError> {
    let is_last_look = request.gets.is_empty() && request.destination.is_none();
    let weights = order::Weights::look_up(context, request, elements)?;
    if is_last_look {
        context.keys.unlock();
    }
    let order = weights.sorted(request, elements);
    let order = &order[request.window(elements)];
    if request.destination.is_some() {
        output::store(context, request, elements, order);
    } else {
        output::reply(context, request, elements, order);
    }
    Ok(())
}
