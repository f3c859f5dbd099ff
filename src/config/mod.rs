//! Floor 1: settings: the table of all of them, where they come from, how they change.
//!
//! ```text
//! command line, file, stdin --startup, file--> values --store--> Config, shared by Arc
//!                                  |                             ^    |
//!                             table, kinds             CONFIG SET|    |CONFIG GET, REWRITE
//!                         (one row per setting)          change--+    +-->query, rewrite
//! ```
//!
//! [`Config`] only holds values: what a change means for sockets, logs or memory is for the caller
//! of [`Config::set`] to put into effect, and it can refuse. The one exception is `dir`, which must
//! exist to be accepted; moving there is the caller's part as well.

mod change;
mod container;
mod file;
mod kinds;
mod query;
mod rewrite;
mod startup;
mod store;
mod table;
mod words;

pub use change::{Caller, Changes, ConfigError, UNKNOWN_OPTION};
pub use container::Memory;
pub use kinds::{
    AofSync, BindAddress, ChannelDefault, Choice, ClientClass, ConfigSave, DisklessLoad,
    EndpointType, KeyspaceEvents, LogFormat, LogLevel, LogTimestamp, MaxmemoryPolicy,
    OomScoreAdjust, OutputLimit, Permission, PropagationError, Sanitize, SavePoint,
    ShutdownOptions, Supervised, SyslogFacility, VersionCheck,
};
pub use rewrite::RewriteError;

pub(crate) use kinds::parse_memory;
pub(crate) use words::split as split_words;

pub use startup::{Run, Startup, StartupError};
pub use store::Config;
pub use table::Setting;

use startup::VERSION;
