//! Floor 7: wiring only: builds the parts, starts their threads, stops them in reverse.

mod logging;
mod process;
mod run;
mod signals;

pub use run::{Server, StartError, run};
