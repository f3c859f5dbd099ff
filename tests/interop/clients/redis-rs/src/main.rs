//! redis-rs against the server at REDPOLL_URL: basic use in both protocols, as an application would.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use redis::{Client, Commands, Connection, RedisResult, pipe};

fn connect(url: &str) -> Connection {
    Client::open(url).and_then(|client| client.get_connection()).expect("a connection")
}

fn a_value_set_is_read_back(client: &mut Connection) -> RedisResult<()> {
    let _: () = client.set("a", "1")?;
    assert_eq!(client.get::<_, String>("a")?, "1");
    assert_eq!(client.get::<_, Option<String>>("missing")?, None);
    let value: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let _: () = client.set("bin", value.as_slice())?;
    assert_eq!(client.get::<_, Vec<u8>>("bin")?, value);
    assert_eq!(client.mget::<_, Vec<Option<i64>>>(&["a", "missing"])?, [Some(1), None]);
    Ok(())
}

fn a_time_to_live_runs_down_and_expires(client: &mut Connection) -> RedisResult<()> {
    let _: () = client.set_ex("a", "1", 100)?;
    assert!(client.ttl::<_, i64>("a")? > 98);
    let _: () = client.pset_ex("b", "1", 30)?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while client.exists::<_, bool>("b")? {
        assert!(Instant::now() < deadline, "the key does not expire");
        thread::sleep(Duration::from_millis(5));
    }
    assert!(client.persist::<_, bool>("a")?);
    Ok(())
}

fn a_pipeline_answers_in_order(client: &mut Connection) -> RedisResult<()> {
    let mut batch = pipe();
    for i in 0..1000 {
        batch.set(format!("k{i}"), i).ignore().get(format!("k{i}"));
    }
    let values: Vec<i64> = batch.query(client)?;
    assert!(values.into_iter().eq(0..1000));
    let keys: Vec<String> = client.scan_match("k*")?.collect::<RedisResult<_>>()?;
    assert_eq!(keys.len(), 1000);
    Ok(())
}

fn counters_from_many_threads_end_exact(client: &mut Connection, url: &str) -> RedisResult<()> {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut own = connect(url);
                for _ in 0..500 {
                    let _: i64 = own.incr("n", 1).expect("a count");
                }
            });
        }
    });
    assert_eq!(client.get::<_, i64>("n")?, 4000);
    Ok(())
}

fn main() -> RedisResult<()> {
    let url = env::var("REDPOLL_URL").expect("REDPOLL_URL says where the server is");
    for url in [url.clone(), format!("{url}/?protocol=resp3")] {
        let mut client = connect(&url);
        let _: () = redis::cmd("FLUSHALL").query(&mut client)?;
        a_value_set_is_read_back(&mut client)?;
        a_time_to_live_runs_down_and_expires(&mut client)?;
        a_pipeline_answers_in_order(&mut client)?;
        counters_from_many_threads_end_exact(&mut client, &url)?;
        println!("redis-rs: {url}: all as expected");
    }
    Ok(())
}
