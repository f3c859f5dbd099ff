//! What operators and tools read: INFO, the logs of commands, latency, the table of commands.

use std::collections::HashSet;

use crate::support::{Client, Value, for_each_thread_count, is_reference, wait_until};

/// Returns the names of the sections of an INFO reply.
fn sections(client: &mut Client, names: &[&str]) -> Vec<String> {
    let command: Vec<&str> = ["INFO"].into_iter().chain(names.iter().copied()).collect();
    let text = client.call(&command).text();
    text.lines().filter_map(|line| line.strip_prefix("# ")).map(str::to_owned).collect()
}

#[test]
fn info_has_its_sections() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let default = [
            "Server",
            "Clients",
            "Memory",
            "Persistence",
            "Stats",
            "Replication",
            "CPU",
            "Modules",
            "Errorstats",
            "Cluster",
            "Keyspace",
        ];
        let found = sections(&mut client, &[]);
        for name in default {
            assert!(found.iter().any(|section| section == name), "{name} is not in {found:?}");
        }
        assert!(!found.iter().any(|section| section == "Commandstats"));
        let all = sections(&mut client, &["all"]);
        assert!(all.iter().any(|section| section == "Commandstats"));
        assert!(all.iter().any(|section| section == "Latencystats"));
        assert_eq!(sections(&mut client, &["clients", "CPU", "nothing"]), ["Clients", "CPU"]);
        assert_eq!(sections(&mut client, &["keyspace"]), ["Keyspace"]);
    });
}

#[test]
fn info_has_the_fields_that_tools_read() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let text = client.call(&["INFO", "everything"]).text();
        let mut seen = HashSet::new();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (name, _) = line.split_once(':').unwrap_or_else(|| panic!("no value: {line}"));
            assert!(seen.insert(name.to_owned()), "{name} comes twice");
        }
        let names = "redis_version redis_mode os arch_bits multiplexing_api process_id run_id tcp_port \
             uptime_in_seconds uptime_in_days hz executable config_file connected_clients maxclients \
             client_recent_max_input_buffer client_recent_max_output_buffer blocked_clients \
             tracking_clients used_memory used_memory_human used_memory_rss used_memory_peak \
             used_memory_peak_perc used_memory_overhead used_memory_startup used_memory_dataset \
             allocator_allocated allocator_active allocator_resident total_system_memory \
             used_memory_lua maxmemory maxmemory_human maxmemory_policy mem_fragmentation_ratio \
             mem_fragmentation_bytes mem_not_counted_for_evict mem_clients_normal mem_allocator \
             lazyfree_pending_objects lazyfreed_objects loading rdb_changes_since_last_save \
             rdb_bgsave_in_progress rdb_last_save_time rdb_last_bgsave_status aof_enabled \
             aof_rewrite_in_progress total_connections_received total_commands_processed \
             instantaneous_ops_per_sec total_net_input_bytes total_net_output_bytes \
             rejected_connections expired_keys evicted_keys keyspace_hits keyspace_misses \
             pubsub_channels pubsub_patterns latest_fork_usec total_error_replies \
             total_reads_processed total_writes_processed acl_access_denied_auth role \
             connected_slaves master_replid master_repl_offset second_repl_offset \
             repl_backlog_active used_cpu_sys used_cpu_user cluster_enabled";
        let missing: Vec<&str> =
            names.split_whitespace().filter(|name| !seen.contains(*name)).collect();
        assert!(missing.is_empty(), "missing: {missing:?}");
    });
}

#[test]
fn what_clients_do_is_counted() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["CONFIG", "RESETSTAT"]);
        client.pipeline(&["SET a 1", "GET a", "GET missing", "GET missing", "INCR a", "NONSENSE"]);
        client.pipeline(&["SET t x EX 1000", "INCR t", "GET"]);
        assert_eq!(client.info_int("keyspace_hits"), 1);
        assert_eq!(client.info_int("keyspace_misses"), 2);
        assert_eq!(client.info_int("total_error_replies"), 3);
        let get = client.info("cmdstat_get");
        assert!(get.starts_with("calls=3,usec="), "{get}");
        assert!(get.ends_with("rejected_calls=1,failed_calls=0"), "{get}");
        assert!(client.info("cmdstat_incr").ends_with("rejected_calls=0,failed_calls=1"));
        assert_eq!(client.info("errorstat_ERR"), "count=3");
        assert!(client.info("latency_percentiles_usec_set").starts_with("p50="));
        let keyspace = client.info("db0");
        assert!(keyspace.starts_with("keys=2,expires=1,avg_ttl="), "{keyspace}");
        client.call(&["CONFIG", "RESETSTAT"]);
        assert_eq!(client.info_int("keyspace_hits"), 0);
        assert_eq!(client.info_int("total_error_replies"), 0);
    });
}

