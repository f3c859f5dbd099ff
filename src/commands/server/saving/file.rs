//! The file named by `dir` and `dbfilename`: written and read with the settings in force.

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::base::{clock, log};
use crate::commands::REDIS_VERSION;
use crate::config::{Setting, VersionCheck};
use crate::engine::{Engine, Tuning};
use crate::rdb::{self, LoadOptions, Loaded, RdbError, SaveOptions, Shapes, Stamps};

/// Why the data could not be loaded; the operator reads it.
#[derive(Debug, thiserror::Error)]
#[error("Fatal error loading the DB '{path}': {source}")]
pub struct LoadError {
    path: String,
    source: RdbError,
}

/// Returns where the data is kept. The server runs inside `dir`.
fn place(engine: &Engine) -> PathBuf {
    engine.config.path(Setting::Dbfilename).unwrap_or_else(|| PathBuf::from("dump.rdb"))
}

/// Says whether there is a file to load when the server starts.
pub fn has_saved_data(engine: &Engine) -> bool {
    place(engine).exists()
}

/// Saves all databases. The caller has closed the gate.
///
/// # Errors
/// When the disk refuses; the file that was there stays.
pub(crate) fn save(engine: &Engine) -> io::Result<()> {
    let config = &engine.config;
    let tuning = Tuning::read(config);
    let now_ms = clock::unix_ms();
    let options = SaveOptions {
        version: REDIS_VERSION,
        now_ms,
        used_memory_bytes: engine.used_memory_bytes(),
        stamps: stamps(&tuning),
        compresses: config.flag(Setting::Rdbcompression),
        sums: config.flag(Setting::Rdbchecksum),
    };
    let in_portions = config.flag(Setting::RdbSaveIncrementalFsync);
    let started = Instant::now();
    let key_count = rdb::save_file(&engine.keyspace, &place(engine), &options, in_portions)?;
    engine.changes.reset();
    engine.persistence.note_saved(now_ms / 1000);
    log::notice(format_args!(
        "DB saved on disk: {key_count} keys in {:.3} seconds",
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Returns what eviction will want to know of each key.
fn stamps(tuning: &Tuning) -> Stamps {
    use crate::keyspace::VictimOrder::{LeastFrequentlyUsed, LeastRecentlyUsed};
    match tuning.policy {
        Some((_, LeastRecentlyUsed)) => Stamps::Idle,
        Some((_, LeastFrequentlyUsed { decay_minutes })) => Stamps::Frequency { decay_minutes },
        _ => Stamps::None,
    }
}

/// How a file is loaded into what is there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Merging {
    /// Lets the file's keys replace those of the same names.
    pub(crate) replaces: bool,
}

/// Loads the file, if there is one, and says what it held. Commands are refused from its beginning
/// until the caller says that loading has ended.
///
/// # Errors
/// When the file cannot be read or is damaged; what came before the damage has been loaded.
pub(crate) fn load(
    engine: &Engine,
    merging: Merging,
    may_go_on: &mut dyn FnMut() -> bool,
) -> Result<Option<Loaded>, RdbError> {
    let Some((source, total_bytes)) = rdb::open_file(&place(engine))? else { return Ok(None) };
    let now_ms = clock::unix_ms();
    let persistence = &engine.persistence;
    persistence.begin_loading(now_ms / 1000, total_bytes);
    let mut pause = Pause::after_keys(engine);
    let mut proceed = |bytes| {
        persistence.note_loaded_bytes(bytes);
        pause.take();
        may_go_on()
    };
    let options = LoadOptions {
        now_ms,
        shapes: Shapes::read(&engine.config),
        aging: Tuning::read(&engine.config).aging(now_ms),
        sums: engine.config.flag(Setting::Rdbchecksum),
        is_strict: engine.config.choice::<VersionCheck>(Setting::RdbVersionCheck)
            == VersionCheck::Strict,
        replaces: merging.replaces,
        proceed: &mut proceed,
    };
    let loaded = rdb::load(&engine.keyspace, source, options)?;
    persistence.note_loaded_keys(loaded.key_count, loaded.expired_count);
    if loaded.function_count > 0 {
        log::warning(format_args!(
            "{} libraries of functions in the file are left out: this version has no functions",
            loaded.function_count
        ));
    }
    Ok(Some(loaded))
}

/// The pause after each key that tests ask for.
struct Pause {
    microseconds: i64,
    key_count: i64,
}

impl Pause {
    fn after_keys(engine: &Engine) -> Self {
        Self { microseconds: engine.config.number(Setting::KeyLoadDelay), key_count: 0 }
    }

    /// Waits the microseconds; for a negative number one microsecond after that many keys.
    fn take(&mut self) {
        if self.microseconds == 0 {
            return;
        }
        self.key_count += 1;
        if self.microseconds > 0 {
            thread::sleep(Duration::from_micros(self.microseconds.unsigned_abs()));
        } else if self.key_count >= -self.microseconds {
            self.key_count = 0;
            thread::sleep(Duration::from_micros(1));
        }
    }
}

/// Loads the data when the server starts; no file means no data. Returns `false` when it was broken off,
/// which leaves part of the data: nothing may save that.
///
/// # Errors
/// When there is a file that cannot be loaded: to start without its data would be to lose it.
pub fn load_at_start(
    engine: &Engine,
    may_go_on: &mut dyn FnMut() -> bool,
) -> Result<bool, LoadError> {
    let started = Instant::now();
    let mut may_go_on = || !engine.is_stopping() && may_go_on();
    match load(engine, Merging::default(), &mut may_go_on) {
        Ok(None) => {}
        Ok(Some(loaded)) => log_loaded(&loaded, started.elapsed()),
        Err(RdbError::Interrupted) => return Ok(false),
        Err(source) => {
            return Err(LoadError { path: place(engine).display().to_string(), source });
        }
    }
    engine.persistence.end_loading();
    Ok(true)
}

fn log_loaded(loaded: &Loaded, elapsed: Duration) {
    log::notice(format_args!(
        "Done loading RDB, keys loaded: {}, keys expired: {}.",
        loaded.key_count, loaded.expired_count
    ));
    log::notice(format_args!("DB loaded from disk: {:.3} seconds", elapsed.as_secs_f64()));
}
