//! The thin binary: arguments to configuration, start, wait for a signal, stop.
//!
//! This file contains one unsafe attribute: the name under which the allocator finds its options.

use std::ffi::OsString;
use std::io::{Write, stderr, stdin, stdout};
use std::process::ExitCode;

use redpoll::config::{Config, Startup};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Options of the allocator: huge pages under the tables of the keyspace, too, which are visited at random.
// SAFETY: the allocator reads this symbol as a pointer to a text that ends with a zero byte, and a
// slice starts with just that pointer.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub static ALLOCATOR_OPTIONS: &[u8] = b"thp:always,metadata_thp:auto\0";

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
