//! All libraries at one moment: a value that is changed as a copy and then takes the place of the one
//! before, so that a change happens as a whole or not at all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use smallvec::SmallVec;

use super::library::{Library, LibraryFunction};

/// Bytes of a name that are folded on the stack.
const NAME_BYTES_INLINE: usize = 64;

/// Libraries by name and functions by name, in lower case: FCALL does not mind the case of letters.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    libraries: BTreeMap<String, Arc<Library>>,
    functions: HashMap<String, Arc<LibraryFunction>, foldhash::fast::RandomState>,
}

impl Catalog {
    /// Returns the libraries in the order of their names.
    pub fn libraries(&self) -> impl ExactSizeIterator<Item = &Arc<Library>> {
        self.libraries.values()
    }

    /// Returns the number of functions of all libraries.
    pub fn function_count(&self) -> usize {
        self.libraries().map(|library| library.functions.len()).sum()
    }

    /// Says whether there is a library of this name.
    pub fn has_library(&self, name: &str) -> bool {
        self.libraries.contains_key(name)
    }

    /// Returns about how many bytes the libraries take.
    pub fn bytes(&self) -> usize {
        self.libraries().map(|library| library.size_bytes()).sum()
    }

    /// Returns the function of a name, in any case of letters.
    pub fn find(&self, name: &[u8]) -> Option<&Arc<LibraryFunction>> {
        let folded: SmallVec<[u8; NAME_BYTES_INLINE]> =
            name.iter().map(u8::to_ascii_lowercase).collect();
        self.functions.get(std::str::from_utf8(&folded).ok()?)
    }

    /// Returns the numbers of the texts of all libraries.
    pub(in crate::script) fn text_ids(&self) -> HashSet<u64> {
        self.libraries().map(|library| library.text.id).collect()
    }

    /// Removes a library and says whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some(library) = self.libraries.remove(name) else { return false };
        for function in &library.functions {
            let key = function.name.to_ascii_lowercase();
            let is_its = |found: &Arc<LibraryFunction>| Arc::ptr_eq(&found.library, &library.text);
            if self.functions.get(&key).is_some_and(is_its) {
                self.functions.remove(&key);
            }
        }
        true
    }

    /// Adds a library in place of one of the same name. `Err` holds what the client reads; nothing is
    /// changed then but the one of the same name being gone.
    pub fn put(&mut self, library: Arc<Library>) -> Result<(), String> {
        self.remove(&library.text.name);
        let taken = library.functions.iter().find(|new| self.find(new.name.as_bytes()).is_some());
        if let Some(function) = taken {
            return Err(format!("ERR Function {} already exists", function.name));
        }
        for function in &library.functions {
            // Of two names that differ in the case of letters only, the first is the one that is found.
            let key = function.name.to_ascii_lowercase();
            self.functions.entry(key).or_insert_with(|| Arc::clone(function));
        }
        self.libraries.insert(library.text.name.clone(), library);
        Ok(())
    }
}
