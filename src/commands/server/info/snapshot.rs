//! The state of the server for the metrics endpoint: the numbers of INFO without their text.

use std::collections::HashSet;

use super::section::{Fields, as_double};
use super::{SECTIONS, Section, keyspace};
use crate::commands::REDIS_VERSION;
use crate::commands::server::process;
use crate::config::{ClientClass, Config, Setting};
use crate::engine::Engine;
use crate::stats::Snapshot;

/// Sections whose lines are no single numbers; what they say is in the snapshot already.
const COMPOSED: [&str; 4] = ["commandstats", "errorstats", "latencystats", "keyspace"];

/// Returns the state of the server at this moment. Cost: independent of the number of keys.
pub fn snapshot(engine: &Engine) -> Snapshot {
    let name_of = |id| engine.table.by_id(id).full_name.as_str();
    let mut snapshot = Snapshot::of_stats(&engine.stats, name_of);
    add_fields(&mut snapshot, engine);
    add_settings(&mut snapshot, engine);
    snapshot.keyspace = keyspace::samples(engine);
    snapshot.instance_labels = instance_labels(engine);
    snapshot
}

/// Adds the numbers of INFO; where a counter has the same name, INFO knows better.
fn add_fields(snapshot: &mut Snapshot, engine: &Engine) {
    let mut fields = Fields::default();
    let is_plain = |section: &&Section| !COMPOSED.contains(&section.name);
    SECTIONS.iter().filter(is_plain).for_each(|section| (section.fill)(engine, &mut fields));
    let known: HashSet<_> = fields.0.iter().map(|field| field.name.clone()).collect();
    snapshot.fields.retain(|(name, _)| !known.contains(name));
    let numbers = fields.0.into_iter().filter_map(|field| Some((field.name, field.number?)));
    snapshot.fields.extend(numbers);
    let started_s = as_double(engine.identity.started_ms) / 1e3;
    snapshot.fields.push(("start_time_seconds".into(), started_s));
}

#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
fn add_settings(snapshot: &mut Snapshot, engine: &Engine) {
    for (field, setting) in [
        ("commandlog_execution_slower_than", Setting::SlowlogLogSlowerThan),
        ("commandlog_request_larger_than", Setting::CommandlogRequestLargerThan),
        ("commandlog_reply_larger_than", Setting::CommandlogReplyLargerThan),
        ("commandlog_slow_execution_max_len", Setting::SlowlogMaxLen),
        ("commandlog_large_request_max_len", Setting::CommandlogLargeRequestMaxLen),
        ("commandlog_large_reply_max_len", Setting::CommandlogLargeReplyMaxLen),
    ] {
        let value = engine.config.number(setting) as f64;
        snapshot.fields.push((field.into(), value));
    }
    add_numbers(snapshot, engine);
    for (class, name) in [
        (ClientClass::Normal, "normal"),
        (ClientClass::Replica, "slave"),
        (ClientClass::Pubsub, "pubsub"),
    ] {
        let limit = engine.config.client_output_buffer_limit(class);
        let labels = |kind: &str| [("class", name.to_string()), ("limit", kind.to_string())];
        let metric = "redis_config_client_output_buffer_limit_bytes";
        snapshot.push_labelled(metric, labels("hard"), as_double(limit.hard_bytes));
        snapshot.push_labelled(metric, labels("soft"), as_double(limit.soft_bytes));
        let metric = "redis_config_client_output_buffer_limit_overcome_seconds";
        snapshot.push_labelled(metric, labels("soft"), as_double(limit.soft_seconds));
    }
}

/// Adds every setting whose value is a number.
fn add_numbers(snapshot: &mut Snapshot, engine: &Engine) {
    for (name, value) in engine.config.get(&[b"*"]) {
        let number = std::str::from_utf8(&value).ok().and_then(|value| value.parse::<f64>().ok());
        if let Some(number) = number
            && !Config::is_secret(&name)
        {
            let name = String::from_utf8_lossy(&name).into_owned();
            snapshot.push_labelled("redis_config_value", [("key", name)], number);
        }
    }
}

fn instance_labels(engine: &Engine) -> Vec<(&'static str, String)> {
    let config = &engine.config;
    let word = |setting| String::from_utf8_lossy(&config.text(setting)).into_owned();
    vec![
        ("role", "master".into()),
        ("redis_version", REDIS_VERSION.into()),
        ("redis_build_id", "0".into()),
        ("redis_mode", "standalone".into()),
        ("os", process::system_name()),
        ("tcp_port", config.number(Setting::Port).to_string()),
        ("maxmemory_policy", word(Setting::MaxmemoryPolicy)),
        ("run_id", engine.identity.run_id.clone()),
        ("process_id", engine.identity.process_id.to_string()),
        ("master_replid", engine.replication_id()),
        ("server_name", "redpoll".into()),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::snapshot;
    use crate::commands::testing::Bench;

    #[test]
    fn no_field_stands_twice() {
        let mut bench = Bench::new();
        bench.say("SET a 1 EX 100");
        let snapshot = snapshot(&bench.engine);
        let names: HashSet<&str> = snapshot.fields.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names.len(), snapshot.fields.len());
        for name in ["used_memory", "connected_clients", "uptime_in_seconds", "expired_keys"] {
            assert!(names.contains(name), "{name}");
        }
        assert_eq!(snapshot.keyspace.len(), 1);
        assert_eq!(snapshot.keyspace[0].expiring_key_count, 1);
    }
}
