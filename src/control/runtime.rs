//! The control plane's thread: starting it, and stopping it.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use super::endpoint::{Endpoint, Sources};
use super::http::{Limits, serve};

/// Time between two calls of [`Sources::upkeep`].
const UPKEEP_STEP: Duration = Duration::from_millis(100);

/// Where the metrics endpoint listens.
#[derive(Clone, Debug)]
pub struct MetricsSettings {
    /// Addresses or host names (`metrics-bind`).
    pub bind: Vec<String>,
    /// The port (`metrics-port`); 0 lets the system choose.
    pub port: u16,
}

/// Why the control plane does not start; the operator reads it.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// An address cannot be listened on.
    #[error("cannot listen for metrics on {address} port {port}: {source}")]
    Bind {
        /// The address as it was set.
        address: String,
        /// The port.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// The thread or its runtime cannot be had.
    #[error("cannot start the control plane: {0}")]
    Thread(#[from] io::Error),
}

/// The running control plane. Dropping it stops it.
pub struct Control {
    metrics_addresses: Vec<SocketAddr>,
    /// Dropped to stop; the thread waits for that.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts the control plane, with the metrics endpoint if `metrics` is given. When it returns, the
/// endpoint answers.
pub fn start(metrics: Option<MetricsSettings>, sources: Sources) -> Result<Control, ControlError> {
    start_with(metrics, sources, Limits::default())
}

/// Starts it with other limits for HTTP clients.
pub(super) fn start_with(
    metrics: Option<MetricsSettings>,
    sources: Sources,
    limits: Limits,
) -> Result<Control, ControlError> {
    let listeners = metrics.map(|settings| listen(&settings)).transpose()?.unwrap_or_default();
    let metrics_addresses =
        listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
    let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
    let listeners = {
        let _context = runtime.enter();
        listeners
            .into_iter()
            .map(tokio::net::TcpListener::from_std)
            .collect::<io::Result<Vec<_>>>()?
    };
    let upkeep = Arc::clone(&sources.upkeep);
    let endpoint = Arc::new(Endpoint::new(sources));
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::Builder::new().name("control".into()).spawn(move || {
        runtime.block_on(async move {
            for listener in listeners {
                tokio::spawn(serve(listener, Arc::clone(&endpoint), limits));
            }
            tokio::spawn(keep_up(upkeep));
            // Resolves when the sender is dropped. The runtime then drops every task with it.
            let _ = stopped.await;
        });
    })?;
    Ok(Control { metrics_addresses, stop: Some(stop), thread: Some(thread) })
}

/// Calls `upkeep` in even steps. A step that comes late is not made up for.
async fn keep_up(upkeep: Arc<dyn Fn() + Send + Sync>) {
    let mut steps = tokio::time::interval(UPKEEP_STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        steps.tick().await;
        upkeep();
    }
}

impl Control {
    /// Returns where the metrics endpoint listens: one address per `metrics-bind`, with real ports.
    pub fn metrics_addresses(&self) -> &[SocketAddr] {
        &self.metrics_addresses
    }

    /// Stops the thread and waits for its end; connections are closed.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported where it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen(settings: &MetricsSettings) -> Result<Vec<TcpListener>, ControlError> {
    settings
        .bind
        .iter()
        .map(|address| {
            listen_at(address, settings.port).map_err(|source| ControlError::Bind {
                address: address.clone(),
                port: settings.port,
                source,
            })
        })
        .collect()
}

fn listen_at(address: &str, port: u16) -> io::Result<TcpListener> {
    let addresses: Vec<SocketAddr> = (address, port).to_socket_addrs()?.collect();
    let listener = TcpListener::bind(addresses.as_slice())?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::{Control, ControlError, MetricsSettings, start, start_with};
    use crate::control::http::Limits;
    use crate::control::{Health, Sources};
    use crate::stats::Snapshot;

    fn settings(bind: &str) -> Option<MetricsSettings> {
        Some(MetricsSettings { bind: vec![bind.into()], port: 0 })
    }

    fn sources(is_serving: &Arc<AtomicBool>) -> Sources {
        let is_serving = Arc::clone(is_serving);
        Sources {
            snapshot: Arc::new(|| {
                let mut snapshot = Snapshot::default();
                snapshot.push_count("connected_clients", 3);
                snapshot.push_count("current_eviction_exceeded_time", 0);
                snapshot
            }),
            health: Arc::new(move || match is_serving.load(Ordering::Acquire) {
                true => Health::Serving,
                false => Health::Loading,
            }),
            upkeep: Arc::new(|| {}),
        }
    }

    #[test]
    fn upkeep_happens_without_a_request() {
        let (sender, calls) = std::sync::mpsc::channel();
        let upkeep = move || {
            // The last steps find no receiver any more.
            let _ = sender.send(());
        };
        let sources =
            Sources { upkeep: Arc::new(upkeep), ..sources(&Arc::new(AtomicBool::new(true))) };
        let control = start(None, sources).expect("it starts");
        for _ in 0..2 {
            calls.recv_timeout(Duration::from_secs(30)).expect("the next step comes");
        }
        control.stop();
    }

    fn started(limits: Limits) -> (Control, SocketAddr) {
        let sources = sources(&Arc::new(AtomicBool::new(true)));
        let control = start_with(settings("127.0.0.1"), sources, limits).expect("it starts");
        let address = control.metrics_addresses()[0];
        (control, address)
    }

    fn connect(address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a valid timeout");
        stream
    }

    /// Sends a text and returns everything until the server closes.
    fn exchange(address: SocketAddr, text: &str) -> String {
        let mut stream = connect(address);
        stream.write_all(text.as_bytes()).expect("it reads");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("it closes");
        reply
    }

    fn request(address: SocketAddr, method: &str, target: &str) -> String {
        let text = format!("{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        exchange(address, &text)
    }

    #[test]
    fn metrics_are_served() {
        let (_control, address) = started(Limits::default());
        let reply = request(address, "GET", "/metrics");
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
        assert!(reply.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
        assert!(reply.contains("\nredis_connected_clients 3\n"));
        assert!(reply.contains("\nredis_exporter_scrapes_total 1\n"));
        assert!(!reply.contains("redis_current_eviction_exceeded_time_ms"));
        let all = request(address, "GET", "/metrics?names=all");
        assert!(all.contains("\nredis_current_eviction_exceeded_time_ms 0\n"));
    }

    #[test]
    fn health_follows_the_server() {
        let is_serving = Arc::new(AtomicBool::new(false));
        let control = start(settings("127.0.0.1"), sources(&is_serving)).expect("it starts");
        let address = control.metrics_addresses()[0];
        assert!(request(address, "GET", "/healthz").starts_with("HTTP/1.1 503 "));
        is_serving.store(true, Ordering::Release);
        let reply = request(address, "GET", "/healthz");
        assert!(reply.starts_with("HTTP/1.1 200 ") && reply.ends_with("\r\n\r\nok\n"));
    }

    #[test]
    fn head_has_no_body() {
        let (_control, address) = started(Limits::default());
        let reply = request(address, "HEAD", "/healthz");
        assert!(reply.contains("Content-Length: 3\r\n") && reply.ends_with("\r\n\r\n"));
    }

    #[test]
    fn other_pages_and_methods_are_refused() {
        let (_control, address) = started(Limits::default());
        assert!(request(address, "GET", "/").starts_with("HTTP/1.1 404 "));
        let reply = request(address, "POST", "/metrics");
        assert!(reply.starts_with("HTTP/1.1 405 ") && reply.contains("Allow: GET, HEAD\r\n"));
        assert!(exchange(address, "*1\r\n$4\r\nPING\r\n").starts_with("HTTP/1.1 400 "));
    }

    #[test]
    fn a_connection_serves_several_requests() {
        let (_control, address) = started(Limits::default());
        let reply = exchange(
            address,
            "GET /healthz HTTP/1.1\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n\
             GET /healthz HTTP/1.0\r\n\r\n",
        );
        assert_eq!(reply.matches("HTTP/1.1 200 OK").count(), 3);
        assert_eq!(reply.matches("Connection: close").count(), 1);
    }

    #[test]
    fn an_endless_head_is_refused() {
        let (_control, address) = started(Limits::default());
        let mut stream = connect(address);
        stream.write_all(b"GET /metrics HTTP/1.1\r\nx: ").expect("it reads");
        stream.write_all(&[b'y'; 8 * 1024]).expect("it reads");
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("it answers");
        assert_eq!(&status, b"HTTP/1.1 431");
    }

    #[test]
    fn a_head_that_does_not_end_times_out() {
        let head_timeout = Duration::from_millis(50);
        let (_control, address) = started(Limits { head_timeout, ..Limits::default() });
        let reply = exchange(address, "GET /metrics HTTP/1.1\r\n");
        assert!(reply.starts_with("HTTP/1.1 408 "), "{reply}");
    }

    #[test]
    fn a_silent_connection_is_closed() {
        let idle_timeout = Duration::from_millis(50);
        let (_control, address) = started(Limits { idle_timeout, ..Limits::default() });
        assert_eq!(exchange(address, ""), "");
    }

    #[test]
    fn connections_beyond_the_limit_are_closed() {
        let (_control, address) = started(Limits { connection_count_max: 1, ..Limits::default() });
        let mut first = connect(address);
        first.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").expect("it reads");
        let mut status = [0; 12];
        first.read_exact(&mut status).expect("it answers");
        let mut rest = Vec::new();
        assert_eq!(connect(address).read_to_end(&mut rest).unwrap_or(0), 0);
    }

    #[test]
    fn it_stops_with_connections_open() {
        let (control, address) = started(Limits::default());
        let mut stream = connect(address);
        stream.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").expect("it reads");
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("it answers");
        control.stop();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("it closes");
        assert!(TcpStream::connect(address).is_err());
    }

    #[test]
    fn a_taken_port_is_reported() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("it is bound").port();
        let settings = MetricsSettings { bind: vec!["127.0.0.1".into()], port };
        let result = start(Some(settings), sources(&Arc::new(AtomicBool::new(true))));
        assert!(matches!(result, Err(ControlError::Bind { port: at, .. }) if at == port));
    }

    #[test]
    fn without_metrics_nothing_listens() {
        let sources = sources(&Arc::new(AtomicBool::new(true)));
        let control = start(None, sources).expect("it starts");
        assert!(control.metrics_addresses().is_empty());
    }
}
