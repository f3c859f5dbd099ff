//! Libraries of functions: what FUNCTION LOAD takes, and the registry that FCALL looks into.
//!
//! The registry is shared by all threads and holds texts and names. Each worker's machine defines the
//! functions of a library when it is first asked for one of them, by running the library's text.

mod catalog;
mod header;
mod library;
mod registry;

pub use catalog::Catalog;
pub use library::{Library, LibraryFunction, LibraryText};
pub use registry::Functions;

pub(super) use library::{Contents, Definition, is_name};

/// What is said of a name of a library or a function that is none.
pub(super) const BAD_NAME: &str = "Library names can only contain letters, numbers, or underscores(_) \
                                   and must be at least one character long";
