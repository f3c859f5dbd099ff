//! Client contracts, all in one binary.

mod clients;
mod collection_races;
mod connection;
mod eviction;
mod expiry;
mod functions;
mod generic;
mod hashes;
mod introspection;
mod lifecycle;
mod limits;
mod linearizability;
mod lists;
mod monitor;
mod persistence;
mod protocol;
mod races;
mod resp;
mod scan;
mod scripts;
mod server;
mod streams;
mod strings;
mod support;
mod tidy;
mod tracking;
