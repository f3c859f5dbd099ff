//! Building the server from its configuration, and taking it down.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use crate::base::{clock, log};
use crate::commands;
use crate::config::{Config, Run, Setting, ShutdownOptions};
use crate::control::{self, Control, ControlError, Health, MetricsSettings, Sources};
use crate::engine::{CommandTable, Engine, Identity, ShutdownRequest};
use crate::keyspace::use_huge_pages;
use crate::net::{DataPlane, NetOptions, Rebinder};

use super::logging;
use super::process::{self, PidFile};
use super::signals::{End, Ender, Ending};

/// Why the server does not start; the operator reads it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("Can't chdir to '{directory}': {source}")]
    Directory { directory: String, source: io::Error },
    #[error("Can't open the log file: {0}")]
    LogFile(io::Error),
    #[error("Failed listening: {0}")]
    Listen(io::Error),
    #[error("{0}")]
    Control(#[from] ControlError),
    #[error("{0}")]
    Load(#[from] commands::LoadError),
    #[error("Cannot start: {0}")]
    System(#[from] io::Error),
}

/// A running server.
pub struct Server {
    engine: Arc<Engine>,
    data_plane: DataPlane,
    control: Control,
}

/// Runs the server of a configuration until a signal or a client ends it.
///
/// # Errors
/// When a part cannot be started.
pub fn run(settings: Run) -> Result<(), StartError> {
    let Run { config, warnings } = settings;
    if process::should_detach(&config) {
        return Ok(process::start_detached()?);
    }
    prepare(&config)?;
    let pid_file = PidFile::create(&config);
    for warning in warnings {
        log::warning(format_args!("{warning}"));
    }
    let mut ending = Ending::new()?;
    let server = Server::start(config, &ending.ender())?;
    let loaded = server.load(&mut ending);
    if let Ok(true) = loaded {
        server.announce();
        server.wait(&mut ending);
    }
    server.stop();
    loaded?;
    drop(pid_file);
    log::warning(format_args!("Redpoll is now ready to exit, bye bye..."));
    Ok(())
}

/// Sets up what must stand before any part: working directory, log.
fn prepare(config: &Config) -> Result<(), StartError> {
    if let Some(file) = config.path(Setting::Logfile) {
        check_writable(&file).map_err(StartError::LogFile)?;
    }
    change_directory(config)?;
    logging::apply(config);
    end_on_panic();
    if !config.flag(Setting::DisableThp) {
        use_huge_pages();
    }
    log::notice(format_args!("Redpoll is starting"));
    log::notice(format_args!(
        "Redpoll version={}, bits={}, pid={}, just started",
        env!("CARGO_PKG_VERSION"),
        usize::BITS,
        std::process::id(),
    ));
    match config.file() {
        Some(_) => log::notice(format_args!("Configuration loaded")),
        None => log::notice(format_args!("No config file: the defaults are used")),
    }
    Ok(())
}

/// Has a panic of any thread end the process, with a line in the log: a server that has lost a worker
/// would go on to accept clients and never answer some of them. Whoever supervises it starts it anew.
fn end_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::force_capture();
        let thread = thread::current();
        let name = thread.name().unwrap_or("unnamed");
        log::warning(format_args!(
            "=== BUG REPORT === thread {name} {panic}; the process aborts\n{trace}"
        ));
        std::process::abort();
    }));
}

fn change_directory(config: &Config) -> Result<(), StartError> {
    let Some(directory) = config.path(Setting::Dir) else { return Ok(()) };
    let directory_text = directory.display().to_string();
    std::env::set_current_dir(directory)
        .map_err(|source| StartError::Directory { directory: directory_text, source })
}

fn rebind(rebinder: &Rebinder, setting: Setting, config: &Config) -> Result<(), String> {
    rebinder.rebind(&NetOptions::from_config(config)).map_err(|error| {
        log::warning(format_args!("Cannot listen as asked for: {error}"));
        let text = match setting {
            Setting::Port => "Unable to listen on this port. Check server logs.",
            _ => "Failed to bind to specified addresses.",
        };
        text.to_owned()
    })
}

fn check_writable(file: &Path) -> io::Result<()> {
    std::fs::OpenOptions::new().create(true).append(true).open(file).map(drop)
}

/// Returns the number of worker threads a configuration asks for: as many as cores by default.
fn worker_count(config: &Config) -> usize {
    match config.size(Setting::Threads) {
        0 => thread::available_parallelism().map_or(1, usize::from),
        stated => stated,
    }
}

fn identity() -> Identity {
    let run_id = (0..5).map(|_| format!("{:08x}", fastrand::u32(..))).collect();
    let executable =
        std::env::current_exe().map_or_else(|_| String::new(), |path| path.display().to_string());
    Identity {
        run_id,
        process_id: std::process::id(),
        executable,
        started_ms: clock::unix_ms(),
        started_monotonic_us: clock::monotonic_us(),
    }
}

