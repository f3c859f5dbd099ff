//! Places: members of sorted sets whose scores are geohashes.

mod add;
mod arguments;
mod geohash;
mod read;
mod request;
mod search;
mod shape;

use crate::engine::Command;

pub(super) const COMMANDS: &[Command] = &[
    add::GEOADD,
    read::GEODIST,
    read::GEOHASH,
    read::GEOPOS,
    search::GEORADIUS,
    search::GEORADIUS_RO,
    search::GEORADIUSBYMEMBER,
    search::GEORADIUSBYMEMBER_RO,
    search::GEOSEARCH,
    search::GEOSEARCHSTORE,
];
