//! Client contracts, all in one binary.
