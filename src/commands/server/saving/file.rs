//! The file named by `dir` and `dbfilename`: written and read with the settings in force.

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::base::{clock, log};
use crate::commands::REDIS_VERSION;
use crate::config::{Setting, VersionCheck};
use crate::engine::{Engine, Tuning};
use crate::rdb::{self, LoadOptions, Loaded, RdbError, SaveOptions, Shapes, Stamps};
use crate::script::{Catalog, FunctionMachine, Occasion};

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
    let catalog = engine.functions.current();
    let libraries: Vec<Bytes> =
        catalog.libraries().map(|library| library.text.text.clone()).collect();
    let options = SaveOptions {
        version: REDIS_VERSION,
        now_ms,
        used_memory_bytes: engine.used_memory_bytes(),
        libraries: &libraries,
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
    let mut libraries = Libraries::new(engine, merging);
    let options = LoadOptions {
        now_ms,
        shapes: Shapes::read(&engine.config),
        aging: Tuning::read(&engine.config).aging(now_ms),
        sums: engine.config.flag(Setting::Rdbchecksum),
        is_strict: engine.config.choice::<VersionCheck>(Setting::RdbVersionCheck)
            == VersionCheck::Strict,
        replaces: merging.replaces,
        define: &mut |text| libraries.define(text),
        proceed: &mut proceed,
    };
    let loaded = rdb::load(&engine.keyspace, source, options);
    libraries.put_into_force();
    let loaded = loaded?;
    persistence.note_loaded_keys(loaded.key_count, loaded.expired_count);
    Ok(Some(loaded))
}

/// The libraries of the file on their way into the registry.
struct Libraries<'e> {
    engine: &'e Engine,
    replaces: bool,
    catalog: Catalog,
    /// A machine for this load only: workers define what they call themselves.
    machine: Option<FunctionMachine>,
}

impl<'e> Libraries<'e> {
    fn new(engine: &'e Engine, merging: Merging) -> Self {
        let catalog = Catalog::clone(&engine.functions.current());
        Self { engine, replaces: merging.replaces, catalog, machine: None }
    }

    fn define(&mut self, text: &[u8]) -> Result<(), String> {
        let functions = &self.engine.functions;
        let text = functions.read(text)?;
        if !self.replaces && self.catalog.has_library(&text.name) {
            return Err(format!("ERR Library '{}' already exists", text.name));
        }
        let machine = match &mut self.machine {
            Some(machine) => machine,
            None => {
                let made = FunctionMachine::new();
                self.machine.insert(made.map_err(|error| error.to_string())?)
            }
        };
        self.catalog.put(functions.define(&text, machine, Occasion::File)?)
    }

    fn put_into_force(self) {
        if self.machine.is_some() {
            self.engine.functions.replace(self.catalog);
        }
    }
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
        "Done loading RDB, keys loaded: {}, keys expired: {}, libraries loaded: {}.",
        loaded.key_count, loaded.expired_count, loaded.library_count
    ));
    log::notice(format_args!("DB loaded from disk: {:.3} seconds", elapsed.as_secs_f64()));
}
