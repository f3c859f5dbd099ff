//! A hint to the processor: this memory is about to be read.
//!
//! This file contains unsafe code: one intrinsic that takes a raw pointer but never faults.

/// Asks for the cache line at `pointer`; any address is allowed, a useless one costs a little time.
#[inline(always)]
pub fn prefetch<T>(pointer: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch changes no state of the program and does not fault.
    unsafe {
        std::arch::x86_64::_mm_prefetch(pointer.cast(), std::arch::x86_64::_MM_HINT_T0);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = pointer;
}
