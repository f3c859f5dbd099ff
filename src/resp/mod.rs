//! RESP2 and RESP3 as the server speaks them: the parser of requests and the writer of replies.
//!
//! Both work on plain buffers and know no socket: the data plane hands them bytes and sends what they
//! leave. Requests are borrowed, never copied: an argument is a [`Span`] of the buffer it arrived in.

mod chain;
mod element;
mod error;
mod header;
mod inline;
mod limits;
mod parser;
#[cfg(test)]
mod parser_tests;
mod reply;
mod short;
mod small;

pub use chain::{Chunks, Mark, SHARED_BYTES_MIN};
pub use error::ProtocolError;
pub use limits::Limits;
pub use parser::{Parsed, Parser, Span};
pub use reply::{Protocol, ReplyBuffer};
pub use short::Opening;
