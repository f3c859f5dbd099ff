//! What a running script asks of the server.

use crate::base::log;
use crate::resp::ReplyBuffer;

/// How important a script says a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

impl LogLevel {
    /// Writes a line to the server's log, if this level is wanted.
    pub fn write(self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        match self {
            Self::Debug => log::debug(format_args!("{text}")),
            Self::Verbose => log::verbose(format_args!("{text}")),
            Self::Notice => log::notice(format_args!("{text}")),
            Self::Warning => log::warning(format_args!("{text}")),
        }
    }
}

/// How a running script is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    /// It runs on.
    GoOn,
    /// It ends with this error, whatever it does about errors; the text has no code.
    Kill(&'static str),
}

/// Why a script ends that a client has ended.
pub const KILLED: &str = "Script killed by user with SCRIPT KILL...";

/// The server as a running script sees it; implemented by the engine.
pub trait Host {
    /// Runs a command and appends exactly one reply (an error, too) in the protocol version chosen by
    /// [`Self::set_resp3`]; RESP2 until then. `args` is never empty.
    fn call(&mut self, args: &[&[u8]], reply: &mut ReplyBuffer);

    /// Chooses the protocol version of replies to commands: RESP3 or RESP2.
    fn set_resp3(&mut self, on: bool);

    /// Says where the effects of commands go from now on: 1 to the log of commands, 2 to replicas.
    fn set_replication(&mut self, bits: u8);

    /// Writes a line to the server's log, if its level is wanted.
    fn log(&mut self, level: LogLevel, text: &[u8]);

    /// Counts an error within what the script replies.
    fn count_error(&mut self, _text: &[u8]) {}

    /// Says whether the client's user may run a command; `Err(text)` when there is no such command.
    fn may_run(&mut self, args: &[&[u8]]) -> Result<bool, String>;

    /// Called every now and then while the script runs: serves others once it is slow, and says
    /// whether it is to end.
    fn meanwhile(&mut self) -> Meanwhile;
}
