//! Functions of libraries on this thread's machine.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::run::{NESTED, Program, refused};
use super::slow::ProgramKind;
use crate::engine::context::Context;
use crate::engine::error::CommandError;
use crate::engine::state::Engine;
use crate::script::{FunctionMachine, Library, LibraryFunction, LibraryText, Occasion};

thread_local! {
    static MACHINE: RefCell<Option<FunctionMachine>> = const { RefCell::new(None) };
}

/// Does something with this thread's machine, which has dropped what no library has any more.
fn on_machine<R>(
    (engine, worker): (&Engine, usize),
    act: impl FnOnce(&mut FunctionMachine) -> Result<R, CommandError>,
) -> Result<R, CommandError> {
    MACHINE.with(|place| {
        // It is taken while a function runs.
        let mut place = place.try_borrow_mut().map_err(|_| NESTED)?;
        let mut machine = match place.take() {
            Some(machine) => machine,
            None => FunctionMachine::new().map_err(refused)?,
        };
        let version = engine.functions.version();
        if machine.version() != Some(version) {
            machine.renew(version, &engine.functions.current()).map_err(refused)?;
        }
        let outcome = act(&mut machine);
        // Relaxed: a statistic.
        engine.function_memory[worker].store(machine.memory_bytes(), Ordering::Relaxed);
        *place = Some(machine);
        outcome
    })
}

/// Calls a function on this thread's machine.
///
/// # Errors
/// What the client reads when the function may not run, or fails.
pub fn call_function(
    context: &mut Context<'_>,
    function: &LibraryFunction,
    given: (&[&[u8]], &[&[u8]]),
    is_read_only: bool,
) -> Result<(), CommandError> {
    on_machine((context.engine, context.worker), |machine| {
        let program = Program {
            kind: ProgramKind::Function,
            name: &function.name,
            flags: function.flags,
            is_read_only,
            conduct: &function.conduct,
            arguments: given.1,
        };
        context.run_program(&program, &mut |host, reply| machine.call(function, given, host, reply))
    })
}

/// Runs the text of a library on this thread's machine and returns it with the functions it registers.
/// Takes half a second at most.
///
/// # Errors
/// What the client reads when it does not compile, fails, takes too long or registers nothing.
pub fn define_library(
    context: &Context<'_>,
    text: &Arc<LibraryText>,
) -> Result<Arc<Library>, CommandError> {
    let engine = context.engine;
    on_machine((engine, context.worker), |machine| {
        let defined = engine.functions.define(text, machine, Occasion::Command);
        defined.map_err(CommandError::refused_with)
    })
}