#[test]
fn counts_of_all_workers_are_added_up() {
    for_each_thread_count(|server| {
        let mut clients: Vec<Client> = (0..8).map(|_| server.client()).collect();
        clients[0].call(&["CONFIG", "RESETSTAT"]);
        for client in &mut clients {
            client.pipeline(&["INCR n"; 10]);
        }
        assert!(clients[3].info("cmdstat_incr").starts_with("calls=80,"));
        assert!(clients[3].info_int("total_commands_processed") >= 80);
        assert!(clients[3].info_int("total_net_input_bytes") >= 80 * 8);
    });
}

#[test]
fn the_slow_log_keeps_who_what_and_when() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["CLIENT", "SETNAME", "slowpoke"]);
        client.call(&["CONFIG", "SET", "slowlog-log-slower-than", "20000"]);
        client.call(&["DEBUG", "SLEEP", "0.05"]);
        let log = server.client().call(&["SLOWLOG", "GET"]);
        let entry = log.items()[0].items();
        assert_eq!(entry.len(), 6);
        assert!(entry[1].int() > 1_600_000_000 && entry[2].int() >= 50_000, "{log}");
        assert_eq!(entry[3].texts(), ["DEBUG", "SLEEP", "0.05"]);
        assert_eq!(entry[4].text(), client.local_address());
        assert_eq!(entry[5].text(), "slowpoke");
        client.call(&["SLOWLOG", "RESET"]);
        assert_eq!(client.call(&["SLOWLOG", "LEN"]), Value::Int(0));
    });
}

#[test]
fn the_slow_log_shortens_long_commands_and_stays_within_its_length() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["CONFIG", "SET", "slowlog-log-slower-than", "0", "slowlog-max-len", "5"]);
        let arguments: Vec<String> = (0..50).map(|n| format!("k{n}")).collect();
        let command: Vec<&str> =
            ["MGET"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        client.call(&command);
        client.call(&["ECHO", &"e".repeat(200)]);
        client.call(&["CONFIG", "SET", "slowlog-log-slower-than", "-1"]);
        let log = client.call(&["SLOWLOG", "GET", "-1"]);
        let commands: Vec<Vec<String>> =
            log.items().iter().map(|entry| entry.items()[3].texts()).collect();
        let mget = commands.iter().find(|words| words[0] == "MGET").expect("it is kept");
        assert_eq!(mget.len(), 32);
        assert_eq!(mget[31], "... (20 more arguments)");
        let echo = commands.iter().find(|words| words[0] == "ECHO").expect("it is kept");
        assert_eq!(echo[1], format!("{}... (72 more bytes)", "e".repeat(128)));
        assert!(client.call(&["SLOWLOG", "LEN"]).int() <= 5);
        let ids: Vec<i64> = log.items().iter().map(|entry| entry.items()[0].int()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] > pair[1]), "newest first: {ids:?}");
    });
}

#[test]
fn the_latency_monitor_notes_what_was_slow() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["CONFIG", "SET", "latency-monitor-threshold", "10"]);
        client.call(&["DEBUG", "SLEEP", "0.03"]);
        let latest = client.call(&["LATENCY", "LATEST"]);
        let event = latest.items()[0].items();
        assert_eq!(event[0].text(), "command");
        assert!(event[2].int() >= 30 && event[3].int() >= 30, "{latest}");
        let history = client.call(&["LATENCY", "HISTORY", "command"]);
        assert!(history.items()[0].items()[1].int() >= 30);
        assert!(client.call(&["LATENCY", "GRAPH", "command"]).text().contains("command - high"));
        assert_eq!(client.call(&["LATENCY", "RESET"]), Value::Int(1));
        assert!(client.call(&["LATENCY", "LATEST"]).items().is_empty());
    });
}

