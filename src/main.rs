//! The thin binary: arguments to configuration, start, wait for a signal, stop.

use std::ffi::OsString;
use std::io::{Write, stderr, stdin, stdout};
use std::process::ExitCode;

use redpoll::config::{Config, Startup};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let startup = match Config::load(&args, stdin().lock()) {
        Ok(startup) => startup,
        Err(error) => return fail(&error),
    };
    match startup {
        Startup::Print(text) => match stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        },
        Startup::Run(settings) => match redpoll::server::run(settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        },
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    // Nothing is left to report a failure of this write to.
    drop(writeln!(stderr(), "{error}"));
    ExitCode::FAILURE
}
