//! The connections of one worker, by number: the number is the token of its events.

use super::connection::Connection;

/// Connections in numbered places; places are used again.
#[derive(Default)]
pub(super) struct Connections {
    places: Vec<Option<Box<Connection>>>,
    free: Vec<usize>,
    /// Where the round of upkeep goes on.
    cursor: usize,
}

impl Connections {
    /// Returns the number the next connection will have.
    pub(super) fn next_number(&self) -> usize {
        self.free.last().copied().unwrap_or(self.places.len())
    }

    /// Adds a connection under [`Self::next_number`].
    pub(super) fn add(&mut self, connection: Box<Connection>) {
        match self.free.pop() {
            Some(number) => self.places[number] = Some(connection),
            None => self.places.push(Some(connection)),
        }
    }

    /// Returns the connection of a number. None may be there: events outlive connections.
    #[inline]
    pub(super) fn at(&mut self, number: usize) -> Option<&mut Connection> {
        self.places.get_mut(number)?.as_deref_mut()
    }

    /// Takes a connection out for a while; its number stays its own.
    pub(super) fn take_out(&mut self, number: usize) -> Option<Box<Connection>> {
        self.places.get_mut(number)?.take()
    }

    /// Puts back what [`Self::take_out`] returned.
    pub(super) fn put_back(&mut self, number: usize, connection: Box<Connection>) {
        self.places[number] = Some(connection);
    }

    /// Takes a connection away.
    pub(super) fn remove(&mut self, number: usize) -> Option<Box<Connection>> {
        let connection = self.places.get_mut(number)?.take()?;
        self.free.push(number);
        Some(connection)
    }

    /// Returns how many places there are, empty ones included.
    pub(super) fn place_count(&self) -> usize {
        self.places.len()
    }

    /// Returns the next number of an endless round over all places, or `None` without any.
    pub(super) fn next_in_round(&mut self) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        self.cursor = (self.cursor + 1) % self.places.len();
        Some(self.cursor)
    }
}