#[test]
fn the_table_of_commands_agrees_with_itself() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let all = client.call(&["COMMAND"]);
        let count = client.call(&["COMMAND", "COUNT"]).int();
        assert_eq!(i64::try_from(all.items().len()).unwrap(), count);
        let names: HashSet<String> =
            all.items().iter().map(|entry| entry.items()[0].text()).collect();
        let listed: HashSet<String> = client
            .call(&["COMMAND", "LIST"])
            .texts()
            .into_iter()
            .filter(|n| !n.contains('|'))
            .collect();
        assert_eq!(names, listed);
        for entry in all.items() {
            let facts = entry.items();
            assert_eq!(facts.len(), 10, "{entry}");
            assert_ne!(facts[1].int(), 0, "{entry}");
        }
        let reads: HashSet<String> = client
            .call(&["COMMAND", "LIST", "FILTERBY", "ACLCAT", "read"])
            .texts()
            .into_iter()
            .collect();
        assert!(reads.contains("get") && !reads.contains("set"));
    });
}

#[test]
fn every_command_is_documented() {
    for_each_thread_count(|server| {
        let mut client = server.client_resp3();
        let docs = client.call(&["COMMAND", "DOCS", "get", "SET", "nothing"]);
        let Value::Map(entries) = &docs else { panic!("not a map: {docs}") };
        assert_eq!(entries.len(), 2);
        let get = docs.field("get");
        for name in ["summary", "since", "group", "complexity"] {
            assert!(!get.field(name).text().is_empty(), "{name} of GET is empty");
        }
        assert_eq!(get.field("group").text(), "string");
        let arguments = get.field("arguments").items();
        assert_eq!(arguments[0].field("name").text(), "key");
        assert_eq!(arguments[0].field("type").text(), "key");
        if is_reference() {
            return;
        }
        let Value::Map(all) = client.call(&["COMMAND", "DOCS"]) else { panic!("not a map") };
        assert_eq!(i64::try_from(all.len()).unwrap(), client.call(&["COMMAND", "COUNT"]).int());
        for (name, entry) in &all {
            assert!(!entry.field("summary").text().is_empty(), "{name} has no summary");
            assert!(!entry.field("since").text().is_empty(), "{name} has no version");
        }
    });
}

#[test]
fn help_of_every_container_is_a_list_of_lines() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        for name in
            ["CLIENT", "COMMAND", "CONFIG", "LATENCY", "MEMORY", "OBJECT", "SLOWLOG", "DEBUG"]
        {
            let help = client.call(&[name, "HELP"]).texts();
            assert!(help[0].starts_with(name), "{name}: {help:?}");
            assert!(help.len() > 3, "{name}: {help:?}");
        }
    });
}

#[test]
fn idle_time_starts_again_with_every_use() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["SET", "a", "1"]);
        client.call(&["SET", "b", "1"]);
        wait_until("a second has passed", || client.call(&["OBJECT", "IDLETIME", "a"]).int() >= 1);
        client.call(&["GET", "b"]);
        assert_eq!(client.call(&["OBJECT", "IDLETIME", "b"]), Value::Int(0));
        assert_eq!(client.call(&["TOUCH", "a"]), Value::Int(1));
        assert_eq!(client.call(&["OBJECT", "IDLETIME", "a"]), Value::Int(0));
    });
}

#[test]
fn memory_usage_grows_with_the_value() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        client.call(&["SET", "small", "1"]);
        client.call(&["SET", "large", &"v".repeat(10_000)]);
        let small = client.call(&["MEMORY", "USAGE", "small"]).int();
        let large = client.call(&["MEMORY", "USAGE", "large"]).int();
        assert!((5..200).contains(&small), "{small}");
        assert!((10_000..13_000).contains(&large), "{large}");
    });
}

#[test]
fn time_goes_forward() {
    for_each_thread_count(|server| {
        let mut client = server.client();
        let mut last = (0, 0);
        for _ in 0..100 {
            let now = client.call(&["TIME"]).texts();
            let now: (i64, i64) = (now[0].parse().unwrap(), now[1].parse().unwrap());
            assert!(now >= last && now.1 < 1_000_000, "{now:?} after {last:?}");
            last = now;
        }
    });
}
