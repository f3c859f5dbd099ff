//! The settings of a running server, shared by all threads.
//!
//! What hot paths read (numbers, flags, choices) is kept a second time in atomics: one relaxed load
//! each, because a setting stands for itself and orders nothing. Everything else is read from
//! `values` under its lock. One change at a time: `changing` is held from first check to last step.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::container::Memory;
use super::kinds::{
    BindAddress, Choice, ClientClass, KeyspaceEvents, MaxmemoryPolicy, OutputLimit, Permission,
    SavePoint, ShutdownOptions, Value, meaning,
};
use super::table::{ROWS, Setting};

/// Everything that can be configured, with its present values.
#[derive(Debug)]
pub struct Config {
    numbers: Box<[AtomicI64]>,
    values: RwLock<Vec<Value>>,
    maxmemory_bytes: AtomicU64,
    generation: AtomicU64,
    /// Held while settings change.
    pub(super) changing: Mutex<()>,
    file: Option<PathBuf>,
    memory: Memory,
}

impl Default for Config {
    /// Every setting at its default, on this machine.
    fn default() -> Self {
        Self::new(default_values(), None, Memory::of_this_machine())
    }
}

/// Returns the default of every setting.
pub(super) fn default_values() -> Vec<Value> {
    ROWS.iter().map(|row| row.kind.default()).collect()
}

impl Config {
    /// Makes a configuration of these values, read from `file`, for a machine with this memory.
    pub(super) fn new(values: Vec<Value>, file: Option<PathBuf>, memory: Memory) -> Self {
        let config = Self {
            numbers: ROWS.iter().map(|_| AtomicI64::new(0)).collect(),
            values: RwLock::new(Vec::new()),
            maxmemory_bytes: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            changing: Mutex::new(()),
            file,
            memory,
        };
        config.publish(values);
        config
    }

    /// Returns a numeric setting; sizes in bytes, percentages of a size as negative numbers.
    #[inline]
    pub fn number(&self, setting: Setting) -> i64 {
        self.numbers[setting.index()].load(Ordering::Relaxed)
    }

    /// Returns a numeric setting that has no use for negative numbers; those are zero.
    #[inline]
    pub fn size(&self, setting: Setting) -> usize {
        usize::try_from(self.number(setting)).unwrap_or(0)
    }

    /// Returns a yes-or-no setting.
    #[inline]
    pub fn flag(&self, setting: Setting) -> bool {
        self.number(setting) != 0
    }

    /// Returns a setting that is one of a few words.
    ///
    /// # Panics
    /// If the setting is not of that enum.
    #[inline]
    pub fn choice<C: Choice>(&self, setting: Setting) -> C {
        C::from_code(self.number(setting))
    }

    /// Returns a setting's text; for settings that are no text, what CONFIG GET shows.
    pub fn text(&self, setting: Setting) -> Arc<[u8]> {
        match &self.values.read()[setting.index()] {
            Value::Text(text) => text.clone(),
            other => setting.row().kind.show(other).into(),
        }
    }

    /// Returns a setting's text as the name of a file, or `None` if it is empty.
    pub fn path(&self, setting: Setting) -> Option<PathBuf> {
        use std::os::unix::ffi::OsStrExt;
        let text = self.text(setting);
        (!text.is_empty()).then(|| PathBuf::from(std::ffi::OsStr::from_bytes(&text)))
    }

    /// Returns a number that is another one after each change; compare it before refreshing copies.
    #[inline]
    pub fn generation(&self) -> u64 {
        // Acquire pairs with the release in `publish`: who sees the new number sees the new values.
        self.generation.load(Ordering::Acquire)
    }

    /// Returns the file the settings were read from and CONFIG REWRITE writes to.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Returns the memory of the machine and its container, as found at the start.
    pub fn memory(&self) -> Memory {
        self.memory
    }

    /// Returns the bytes data may take, percentages and containers resolved; 0 for no limit.
    #[inline]
    pub fn maxmemory_bytes(&self) -> u64 {
        self.maxmemory_bytes.load(Ordering::Relaxed)
    }

    /// Returns what is evicted when memory is full.
    #[inline]
    pub fn maxmemory_policy(&self) -> MaxmemoryPolicy {
        self.choice(Setting::MaxmemoryPolicy)
    }

    /// Returns the bytes all clients together may take; 0 for no limit. A percentage is one of
    /// [`Config::maxmemory_bytes`].
    pub fn maxmemory_clients_bytes(&self) -> u64 {
        share(self.number(Setting::MaxmemoryClients), self.maxmemory_bytes())
    }

    /// Says whether a permission (`enable-debug-command`, ...) lets a client in.
    pub fn allows(&self, permission: Setting, client_is_local: bool) -> bool {
        match self.choice(permission) {
            Permission::No => false,
            Permission::Yes => true,
            Permission::Local => client_is_local,
        }
    }

    /// Returns the classes of keyspace events that are announced.
    #[inline]
    pub fn keyspace_events(&self) -> KeyspaceEvents {
        KeyspaceEvents::from_bits(self.number(Setting::NotifyKeyspaceEvents))
    }

    /// Returns what SIGINT does.
    pub fn shutdown_on_sigint(&self) -> ShutdownOptions {
        ShutdownOptions::from_bits(self.number(Setting::ShutdownOnSigint))
    }

