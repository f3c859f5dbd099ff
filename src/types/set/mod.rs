//! Sets: different texts in no order.
//!
//! A set of few integers keeps them sorted in one buffer, any other small set is a packed sequence, and
//! what is larger than the limits becomes a table, for good.

mod integers;
#[cfg(test)]
mod model_tests;
mod small;
mod value;

pub use value::{Set, SetLimits, Taken};
