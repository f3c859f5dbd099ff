//! INFO server: what runs here, since when, and where it listens.

use super::section::Fields;
use crate::base::clock;
use crate::commands::server::process;
use crate::commands::{REDIS_VERSION, REDPOLL_VERSION};
use crate::config::Setting;
use crate::engine::Engine;

const SECONDS_PER_DAY: u64 = 86_400;
/// The LRU clock that clients see counts seconds in this many bits.
const LRU_CLOCK_BITS: u32 = 24;

pub(super) fn fill(engine: &Engine, fields: &mut Fields) {
    let config = &engine.config;
    let identity = &engine.identity;
    let word = |setting| String::from_utf8_lossy(&config.text(setting)).into_owned();
    fields.text("redis_version", REDIS_VERSION);
    fields.text("server_name", "redpoll");
    fields.text("redpoll_version", REDPOLL_VERSION);
    fields.text("redis_git_sha1", "00000000");
    fields.count("redis_git_dirty", 0);
    fields.text("redis_build_id", "0");
    fields.text("redis_mode", "standalone");
    fields.text("server_mode", "standalone");
    fields.text("os", process::system_name());
    fields.count("arch_bits", u64::from(usize::BITS));
    fields.text("monotonic_clock", "processor time-stamp counter");
    fields.text("multiplexing_api", "epoll");
    fields.text("atomicvar_api", "rust-core");
    fields.text("gcc_version", "0.0.0");
    fields.count("process_id", identity.process_id.into());
    fields.text("process_supervised", word(Setting::Supervised));
    fields.text("run_id", identity.run_id.as_str());
    fields.count("tcp_port", config.size(Setting::Port) as u64);
    fill_times(engine, fields);
    fields.text("executable", identity.executable.as_str());
    let file = config.file().map(|path| path.display().to_string());
    fields.text("config_file", file.unwrap_or_default());
    fields.count("io_threads_active", u64::from(engine.worker_count() > 1));
    fields.text("availability_zone", word(Setting::AvailabilityZone));
    fill_listeners(engine, fields);
}

fn fill_times(engine: &Engine, fields: &mut Fields) {
    let now_us = clock::unix_us();
    let uptime_s = (now_us / 1000).saturating_sub(engine.identity.started_ms) / 1000;
    let hz = engine.config.size(Setting::Hz) as u64;
    fields.count("server_time_usec", now_us);
    fields.count("uptime_in_seconds", uptime_s);
    fields.count("uptime_in_days", uptime_s / SECONDS_PER_DAY);
    fields.count("hz", hz);
    fields.count("configured_hz", hz);
    fields.count("clients_hz", hz);
    fields.count("lru_clock", (now_us / 1_000_000) & ((1 << LRU_CLOCK_BITS) - 1));
}

fn fill_listeners(engine: &Engine, fields: &mut Fields) {
    let config = &engine.config;
    let mut listeners = Vec::new();
    let port = config.size(Setting::Port);
    if port != 0 {
        let bind = config.text(Setting::Bind);
        let addresses: String = String::from_utf8_lossy(&bind)
            .split_whitespace()
            .map(|address| format!("bind={address},"))
            .collect();
        listeners.push(format!("name=tcp,{addresses}port={port}"));
    }
    let socket = config.text(Setting::Unixsocket);
    if !socket.is_empty() {
        listeners.push(format!("name=unix,bind={}", String::from_utf8_lossy(&socket)));
    }
    for (index, listener) in listeners.into_iter().enumerate() {
        fields.text(format!("listener{index}"), listener);
    }
}
