//! The leader to replicate from: a host and a port.

use std::sync::Arc;

use super::numbers::parse_loose;
use super::{Refusal, Value};

pub(crate) fn parse(words: &[&[u8]]) -> Result<Value, Refusal> {
    let [host, port] = words else { return Err("wrong number of arguments".into()) };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(Value::Leader(None));
    }
    let port = parse_loose(port)
        .and_then(|number| u16::try_from(number).ok())
        .ok_or("Invalid master port")?;
    let host = String::from_utf8_lossy(host);
    Ok(Value::Leader(Some((Arc::from(host.as_ref()), port))))
}

pub(crate) fn show(leader: Option<&(Arc<str>, u16)>) -> String {
    leader.map(|(host, port)| format!("{host} {port}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{parse, show};
    use crate::config::kinds::Value;

    #[test]
    fn a_leader_is_a_host_and_a_port_or_no_one() {
        let Ok(Value::Leader(leader)) = parse(&[b"cache-1", b"6380"]) else { panic!("a leader") };
        assert_eq!(show(leader.as_ref()), "cache-1 6380");
        assert_eq!(parse(&[b"NO", b"ONE"]), Ok(Value::Leader(None)));
        assert_eq!(parse(&[b"cache-1", b"abc"]).unwrap_err().to_string(), "Invalid master port");
        assert_eq!(parse(&[b"cache-1"]).unwrap_err().to_string(), "wrong number of arguments");
    }
}
