//! Client contracts, all in one binary.

mod scan;
mod tidy;
