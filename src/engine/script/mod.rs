//! Scripts and functions as commands: under which locks they run, what they may call, and what becomes
//! of everybody else while one takes long.
//!
//! A script runs under the locks of the keys it declares, and what it calls borrows them. When it turns
//! out to use other keys as well, nothing else may run beside it:
//!
//! - If it has done nothing yet that somebody could see, its run is given up, and it runs again, alone,
//!   behind the closed gate. From then on it does so at once.
//! - Otherwise it closes the gate from where it stands, and goes on alone. Whoever waits for one of its
//!   shards leaves for it. Two of them could wait for each other; the second one's call fails.
//!
//! A script that takes longer than `busy-reply-threshold` is entered in a list ([`SlowScripts`]).
//! Nobody waits for what it holds any more: who wants it is answered BUSY.

mod functions;
mod host;
mod run;
mod slow;

pub use functions::{call_function, define_library};
pub use run::{Program, Run, evaluate};
pub use slow::{KillOutcome, ProgramKind, SlowScript, SlowScripts};
