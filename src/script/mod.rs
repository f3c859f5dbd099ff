//! Floor 3: scripts and functions: the registries of their texts, and the machines that run them.
//!
//! The registries are shared by all threads and hold texts only. A machine belongs to one worker's
//! thread: one Lua state, made when the worker runs its first script, with what it has compiled; and
//! another one for the functions of libraries. What
//! a script asks of the server goes through [`Host`], which the engine implements.
//!
//! Before a program runs, its compiled code says whether it can use keys that are not given to it
//! ([`Conduct`]); the engine decides by that what may run beside it.
//!
//! Nothing that a script does may be seen by the next one, end the process or stop it for good.

mod analysis;
mod conduct;
mod error;
mod functions;
mod host;
mod libs;
mod machine;
mod registry;
mod shebang;

pub use analysis::{Argument, Call, Rest};
pub use conduct::Conduct;
pub use error::ScriptError;
pub use functions::{Catalog, Functions, Library, LibraryFunction, LibraryText};
pub use host::{Host, KILLED, LogLevel, Meanwhile};
pub use machine::{FunctionMachine, Machine, Occasion};
pub use registry::{Origin, Script, Scripts};
pub use shebang::ScriptFlags;
