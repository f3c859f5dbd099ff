//! The thin binary: arguments to configuration, start, wait for a signal, stop.

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {}
