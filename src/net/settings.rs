//! A worker's own copy of the settings its event loop reads, renewed when the configuration changes.

use std::time::Duration;

use crate::config::{ClientClass, Config, OutputLimit, Setting};
use crate::resp::Limits;

/// Settings as plain values.
pub(super) struct Settings {
    generation: u64,
    /// What the parser accepts.
    pub(super) limits: Limits,
    /// What it accepts before a client has authenticated.
    pub(super) early_limits: Limits,
    /// Bytes of unanswered requests.
    pub(super) query_bytes_max: usize,
    /// How many replies a client may leave unread.
    pub(super) output_limit: OutputLimit,
    /// The same for clients that subscribe to channels.
    pub(super) message_limit: OutputLimit,
    /// Milliseconds a client may be idle; 0 for no limit.
    pub(super) idle_ms_max: u64,
    pub(super) client_count_max: usize,
    pub(super) keepalive: Option<Duration>,
    /// Connections accepted before clients are served again.
    pub(super) accept_count_max: usize,
    /// Only peers on this machine may connect.
    pub(super) is_protected: bool,
}

impl Settings {
    /// Reads the settings.
    pub(super) fn read(config: &Config) -> Self {
        // Read first: a change during the reads below then shows as another generation.
        let generation = config.generation();
        let mut limits = Limits::new(config.size(Setting::ProtoMaxBulkLen));
        limits.multibulk_count_max = config.size(Setting::ProtoMaxMultibulkLen);
        limits.inline_bytes_max = config.size(Setting::ProtoInlineMaxSize);
        let mut early_limits = limits.before_authentication();
        early_limits.bulk_bytes_max =
            config.size(Setting::UnauthenticatedBulkLenMax).min(limits.bulk_bytes_max);
        early_limits.multibulk_count_max =
            config.size(Setting::UnauthenticatedMultibulkLenMax).min(limits.multibulk_count_max);
        let keepalive_s = config.size(Setting::TcpKeepalive) as u64;
        Self {
            generation,
            limits,
            early_limits,
            query_bytes_max: config.size(Setting::ClientQueryBufferLimit),
            output_limit: config.client_output_buffer_limit(ClientClass::Normal),
            message_limit: config.client_output_buffer_limit(ClientClass::Pubsub),
            idle_ms_max: config.size(Setting::Timeout) as u64 * 1000,
            client_count_max: config.size(Setting::Maxclients),
            keepalive: (keepalive_s > 0).then(|| Duration::from_secs(keepalive_s)),
            accept_count_max: config.size(Setting::MaxNewConnectionsPerCycle).max(1),
            is_protected: config.flag(Setting::ProtectedMode)
                && config.text(Setting::Requirepass).is_empty(),
        }
    }

    /// Reads the settings again if any has changed.
    #[inline]
    pub(super) fn renew(&mut self, config: &Config) {
        if config.generation() != self.generation {
            *self = Self::read(config);
        }
    }
}
