//! Client contracts, all in one binary.

mod resp;
mod scan;
mod tidy;
