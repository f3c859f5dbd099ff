//! Facts about the data plane, shown over real sockets with commands made for the purpose.

mod bench;
mod closing;
mod limits;
mod listening;
mod serving;
