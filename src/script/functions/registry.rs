//! The registry of libraries: the catalog in force, and how it is changed.
//!
//! One lock guards which catalog that is: taken for a look-up and never while Lua runs. Whoever
//! changes it has closed the gate, so that changes and their effects come in one order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::catalog::Catalog;
use super::library::{Library, LibraryFunction, LibraryText};
use crate::script::{FunctionMachine, Occasion};

/// The registry of libraries.
#[derive(Debug, Default)]
pub struct Functions {
    current: RwLock<Arc<Catalog>>,
    /// Grows with each change; machines drop what is gone when it has.
    version: AtomicU64,
    last_id: AtomicU64,
}

impl Functions {
    /// Returns the catalog in force.
    pub fn current(&self) -> Arc<Catalog> {
        Arc::clone(&self.current.read())
    }

    /// Returns the function of a name, in any case of letters.
    pub fn find(&self, name: &[u8]) -> Option<Arc<LibraryFunction>> {
        self.current.read().find(name).map(Arc::clone)
    }

    /// Puts a catalog into force.
    pub fn replace(&self, catalog: Catalog) {
        let mut current = self.current.write();
        *current = Arc::new(catalog);
        // Release: whoever sees the new version also sees the new catalog.
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Returns a number that grows with each change.
    pub fn version(&self) -> u64 {
        // Acquire: see `replace`.
        self.version.load(Ordering::Acquire)
    }

    /// Reads the first line of a library, the first half of what [`Self::define`] does. `Err` holds what
    /// the client reads.
    pub fn read(&self, text: &[u8]) -> Result<Arc<LibraryText>, String> {
        // Relaxed: the numbers only have to differ.
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        LibraryText::new(id, text).map(Arc::new)
    }

    /// Runs the text of a library on a machine and returns it with the functions it registers. `Err`
    /// holds what the client reads: it does not compile, fails, takes too long or registers nothing.
    pub fn define(
        &self,
        text: &Arc<LibraryText>,
        machine: &mut FunctionMachine,
        occasion: Occasion,
    ) -> Result<Arc<Library>, String> {
        let contents = machine.define(text, occasion)?;
        if contents.definitions.is_empty() {
            return Err("ERR No functions registered".to_owned());
        }
        Ok(Arc::new(Library::new(text, contents)))
    }
}
