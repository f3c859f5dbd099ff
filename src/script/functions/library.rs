//! One library with its functions.

use std::sync::Arc;

use bytes::Bytes;

use super::header;
use crate::script::analysis::Call;
use crate::script::conduct::Conduct;
use crate::script::shebang::ScriptFlags;

/// Says whether this may name a library or a function.
pub(in crate::script) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// The text of a library.
#[derive(Debug)]
pub struct LibraryText {
    /// No other text has this number, not even a later one of the same library.
    pub(in crate::script) id: u64,
    pub name: String,
    /// The whole text, its first line included.
    pub text: Bytes,
}

impl LibraryText {
    /// Reads the first line of a library. `Err` holds what the client reads.
    pub(super) fn new(id: u64, text: &[u8]) -> Result<Self, String> {
        let (name, _) = header::split(text)?;
        Ok(Self { id, name, text: Bytes::copy_from_slice(text) })
    }

    /// Returns the code behind the first line.
    pub(in crate::script) fn code(&self) -> &[u8] {
        header::split(&self.text).map_or(&[], |(_, code)| code)
    }
}

/// A function as its library registers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::script) struct Definition {
    pub(in crate::script) name: String,
    pub(in crate::script) description: Option<Vec<u8>>,
    pub(in crate::script) flags: ScriptFlags,
}

/// What the code of a library comes to.
#[derive(Debug, Default)]
pub(in crate::script) struct Contents {
    /// What it registers.
    pub(in crate::script) definitions: Vec<Definition>,
    /// Where it runs commands, if it is understood.
    pub(in crate::script) calls: Option<Box<[Call]>>,
}

/// A function that clients can call.
#[derive(Debug)]
pub struct LibraryFunction {
    pub name: String,
    pub description: Option<Vec<u8>>,
    pub flags: ScriptFlags,
    /// Which keys it uses.
    pub conduct: Conduct,
    pub(in crate::script) library: Arc<LibraryText>,
    /// Its place among the functions of its library.
    pub(in crate::script) index: usize,
}

/// A library whose functions are known.
#[derive(Debug)]
pub struct Library {
    pub text: Arc<LibraryText>,
    /// In the order in which they are registered.
    pub functions: Vec<Arc<LibraryFunction>>,
}

impl Library {
    /// Puts a text and what it has registered together.
    pub(super) fn new(text: &Arc<LibraryText>, contents: Contents) -> Self {
        let Contents { definitions, calls } = contents;
        let calls: Option<Arc<[Call]>> = calls.map(Into::into);
        let functions = definitions.into_iter().enumerate().map(|(index, definition)| {
            Arc::new(LibraryFunction {
                name: definition.name,
                description: definition.description,
                flags: definition.flags,
                conduct: Conduct::new(calls.clone()),
                library: Arc::clone(text),
                index,
            })
        });
        Self { text: Arc::clone(text), functions: functions.collect() }
    }

    /// Returns about how many bytes it takes.
    pub(super) fn size_bytes(&self) -> usize {
        let of_functions = self.functions.iter().map(|function| {
            let description = function.description.as_ref().map_or(0, Vec::len);
            2 * function.name.len() + description + size_of::<LibraryFunction>()
        });
        let of_text = self.text.text.len() + 2 * self.text.name.len() + size_of::<LibraryText>();
        of_text + size_of::<Self>() + of_functions.sum::<usize>()
    }
}
