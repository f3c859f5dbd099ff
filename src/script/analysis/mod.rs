//! What a program's code says about the commands that it runs: with which names, and whether what they
//! take as keys are keys that were given to the program.
//!
//! The compiled code is run on kinds of values instead of values, along every way through it, until
//! nothing new turns up. A command runs only where the function `redis.call` (or `pcall`) is called. So
//! that function, the table that has it and the table of keys are followed wherever they go; code that
//! puts one of them where it cannot be followed is not understood, and neither is code that asks for
//! more code (`loadstring`) or for its environment.
//!
//! Source of the method: P. Cousot, R. Cousot, "Abstract interpretation", POPL 1977.

mod bytecode;
mod flow;
#[cfg(test)]
mod tests;
mod value;

/// Bytes of compiled code that are looked at; there is no limit to what a client sends.
const CODE_BYTES_MAX: usize = 256 * 1024;

/// A place in the code that runs a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The command's name is the first of them.
    pub arguments: Vec<Argument>,
    /// What follows them, if that is any number.
    pub rest: Option<Rest>,
}

/// What is known of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// It is one of the keys that were given to the program.
    Key,
    /// It is always this.
    Text(Box<[u8]>),
    /// It is the argument of this number, from 1 on, that was given to the program.
    Given(usize),
    Unknown,
}

/// Any number of arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    pub first: Argument,
    /// None: there are no others.
    pub others: Option<Argument>,
}

/// Returns all places that run commands in compiled code, as Lua dumps it; `None` if the code is not
/// understood. Of a library it is what its functions do. Cost: some microseconds for a script of twenty lines, and bounded.
pub(super) fn calls(code: &[u8], is_library: bool) -> Option<Box<[Call]>> {
    if code.len() > CODE_BYTES_MAX {
        return None;
    }
    let protos = bytecode::read(code)?;
    flow::calls(&protos, is_library).map(Vec::into_boxed_slice)
}

impl Argument {
    /// Returns what the argument is if these are given to the program, and that is known.
    pub fn text<'a>(&'a self, given: &[&'a [u8]]) -> Option<&'a [u8]> {
        match self {
            Self::Text(text) => Some(text),
            Self::Given(number) => given.get(number.checked_sub(1)?).copied(),
            Self::Key | Self::Unknown => None,
        }
    }
}

impl Call {
    /// Says whether anything about it depends on the arguments that are given to the program.
    pub fn depends_on_given(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument, Argument::Given(_)))
    }

    /// Returns what is known of the argument at a position; `None` if there is certainly none.
    pub fn argument(&self, index: usize) -> Option<&Argument> {
        if let Some(argument) = self.arguments.get(index) {
            return Some(argument);
        }
        let rest = self.rest.as_ref()?;
        if index == self.arguments.len() { Some(&rest.first) } else { rest.others.as_ref() }
    }
}
