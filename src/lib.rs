//! Redpoll: a Redis-protocol-compatible, sharded, in-memory cache that executes on every core.

pub mod base;
pub mod blocking;
pub mod commands;
pub mod config;
pub mod control;
pub mod engine;
pub mod keyspace;
pub mod net;
pub mod rdb;
pub mod resp;
pub mod server;
pub mod stats;
pub mod types;
