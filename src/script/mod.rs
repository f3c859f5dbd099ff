//! Floor 3: scripts: the registry of their texts, and the machines that run them.
//!
//! The registry is shared by all threads and holds texts only. A machine belongs to one worker's
//! thread: one Lua state, made when the worker runs its first script, with what it has compiled. What
//! a script asks of the server goes through [`Host`], which the engine implements.
//!
//! Nothing that a script does may be seen by the next one, end the process or stop it for good.

mod error;
mod host;
mod libs;
mod machine;
mod registry;
mod shebang;

pub use error::ScriptError;
pub use host::{Host, LogLevel, Meanwhile};
pub use machine::Machine;
pub use registry::{Origin, Script, Scripts};
pub use shebang::ScriptFlags;
