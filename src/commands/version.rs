//! Who this server says it is, wherever a client asks: HELLO, INFO, LOLWUT.

/// The level of Redis whose commands are all there; clients switch their features on by it.
pub const REDIS_VERSION: &str = "7.4.0";

/// This program's own version.
pub const REDPOLL_VERSION: &str = env!("CARGO_PKG_VERSION");