    /// Returns what SIGTERM does.
    pub fn shutdown_on_sigterm(&self) -> ShutdownOptions {
        ShutdownOptions::from_bits(self.number(Setting::ShutdownOnSigterm))
    }

    /// Returns how many replies clients of a class may leave unread.
    pub fn client_output_buffer_limit(&self, class: ClientClass) -> OutputLimit {
        match &self.values.read()[Setting::ClientOutputBufferLimit.index()] {
            Value::OutputLimits(limits) => limits[class as usize],
            _ => OutputLimit::default(),
        }
    }

    /// Returns the save points.
    pub fn save_points(&self) -> Arc<[SavePoint]> {
        match &self.values.read()[Setting::Save.index()] {
            Value::SavePoints(points) => points.clone(),
            _ => Arc::from([]),
        }
    }

    /// Returns the addresses to listen on; none means no TCP at all.
    pub fn bind_addresses(&self) -> Vec<BindAddress> {
        match &self.values.read()[Setting::Bind.index()] {
            Value::Addresses(addresses) => addresses.iter().map(|text| meaning(text)).collect(),
            _ => Vec::new(),
        }
    }

    /// Returns the percentiles INFO latencystats shows.
    pub fn latency_percentiles(&self) -> Arc<[f64]> {
        match &self.values.read()[Setting::LatencyTrackingInfoPercentiles.index()] {
            Value::Percentiles(percentiles) => percentiles.clone(),
            _ => Arc::from([]),
        }
    }

    /// Returns host and port of the leader, if there is one.
    pub fn leader(&self) -> Option<(Arc<str>, u16)> {
        match &self.values.read()[Setting::Replicaof.index()] {
            Value::Leader(leader) => leader.clone(),
            _ => None,
        }
    }

    /// Returns a copy of all values, in the order of the table.
    pub(super) fn values(&self) -> Vec<Value> {
        self.values.read().clone()
    }

    /// Makes these the values of all settings and moves the generation on.
    pub(super) fn publish(&self, values: Vec<Value>) {
        for (cell, value) in self.numbers.iter().zip(&values) {
            if let Value::Number(number) = value {
                cell.store(*number, Ordering::Relaxed);
            }
        }
        *self.values.write() = values;
        self.maxmemory_bytes.store(self.resolve_maxmemory(), Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Release);
    }

    fn resolve_maxmemory(&self) -> u64 {
        let available = self.memory.available_bytes().unwrap_or(0);
        match (self.number(Setting::Maxmemory), self.memory.container_bytes) {
            (0, Some(container)) => {
                share(-self.number(Setting::MaxmemoryContainerPercent), container)
            }
            // So small a percentage of so little is still not "no limit".
            (percent, _) if percent < 0 && available > 0 => share(percent, available).max(1),
            (limit, _) => share(limit, available),
        }
    }
}

/// Returns a size as it is, or the percentage of `whole` that a negative number stands for.
fn share(number: i64, whole: u64) -> u64 {
    if number >= 0 {
        return number.unsigned_abs();
    }
    let part = u128::from(whole) * u128::from(number.unsigned_abs()) / 100;
    u64::try_from(part).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Config, Memory, Setting, default_values, share};
    use crate::config::kinds::{ClientClass, MaxmemoryPolicy, Value};

    const GB: u64 = 1 << 30;

    fn with_memory(container_bytes: Option<u64>, maxmemory: i64, percent: i64) -> Config {
        let mut values = default_values();
        values[Setting::Maxmemory.index()] = Value::Number(maxmemory);
        values[Setting::MaxmemoryContainerPercent.index()] = Value::Number(percent);
        let memory = Memory { machine_bytes: Some(10 * GB), container_bytes };
        Config::new(values, None, memory)
    }

    #[test]
    fn a_container_limits_memory_unless_told_otherwise() {
        assert_eq!(with_memory(None, 0, 80).maxmemory_bytes(), 0);
        assert_eq!(with_memory(Some(GB), 0, 80).maxmemory_bytes(), GB * 80 / 100);
        assert_eq!(with_memory(Some(GB), 0, 0).maxmemory_bytes(), 0);
        assert_eq!(with_memory(Some(GB), 5, 80).maxmemory_bytes(), 5);
    }

    #[test]
    fn a_percentage_is_one_of_what_there_is() {
        assert_eq!(with_memory(None, -50, 80).maxmemory_bytes(), 5 * GB);
        assert_eq!(with_memory(Some(GB), -50, 80).maxmemory_bytes(), GB / 2);
        assert_eq!(share(-100, u64::MAX), u64::MAX);
    }

    #[test]
    fn settings_are_read_by_what_they_are() {
        let config = Config::default();
        assert_eq!(config.number(Setting::Port), 6379);
        assert!(config.flag(Setting::ProtectedMode));
        assert_eq!(config.maxmemory_policy(), MaxmemoryPolicy::NoEviction);
        assert_eq!(&*config.text(Setting::Dbfilename), b"dump.rdb");
        assert_eq!(config.path(Setting::Unixsocket), None);
        assert_eq!(config.save_points().len(), 3);
        assert_eq!(config.bind_addresses()[0].host, "127.0.0.1");
        assert_eq!(&*config.latency_percentiles(), &[50.0, 99.0, 99.9]);
        assert_eq!(config.client_output_buffer_limit(ClientClass::Pubsub).soft_seconds, 60);
        assert_eq!(config.leader(), None);
        assert!(config.keyspace_events().is_empty());
    }
}
