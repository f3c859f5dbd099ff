//! From the settings of the log to the log.

use crate::base::log::{self, Format, Level, Settings, Timestamp};
use crate::config::{Config, LogFormat, LogLevel, LogTimestamp, Setting};

/// Makes the log follow the settings.
pub(super) fn apply(config: &Config) {
    let level = match config.choice(Setting::Loglevel) {
        LogLevel::Debug => Level::Debug,
        LogLevel::Verbose => Level::Verbose,
        LogLevel::Notice => Level::Notice,
        LogLevel::Warning => Level::Warning,
        LogLevel::Nothing => Level::Nothing,
    };
    let format = match config.choice(Setting::LogFormat) {
        LogFormat::Legacy => Format::Legacy,
        LogFormat::Logfmt => Format::Logfmt,
        LogFormat::Json => Format::Json,
    };
    let timestamp = match config.choice(Setting::LogTimestampFormat) {
        LogTimestamp::Legacy => Timestamp::Legacy,
        LogTimestamp::Iso8601 => Timestamp::Iso8601,
        LogTimestamp::Milliseconds => Timestamp::Milliseconds,
    };
    let file = config.path(Setting::Logfile);
    log::configure(Settings { level, file, format, timestamp });
}
