//! Floor 4: how any command runs: look it up, ask the gates, lock its keys, run it, record its effects.
//!
//! The engine receives the command table as a value and never names a particular command. What all
//! threads share is [`Engine`]; each thread of the data plane runs its clients' batches through a
//! [`Worker`] of its own.

mod ahead;
mod args;
mod batch;
mod beside;
mod client_memory;
mod clients;
mod command;
mod context;
mod effects;
mod error;
mod gates;
mod locking;
mod logs;
mod members;
mod memory;
mod monitors;
mod nested;
mod notify;
mod own_messages;
mod pause;
mod persistence;
mod plan;
mod quiet;
mod reaper;
mod refusals;
mod removal;
mod script;
mod serve;
mod session;
mod state;
mod subscribing;
mod table;
mod tracking;
mod transaction;
mod tuning;
mod turn;
mod waiting;
mod watching;
mod worker;

pub use args::Args;
pub use batch::{BATCH_COMMANDS_MAX, Batch};
pub use clients::{ClientCell, ClientNames, Clients, Gauges, Peer};
pub use command::{
    Argument, ArgumentKind, BeginSearch, Categories, Command, FindKeys, Flags, Group, Handler,
    InTransaction, KeyFinder, KeyFlags, KeySpec, PlaceFinder,
};
pub use context::Context;
pub use effects::{Effect, EffectLog, EffectReader, Effects, Targets};
pub use error::CommandError;
pub use monitors::{Monitors, Sight};
pub use notify::Event;
pub use pause::{Pause, PauseKind};
pub use persistence::{LoadProgress, Persistence};
pub use plan::{KeyAt, find_keys};
pub use quiet::{Quiet, Wish};
pub use reaper::Reaper;
pub use refusals::fits;
pub use script::{
    KillOutcome, Program, ProgramKind, Run, SlowScript, SlowScripts, call_function, define_library,
    drop_forgotten_scripts, evaluate,
};
pub use session::{Flow, ReplyMode, Session};
pub use state::{Engine, Identity, SettingApplier, ShutdownRequest, StopSignal, WorkerMessage};
pub use table::{CommandTable, KeyPlan, Known};
pub use tracking::{
    Choice, Invalidation, News, SessionTracking, Tracking, TrackingCell, TrackingOptions,
};
pub use transaction::Transaction;
pub use tuning::Tuning;
pub use turn::{Nobody, Turn};
pub use waiting::{Parked, Serve, WaitRequest, Waiter};
pub use watching::{WatchSet, Watches};
pub use worker::{Ran, Worker};
