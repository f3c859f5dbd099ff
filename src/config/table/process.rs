//! Rows: the process, its directory, start and stop.

macro_rules! process_settings {
    ($next:tt $($before:tt)*) => { continue_settings! { $next $($before)*

"Process" {
/// Number of databases, chosen by SELECT; they cost nothing until they are written to.
Databases: "databases", count(16, 1, INT_MAX, Count), FIXED;

/// Working directory: where snapshots, logs and sockets with relative names go. Must exist.
Dir: "dir", Kind::Directory, LIVE.protected().not_while_loading();

/// Detaches the server from the terminal. A service manager, or `&` of the shell, does it better.
Daemonize: "daemonize", Kind::Flag(false), FIXED;

/// The service manager to report to when the server is ready.
Supervised: "supervised", Supervised::No.kind(), FIXED;

/// File the process id is written to, removed at exit; empty for none.
Pidfile: "pidfile", free_text(""), FIXED;

/// How often per second Redis looks after its housekeeping. Here each task has its own timer.
Hz: "hz", Kind::Number(number(10, 0, INT_MAX, Hertz).clamped(1, 500)),
    LIVE.never();

/// Housekeeping more often when many clients are connected.
DynamicHz: "dynamic-hz", Kind::Flag(true), LIVE.never();

/// What SIGINT does: `default` saves if save points are set; any of save, nosave, now, force,
/// safe, failover.
ShutdownOnSigint: "shutdown-on-sigint", Kind::ShutdownOptions, LIVE;

/// What SIGTERM does, as for `shutdown-on-sigint`.
ShutdownOnSigterm: "shutdown-on-sigterm", Kind::ShutdownOptions, LIVE;

/// How long a shutdown waits for replicas to catch up.
ShutdownTimeout: "shutdown-timeout", count(10, 0, INT_MAX, Seconds), LIVE.later();

/// A script or transaction running for longer lets other clients be answered with BUSY; 0 never
/// does.
BusyReplyThreshold: "busy-reply-threshold" | "lua-time-limit",
    count(5000, 0, i64::MAX, Milliseconds), LIVE;

/// Changes the title of the process that ps and top show.
SetProcTitle: "set-proc-title", Kind::Flag(true), FIXED.never();

/// The title: text with the variables {title}, {listen-addr}, {server-mode}, {port}, {tls-port},
/// {unixsocket} and {config-file}.
ProcTitleTemplate: "proc-title-template",
    process_title("{title} {listen-addr} {server-mode}"), LIVE.never();

/// Shows a drawing at the start even in a log file.
AlwaysShowLogo: "always-show-logo", Kind::Flag(false), FIXED.never();

/// Starts in spite of these warnings of the system check.
IgnoreWarnings: "ignore-warnings", free_text(""), LIVE.never();

/// Locale whose order SORT ALPHA follows; empty takes the environment's.
LocaleCollate: "locale-collate", locale(""), LIVE.later();

/// Where this machine stands, for clients that prefer near servers; they read it in INFO.
AvailabilityZone: "availability-zone", binary_text(""), LIVE;

/// Answers that call themselves Redis where Valkey would say Valkey. Here they always do.
ExtendedRedisCompatibility: "extended-redis-compatibility", Kind::Flag(false), LIVE.never();

/// Fixed start value of the hash of keys. Here every start draws a new one.
HashSeed: "hash-seed", free_text(""), PINNED.never();

/// Exit instead of abort when the server finds an error in itself.
UseExitOnPanic: "use-exit-on-panic", Kind::Flag(false), LIVE.never().hidden();

/// Checks that cost time, for developers.
EnableDebugAssert: "enable-debug-assert", Kind::Flag(false), PINNED.never().hidden();

/// A note that crash reports repeat.
DebugContext: "debug-context", free_text(""), LIVE.never().hidden();
}

    } };
}
