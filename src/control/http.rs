//! Just enough of HTTP/1.1 for probes and scrapes: GET and HEAD, keep-alive, no bodies.
//!
//! Whatever a client can make grow or last has a limit: bytes of a head, time to send one, time to
//! read a reply, time between requests, and the number of connections.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::endpoint::Endpoint;
use super::request::{Method, Request};

/// Bytes a request head may have.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// How long accepting rests after it failed: the cause, no free descriptor, does not pass at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What clients are held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connection_count_max: usize,
    /// From the first byte of a head to its last.
    pub(super) head_timeout: Duration,
    /// From a reply to the next request; longer than the usual scrape intervals.
    pub(super) idle_timeout: Duration,
    pub(super) write_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connection_count_max: 64,
            head_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(120),
            write_timeout: Duration::from_secs(10),
        }
    }
}

/// A reply before it is put into bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: Status,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

/// The statuses we answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    HeadTooLarge,
    Unavailable,
}

impl Status {
    /// Returns the number.
    pub(super) fn code(self) -> &'static str {
        &self.line()[..3]
    }

    fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::RequestTimeout => "408 Request Timeout",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

impl Response {
    /// Returns a reply of one line of text.
    pub(super) fn text(status: Status, body: &str) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: format!("{body}\n") }
    }

    fn into_bytes(self, with_body: bool, keep_alive: bool) -> Vec<u8> {
        let mut text = String::with_capacity(256 + self.body.len());
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\n",
            self.status.line(),
            self.content_type,
            self.body.len(),
        );
        if self.status == Status::MethodNotAllowed {
            text.push_str("Allow: GET, HEAD\r\n");
        }
        text.push_str(if keep_alive { "\r\n" } else { "Connection: close\r\n\r\n" });
        if with_body {
            text.push_str(&self.body);
        }
        text.into_bytes()
    }
}

/// Accepts connections and serves each in a task of its own; ends only when it is dropped.
pub(super) async fn serve(listener: TcpListener, endpoint: Arc<Endpoint>, limits: Limits) {
    let places = Arc::new(Semaphore::new(limits.connection_count_max));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            endpoint.count_refusal();
            continue;
        };
        let endpoint = Arc::clone(&endpoint);
        tokio::spawn(async move {
            let mut connection = Connection { stream, buffer: Vec::new(), limits };
            // A connection that breaks concerns nobody but its client.
            let _ = connection.serve(&endpoint).await;
            drop(place);
        });
    }
}

struct Connection {
    stream: TcpStream,
    /// Bytes read and not yet part of a request that was answered.
    buffer: Vec<u8>,
    limits: Limits,
}

impl Connection {
    async fn serve(&mut self, endpoint: &Endpoint) -> io::Result<()> {
        loop {
            let request = match self.next_request().await? {
                Next::Request(request) => request,
                Next::Refuse(status) => {
                    let text = status.line();
                    endpoint.count_request("other", status);
                    return self.write(Response::text(status, text), true, false).await;
                }
                Next::End => return Ok(()),
            };
            let response = endpoint.respond(&request);
            let with_body = request.method != Method::Head;
            self.write(response, with_body, request.keep_alive).await?;
            if !request.keep_alive {
                return self.stream.shutdown().await;
            }
        }
    }

    /// Reads until a head is complete, too large or too late.
    async fn next_request(&mut self) -> io::Result<Next> {
        if self.buffer.is_empty() {
            match timeout(self.limits.idle_timeout, self.read_some()).await {
                Ok(Ok(1..)) => {}
                Ok(Ok(0)) | Err(_) => return Ok(Next::End),
                Ok(Err(error)) => return Err(error),
            }
        }
        let deadline = Instant::now() + self.limits.head_timeout;
        loop {
            match Request::parse(&self.buffer) {
                Ok(Some(request)) => {
                    self.buffer.drain(..request.head_bytes);
                    return Ok(Next::Request(request));
                }
                Ok(None) if self.buffer.len() < HEAD_BYTES_MAX => {}
                Ok(None) => return Ok(Next::Refuse(Status::HeadTooLarge)),
                Err(_) => return Ok(Next::Refuse(Status::BadRequest)),
            }
            match timeout_at(deadline, self.read_some()).await {
                Ok(Ok(1..)) => {}
                Ok(Ok(0)) => return Ok(Next::End),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Ok(Next::Refuse(Status::RequestTimeout)),
            }
        }
    }

    /// Reads what is there; never more than one head beyond the limit of a head.
    async fn read_some(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 2048];
        let count = self.stream.read(&mut chunk).await?;
        self.buffer.extend_from_slice(&chunk[..count]);
        Ok(count)
    }

    async fn write(
        &mut self,
        response: Response,
        with_body: bool,
        keep_alive: bool,
    ) -> io::Result<()> {
        let bytes = response.into_bytes(with_body, keep_alive);
        timeout(self.limits.write_timeout, self.stream.write_all(&bytes)).await?
    }
}

enum Next {
    Request(Request),
    Refuse(Status),
    End,
}
