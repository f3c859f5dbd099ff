//! Scripts and functions as commands: under which locks they run, what they may call, and what becomes
//! of everybody else while one takes long.
//!
//! A script runs under the locks of the keys it declares, and what it calls borrows them. If it uses
//! other keys as well, nothing else may run beside it from there on, and nothing that it has done may be
//! undone: its values can be large, its messages are sent. So it closes the gate from where it stands,
//! waits until all others have left, and goes on alone. Two scripts that did so would wait for each
//! other's shards. Which ones can come to it is decided before they begin:
//!
//! - Most scripts cannot. Their code shows it: whatever it gives to a command as a key is one of its own
//!   keys ([`Conduct`](crate::script::Conduct)). They run beside each other.
//! - Of those that can, one at a time runs beside the others: it has reserved the gate
//!   ([`Reservation`](crate::base::gate::Reservation)). Who waits for that holds nothing.
//! - One that is known to use other keys runs behind the closed gate from its beginning.
//! - A transaction with a script that can runs behind the closed gate as a whole.
//!
//! So a script runs once and to its end, whatever keys it uses, also the first time. Only one that has
//! done nothing yet and would wait for another one ends: like any other command it runs again, or is
//! answered BUSY if the other one is slow.
//!
//! After some milliseconds a script has its worker serve other clients now and then (`beside`), and who
//! wants its keys, or everything, is put off instead of waiting, so that his worker can serve others, too.
//! One that takes longer than `busy-reply-threshold` is entered in a list ([`SlowScripts`]). Nobody waits for what it
//! holds any more: who wants it is answered BUSY.

mod functions;
mod host;
mod keeping;
mod run;
mod slow;

pub use functions::{call_function, define_library};
pub use run::{Program, Run, drop_forgotten_scripts, evaluate};
pub use slow::{KillOutcome, ProgramKind, SlowScript, SlowScripts};
