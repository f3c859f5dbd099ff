//! The data plane as a whole: starts and stops the workers' threads.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use mio::{Poll, Waker};

use super::event_loop::{EventLoop, Seat, WAKE};
use super::listen::Listeners;
use super::options::NetOptions;
use super::ports::Ports;
use crate::base::log;
use crate::base::mailbox::Mailbox;
use crate::engine::{Engine, WorkerMessage};

/// The running data plane. Dropping it leaves the threads running: call [`DataPlane::stop`].
pub struct DataPlane {
    engine: Arc<Engine>,
    listeners: Arc<Listeners>,
    threads: Vec<JoinHandle<()>>,
}

/// Changes where a running data plane listens.
#[derive(Clone)]
pub struct Rebinder {
    listeners: Arc<Listeners>,
}

impl Rebinder {
    /// Listens where `options` say and nowhere else; connected clients stay. Callable from any thread.
    ///
    /// # Errors
    /// An address cannot be had. Calling it again with the old options brings the old state back.
    pub fn rebind(&self, options: &NetOptions) -> io::Result<()> {
        self.listeners.replace(options)
    }
}

impl DataPlane {
    /// Opens the listeners and starts one thread per worker of the engine.
    ///
    /// # Errors
    /// An address cannot be had, or the system refuses descriptors or threads.
    pub fn start(engine: Arc<Engine>, options: &NetOptions) -> io::Result<Self> {
        let mut polls = Vec::new();
        let (mut mailboxes, mut inboxes) = (Vec::new(), Vec::new());
        for _ in 0..engine.worker_count() {
            let poll = Poll::new()?;
            let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
            mailboxes.push(Mailbox::new(wake(Arc::clone(&waker))));
            inboxes.push(Mailbox::new(wake(waker)));
            polls.push(poll);
        }
        let registry = polls.first().map(|poll| poll.registry().try_clone()).transpose()?;
        let registry = registry.ok_or_else(|| io::Error::other("there is no worker"))?;
        let listeners = Arc::new(Listeners::new(registry));
        listeners.replace(options)?;
        engine.set_workers(mailboxes.clone());
        let ports = Arc::new(Ports::new(inboxes));
        let mut plane = Self { engine, listeners, threads: Vec::new() };
        for (index, (poll, mailbox)) in polls.into_iter().zip(mailboxes).enumerate() {
            let seat = Seat {
                index,
                poll,
                engine: Arc::clone(&plane.engine),
                mailbox,
                ports: Arc::clone(&ports),
                listeners: (index == 0).then(|| Arc::clone(&plane.listeners)),
            };
            match start_worker(seat) {
                Ok(thread) => plane.threads.push(thread),
                Err(error) => {
                    plane.stop();
                    return Err(error);
                }
            }
        }
        Ok(plane)
    }

    /// Returns the TCP addresses that are listened on, with the ports the system has picked.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.addresses()
    }

    /// Returns a handle that changes where to listen.
    pub fn rebinder(&self) -> Rebinder {
        Rebinder { listeners: Arc::clone(&self.listeners) }
    }

    /// Closes the listeners, then the connections, and waits for the threads to end.
    pub fn stop(self) {
        self.listeners.close();
        self.engine.tell_all(|| WorkerMessage::Stop);
        for thread in self.threads {
            if thread.join().is_err() {
                log::warning(format_args!("A worker has ended by a panic"));
            }
        }
    }
}

fn start_worker(seat: Seat) -> io::Result<JoinHandle<()>> {
    let name = format!("worker-{}", seat.index);
    Builder::new().name(name).spawn(move || EventLoop::new(seat).run())
}

fn wake(waker: Arc<Waker>) -> Box<dyn Fn() + Send + Sync> {
    Box::new(move || {
        if let Err(error) = waker.wake() {
            log::warning(format_args!("Cannot wake a worker: {error}"));
        }
    })
}
