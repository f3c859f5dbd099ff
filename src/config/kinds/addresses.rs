//! Addresses to listen on.

use std::sync::Arc;

use super::{Refusal, Value};

/// The most addresses there may be.
const COUNT_MAX: usize = 16;

/// An address to listen on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BindAddress {
    /// An IP address or a host name; `0.0.0.0` and `::` for all of a family.
    pub host: String,
    /// Nothing is wrong if this machine does not have it.
    pub is_optional: bool,
}

pub(crate) fn default() -> Value {
    Value::Addresses(["127.0.0.1", "-::1"].map(Arc::from).into())
}

/// Takes every word as an address; one empty word stands for none.
pub(crate) fn parse(words: &[&[u8]]) -> Result<Value, Refusal> {
    if words.len() > COUNT_MAX {
        return Err("Too many bind addresses specified.".into());
    }
    let words = if words == [b""] { &[] } else { words };
    let addresses = words.iter().map(|word| Arc::from(String::from_utf8_lossy(word).as_ref()));
    Ok(Value::Addresses(addresses.collect()))
}

/// Returns what an address means: `*` and `::*` are all of a family, `-` makes it optional.
pub(crate) fn meaning(address: &str) -> BindAddress {
    let (is_optional, host) = match address.strip_prefix('-') {
        Some(host) => (true, host),
        None => (false, address),
    };
    let host = match host {
        "*" => "0.0.0.0",
        "::*" => "::",
        host => host,
    };
    BindAddress { host: host.to_owned(), is_optional }
}

#[cfg(test)]
mod tests {
    use super::{BindAddress, meaning, parse};

    #[test]
    fn a_minus_makes_an_address_optional_and_a_star_stands_for_all() {
        let of = |host: &str, is_optional| BindAddress { host: host.to_owned(), is_optional };
        assert_eq!(meaning("10.0.0.1"), of("10.0.0.1", false));
        assert_eq!(meaning("-::1"), of("::1", true));
        assert_eq!(meaning("*"), of("0.0.0.0", false));
        assert_eq!(meaning("-::*"), of("::", true));
    }

    #[test]
    fn there_is_a_limit() {
        assert!(parse(&[b"127.0.0.1".as_slice(); 16]).is_ok());
        let refusal = parse(&[b"127.0.0.1".as_slice(); 17]).unwrap_err();
        assert_eq!(refusal.to_string(), "Too many bind addresses specified.");
    }
}
