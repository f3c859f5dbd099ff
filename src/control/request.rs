//! The head of an HTTP request: what is asked for, and whether the connection may go on after it.

/// Headers a request may have.
const HEADER_COUNT_MAX: usize = 64;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    /// Anything we do not offer.
    Other,
}

/// A complete request head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// The target in front of `?`.
    pub(super) path: String,
    /// The target behind `?`; empty if there is none.
    pub(super) query: String,
    /// Whether another request may follow on this connection.
    pub(super) keep_alive: bool,
    /// Bytes of the head, its last line end included.
    pub(super) head_bytes: usize,
}

/// The head is not HTTP, or not an HTTP we speak.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed request")]
pub(super) struct Malformed;

impl Request {
    /// Returns the request at the start of `bytes`, or `None` while its head is incomplete.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let mut headers = [httparse::EMPTY_HEADER; HEADER_COUNT_MAX];
        let mut parsed = httparse::Request::new(&mut headers);
        let head_bytes = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(head_bytes)) => head_bytes,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Malformed),
        };
        let target = parsed.path.unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Some(Self {
            method: method_of(parsed.method.unwrap_or_default()),
            path: path.into(),
            query: query.into(),
            keep_alive: keeps_alive(parsed.version == Some(1), parsed.headers),
            head_bytes,
        }))
    }

    /// Says whether the query holds this `name=value` pair.
    pub(super) fn has_parameter(&self, pair: &str) -> bool {
        self.query.split('&').any(|other| other == pair)
    }
}

fn method_of(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => Method::Other,
    }
}

/// HTTP/1.1 goes on unless told otherwise, HTTP/1.0 the other way round. We read no bodies: after a
/// request that announces one, the connection ends.
fn keeps_alive(is_http_1_1: bool, headers: &[httparse::Header<'_>]) -> bool {
    let mut keep_alive = is_http_1_1;
    for header in headers {
        let value = std::str::from_utf8(header.value).unwrap_or_default();
        if header.name.eq_ignore_ascii_case("connection") {
            let has = |token: &str| value.split(',').any(|t| t.trim().eq_ignore_ascii_case(token));
            keep_alive = !has("close") && (keep_alive || has("keep-alive"));
        }
        let announces_body = header.name.eq_ignore_ascii_case("transfer-encoding")
            || (header.name.eq_ignore_ascii_case("content-length") && value.trim() != "0");
        if announces_body {
            return false;
        }
    }
    keep_alive
}

#[cfg(test)]
mod tests {
    use super::{Malformed, Method, Request};

    fn parse(text: &str) -> Request {
        Request::parse(text.as_bytes()).expect("well-formed").expect("complete")
    }

    #[test]
    fn a_head_is_taken_apart() {
        let text = "GET /metrics?names=all&x=1 HTTP/1.1\r\nHost: a\r\n\r\nrest";
        let request = parse(text);
        assert_eq!((request.method, request.path.as_str()), (Method::Get, "/metrics"));
        assert!(request.has_parameter("names=all") && !request.has_parameter("names"));
        assert!(request.keep_alive);
        assert_eq!(request.head_bytes, text.len() - "rest".len());
    }

    #[test]
    fn a_part_of_a_head_is_no_request_yet() {
        let text = "HEAD / HTTP/1.0\r\nHost: a\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(Request::parse(&text.as_bytes()[..end]), Ok(None));
        }
        assert_eq!(parse(text).method, Method::Head);
    }

    #[test]
    fn what_is_not_http_is_malformed() {
        for text in ["*1\r\n$4\r\nPING\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n"] {
            assert_eq!(Request::parse(text.as_bytes()), Err(Malformed), "{text}");
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(100));
        assert_eq!(Request::parse(many.as_bytes()), Err(Malformed));
    }

    #[test]
    fn version_and_headers_decide_whether_the_connection_goes_on() {
        for (version, header, expected) in [
            ("1.1", "x: y", true),
            ("1.1", "Connection: Close", false),
            ("1.0", "x: y", false),
            ("1.0", "connection: Keep-Alive", true),
            ("1.1", "Content-Length: 5", false),
            ("1.1", "Content-Length: 0", true),
            ("1.1", "Transfer-Encoding: chunked", false),
        ] {
            let request = parse(&format!("GET / HTTP/{version}\r\n{header}\r\n\r\n"));
            assert_eq!(request.keep_alive, expected, "{version} {header}");
        }
    }
}
