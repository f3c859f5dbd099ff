//! Lists: one packed sequence while small, a deque of packed chunks beyond.
//!
//! The chunked form is what the field calls a quicklist. A chunk takes elements up to the limit that
//! `list-max-listpack-size` sets; an element that is large by itself is a node of its own, shared with
//! the replies that carry it. Ends are O(1), anything else walks over chunks by their counts.

mod chunk;
mod edit;
mod element;
mod limits;
#[cfg(test)]
mod model_tests;
mod node;
mod quicklist;
mod value;

pub use element::{Element, End, Side, TextMatch, Viewer};
pub use limits::ListLimits;
pub use node::NodeRef;
pub use value::List;
