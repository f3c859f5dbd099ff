//! What the functions of one Lua state share.

use std::cell::{Cell, OnceCell, RefCell};

use super::failure::Ending;
use super::random::Random;
use super::registration::Registration;
use crate::resp::ReplyBuffer;
use crate::script::libs::Libraries;

/// What the functions that Lua calls know of the run they serve.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The script has chosen RESP3.
    pub(super) is_resp3: Cell<bool>,
    /// The script was told to end, and why.
    pub(super) killed: Cell<Option<&'static str>>,
    /// The library that is being loaded, while one is.
    pub(super) registration: RefCell<Option<Registration>>,
    /// Why the last script ended early.
    pub(super) ending: RefCell<Option<Ending>>,
    /// Replies of commands, before they become Lua values.
    pub(super) reply: RefCell<ReplyBuffer>,
    /// Bytes of a reply that came in pieces.
    pub(super) joined: RefCell<Vec<u8>>,
    pub(super) random: Random,
    /// The libraries beside Lua's own.
    pub(super) libraries: OnceCell<Libraries>,
}

impl State {
    /// Forgets what the script before has left.
    pub(super) fn reset(&self) {
        self.is_resp3.set(false);
        self.killed.set(None);
        self.random.forget_seed();
        if let Some(libraries) = self.libraries.get() {
            libraries.forget_settings();
        }
    }
}
