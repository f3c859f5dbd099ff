//! Saving before the server stops.

use std::io;
use std::thread;
use std::time::Duration;

use super::file::save;
use crate::base::gate::Closed;
use crate::base::{clock, log};
use crate::engine::{Engine, PauseKind, ProgramKind, ShutdownRequest, WorkerMessage};

/// Longer than any server takes to save and to stop.
const STOP_MS_MAX: u64 = 24 * 3600 * 1000;

/// Closes the gate, ending scripts that take long and have written nothing; waits for others.
fn closed_gate(engine: &Engine, worker: Option<usize>) -> Closed<'_> {
    const RETRY: Duration = Duration::from_millis(1);
    loop {
        if let Some(closed) = engine.gate.close(worker) {
            return closed;
        }
        engine.slow.kill(ProgramKind::Script);
        engine.slow.kill(ProgramKind::Function);
        thread::sleep(RETRY);
    }
}

/// Saves if the request or the save points say so. From then on no client writes, so that nothing is
/// lost between saving and the end. `worker` is the one that runs the command, if a command it is.
///
/// # Errors
/// When saving fails and the request does not insist: then the server is to go on, and clients may
/// write again.
pub fn save_before_stop(
    engine: &Engine,
    worker: Option<usize>,
    request: ShutdownRequest,
) -> io::Result<()> {
    let saves = request.save.unwrap_or_else(|| !engine.config.save_points().is_empty());
    // While loading, most of the data is still in the file.
    if !saves || engine.persistence.is_loading() {
        return Ok(());
    }
    log::notice(format_args!("Saving the final RDB snapshot before exiting."));
    let now_ms = clock::unix_ms();
    engine.pause.begin(PauseKind::Writes, now_ms, now_ms + STOP_MS_MAX);
    let closed = closed_gate(engine, worker);
    let saved = save(engine);
    drop(closed);
    match saved {
        Err(error) if !request.is_forced => {
            log::warning(format_args!("Error trying to save the DB, can't exit: {error}"));
            engine.pause.end();
            engine.tell_all(|| WorkerMessage::Resume);
            Err(error)
        }
        Err(error) => {
            log::warning(format_args!("Error trying to save the DB, exiting anyway: {error}"));
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
