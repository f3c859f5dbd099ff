//! Rows: log, slow log, latency, metrics, keyspace events.

macro_rules! observe_settings {
    ($next:tt $($before:tt)*) => { continue_settings! { $next $($before)*

"Log and metrics" {
/// How much is logged: each level includes those behind it.
Loglevel: "loglevel", LogLevel::Notice.kind(), LIVE;

/// File to log to, reopened for each write so that it can be rotated; empty is standard output.
Logfile: "logfile", free_text(""), FIXED;

/// Form of a log line.
LogFormat: "log-format", LogFormat::Legacy.kind(), LIVE;

/// Form of the time in a log line.
LogTimestampFormat: "log-timestamp-format", LogTimestamp::Legacy.kind(), LIVE;

/// Logs to syslog as well.
SyslogEnabled: "syslog-enabled", Kind::Flag(false),
    FIXED.refused("this server does not write to syslog: log to standard output or 'logfile'");

/// Name under which syslog lists the server.
SyslogIdent: "syslog-ident", free_text("redpoll"), FIXED.never();

/// Part of syslog the lines belong to.
SyslogFacility: "syslog-facility", SyslogFacility::Local0.kind(), FIXED.never();

/// Logs a report when the server crashes.
CrashLogEnabled: "crash-log-enabled", Kind::Flag(true), LIVE.never();

/// Tests memory when the server crashes.
CrashMemcheckEnabled: "crash-memcheck-enabled", Kind::Flag(true), LIVE.never();

/// Logs where the server is when it does not answer for so long; 0 does not.
WatchdogPeriod: "watchdog-period", count(0, 0, INT_MAX, Milliseconds), LIVE.never().hidden();

/// Address of the Prometheus endpoint.
MetricsBind: "metrics-bind", address("127.0.0.1"), PINNED;

/// Port of the Prometheus endpoint, `/metrics` and `/healthz`; 0 turns it off.
MetricsPort: "metrics-port", count(9121, 0, PORT_MAX, PortNumber), PINNED;

/// A command that ran for at least this long is kept in the slow log; 0 keeps all, -1 none.
SlowlogLogSlowerThan: "slowlog-log-slower-than" | "commandlog-execution-slower-than",
    count(10_000, -1, i64::MAX, Microseconds), LIVE;

/// Entries the slow log keeps.
SlowlogMaxLen: "slowlog-max-len" | "commandlog-slow-execution-max-len",
    count(128, 0, i64::MAX, Count), LIVE;

/// A request of more bytes is kept in the log of large requests; -1 keeps none.
CommandlogRequestLargerThan: "commandlog-request-larger-than", count(MB, -1, i64::MAX, Bytes), LIVE;

/// Entries the log of large requests keeps.
CommandlogLargeRequestMaxLen: "commandlog-large-request-max-len", count(128, 0, i64::MAX, Count),
    LIVE;

/// A reply of more bytes is kept in the log of large replies; -1 keeps none.
CommandlogReplyLargerThan: "commandlog-reply-larger-than", count(MB, -1, i64::MAX, Bytes), LIVE;

/// Entries the log of large replies keeps.
CommandlogLargeReplyMaxLen: "commandlog-large-reply-max-len", count(128, 0, i64::MAX, Count), LIVE;

/// An event that took at least this long is kept for LATENCY; 0 keeps none.
LatencyMonitorThreshold: "latency-monitor-threshold", count(0, 0, i64::MAX, Milliseconds), LIVE;

/// Measures the latency of each command, for INFO latencystats and LATENCY HISTOGRAM.
LatencyTracking: "latency-tracking", Kind::Flag(true), LIVE;

/// Percentiles INFO latencystats shows, separated by spaces, each from 0 to 100.
LatencyTrackingInfoPercentiles: "latency-tracking-info-percentiles", Kind::Percentiles, LIVE;

/// What is announced about keys: K and E for the channels of the key and of the event, S, T, I and V
/// for those that also name the fields of a hash (of the key, of the event, of key and field, of
/// event and key), and g (generic), $ (strings), l (lists), s (sets), h (hashes), z (sorted sets), x
/// (expired), e (evicted), t (streams), d (modules), n (new keys), m (missed keys), o (overwritten
/// keys), c (keys of another type than before), or A for all of g to d.
NotifyKeyspaceEvents: "notify-keyspace-events", Kind::Events, LIVE;
}

    } };
}
