//! What a worker's thread does for its other clients while a command takes long.

/// The rest of a worker's thread, as seen by a command that takes long.
pub trait Turn {
    /// Serves the worker's other clients, without waiting for anything.
    fn meanwhile(&mut self);
}

/// A thread that has nothing else to do.
pub struct Nobody;

impl Turn for Nobody {
    fn meanwhile(&mut self) {}
}