impl Server {
    /// Starts all parts.
    fn start(config: Arc<Config>, ender: &Ender) -> Result<Self, StartError> {
        process::raise_file_limit(config.size(Setting::Maxclients) as u64);
        let database_count = u32::try_from(config.number(Setting::Databases)).unwrap_or(16);
        let engine = Arc::new(Engine::new(
            Arc::clone(&config),
            CommandTable::new(commands::FAMILIES),
            worker_count(&config),
            database_count,
            identity(),
        )?);
        let ender = ender.clone();
        engine.on_shutdown(Box::new(move |request| ender.end(request)));
        // Before the first client can come: nobody is to see that the data is not there yet.
        if commands::has_saved_data(&engine) {
            engine.persistence.begin_loading(clock::unix_ms() / 1000, 0);
        }
        let options = NetOptions::from_config(&config);
        let data_plane =
            DataPlane::start(Arc::clone(&engine), &options).map_err(StartError::Listen)?;
        let control = start_control(&engine)?;
        apply_changes(&engine, data_plane.rebinder());
        Ok(Self { engine, data_plane, control })
    }

    /// Loads the data while clients are told to come back later. Returns `false` when the server is to
    /// end instead.
    fn load(&self, ending: &mut Ending) -> Result<bool, StartError> {
        /// Keys between two looks at what would end the server.
        const KEYS_PER_LOOK: u64 = 4096;
        let mut key_count = 0_u64;
        let loaded = commands::load_at_start(&self.engine, &mut || {
            key_count += 1;
            !key_count.is_multiple_of(KEYS_PER_LOOK) || !ending.is_due()
        });
        if let Err(error) = &loaded {
            log::warning(format_args!("{error}"));
        }
        Ok(loaded?)
    }

    /// Waits until the server may end: a signal that cannot be obeyed without losing data is not.
    fn wait(&self, ending: &mut Ending) {
        loop {
            let options = match ending.wait() {
                // The client's command has saved already.
                End::Client(_) => return,
                End::Interrupt => self.engine.config.shutdown_on_sigint(),
                End::Terminate => self.engine.config.shutdown_on_sigterm(),
            };
            if commands::save_before_stop(&self.engine, None, request_of(options)).is_ok() {
                return;
            }
            ending.go_on();
        }
    }

    /// Says that clients can come.
    fn announce(&self) {
        for address in self.data_plane.addresses() {
            log::notice(format_args!("Listening on {address}"));
        }
        for address in self.control.metrics_addresses() {
            log::notice(format_args!("Metrics on http://{address}/metrics"));
        }
        log::notice(format_args!("Server initialized"));
        log::notice(format_args!("Ready to accept connections tcp"));
        process::notify(&self.engine.config, "STATUS=Ready to accept connections\nREADY=1\n");
    }

    /// Stops all parts in reverse.
    fn stop(self) {
        process::notify(&self.engine.config, "STOPPING=1\n");
        self.data_plane.stop();
        self.control.stop();
    }
}

fn request_of(options: ShutdownOptions) -> ShutdownRequest {
    let save = match (options.save(), options.nosave()) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    ShutdownRequest { save, is_now: options.now(), is_forced: options.force() }
}

fn start_control(engine: &Arc<Engine>) -> Result<Control, ControlError> {
    let port = u16::try_from(engine.config.number(Setting::MetricsPort)).unwrap_or(0);
    let bind = engine.config.text(Setting::MetricsBind);
    let bind = String::from_utf8_lossy(&bind).split_whitespace().map(str::to_owned).collect();
    let metrics = (port != 0).then_some(MetricsSettings { bind, port });
    let (numbers, health, kept) = (Arc::clone(engine), Arc::clone(engine), Arc::clone(engine));
    let sources = Sources {
        snapshot: Arc::new(move || commands::snapshot(&numbers)),
        health: Arc::new(
            move || {
                if health.is_stopping() { Health::Stopping } else { Health::Serving }
            },
        ),
        upkeep: Arc::new(move || kept.keep_up()),
    };
    control::start(metrics, sources)
}

/// Puts settings into effect that parts outside the engine hold.
fn apply_changes(engine: &Engine, rebinder: Rebinder) {
    engine.on_setting_changed(Box::new(move |setting, config| {
        match setting {
            Setting::Loglevel
            | Setting::Logfile
            | Setting::LogFormat
            | Setting::LogTimestampFormat => logging::apply(config),
            Setting::Maxclients => return apply_clients_max(config),
            Setting::Bind | Setting::Port => return rebind(&rebinder, setting, config),
            Setting::Dir => return change_directory(config).map_err(|error| error.to_string()),
            _ => {}
        }
        Ok(())
    }));
}

fn apply_clients_max(config: &Config) -> Result<(), String> {
    let wanted = config.size(Setting::Maxclients) as u64;
    let fits = process::raise_file_limit(wanted);
    if fits < wanted {
        return Err("The operating system is not able to handle the specified number of clients, \
                    try with "
            .to_owned()
            + &fits.to_string());
    }
    Ok(())
}
