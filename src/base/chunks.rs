//! Chunks: pieces of 2 MiB that slabs are cut from, each one huge page where that is wanted and quick.
//!
//! This file contains unsafe code: it allocates raw memory and advises the kernel about it.
//!
//! A huge page comes whole at its first touch. Clearing it takes 0.2 ms, but under a hypervisor that
//! has to find the memory first it takes 5 to 10 ms, in the kernel and without a break, so that no
//! other thread could do it without being in somebody's way. Therefore chunks consist of small pages,
//! which come one at a time, unless huge ones are asked for; and then each touch is timed, and after a
//! slow one pages are small for a while. Huge pages save a GET or SET of a big cache about a tenth.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use rustix::mm::{Advice, madvise};
use rustix::time::{ClockId, clock_gettime};

/// Size and alignment of a chunk.
pub(super) const CHUNK_BYTES: usize = 2 * 1024 * 1024;
/// A touch that takes longer is too slow for a worker.
const TOUCH_MAX: Duration = Duration::from_micros(500);
/// Touches tried out at first.
const TRIAL_COUNT: usize = 16;
/// How long small pages are used after a slow touch: first, and after many.
const SMALL_MIN: Duration = Duration::from_secs(60);
const SMALL_MAX: Duration = Duration::from_secs(3600);

const LAYOUT: Layout = match Layout::from_size_align(CHUNK_BYTES, CHUNK_BYTES) {
    Ok(layout) => layout,
    Err(_) => panic!("a chunk's size is a power of two"),
};

/// Whether huge pages are wanted and, from experience, quick enough.
pub(super) struct PageSize {
    is_huge_wanted: bool,
    /// The time from which on a huge page is tried again.
    small_until: Option<Instant>,
    /// How long small pages are used after the next slow touch.
    patience: Duration,
}

impl PageSize {
    /// Small pages.
    pub(super) const fn small() -> Self {
        Self { is_huge_wanted: false, small_until: None, patience: SMALL_MIN }
    }

    /// Huge pages, as long as they come quickly.
    pub(super) const fn huge() -> Self {
        Self { is_huge_wanted: true, ..Self::small() }
    }

    fn is_huge(&self, now: Instant) -> bool {
        self.is_huge_wanted && self.small_until.is_none_or(|until| now >= until)
    }

    /// Learns how long the touch of a huge page took that ended now.
    fn touched(&mut self, took: Duration, now: Instant) {
        if took <= TOUCH_MAX {
            *self = Self::huge();
        } else {
            self.small_until = now.checked_add(self.patience);
            self.patience = (self.patience * 2).min(SMALL_MAX);
        }
    }
}

/// Returns a new chunk, its content undefined.
pub(super) fn create(page_size: &mut PageSize) -> NonNull<u8> {
    // SAFETY: the layout's size is not zero.
    let memory = unsafe { alloc(LAYOUT) };
    let chunk = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(LAYOUT));
    if page_size.is_huge(Instant::now()) {
        advise(chunk, Advice::LinuxHugepage);
        let began = own_time();
        // SAFETY: the chunk is allocated and nobody else's.
        unsafe { chunk.write_volatile(0) };
        page_size.touched(own_time().saturating_sub(began), Instant::now());
    } else {
        advise(chunk, Advice::LinuxNoHugepage);
    }
    chunk
}

/// Touches a few huge pages before anybody waits for one, to learn how long that takes.
pub(super) fn try_out(page_size: &mut PageSize) {
    let mut tried = Vec::new();
    while tried.len() < TRIAL_COUNT && page_size.is_huge(Instant::now()) {
        tried.push(create(page_size));
    }
    for chunk in tried {
        advise(chunk, Advice::LinuxDontNeed);
        // SAFETY: created above, freed once.
        unsafe { free(chunk) };
    }
}

/// Frees a chunk.
///
/// # Safety
/// `chunk` came from [`create`] and is not used afterwards.
pub(super) unsafe fn free(chunk: NonNull<u8>) {
    // What the allocator uses it for next may not want a huge page.
    advise(chunk, Advice::LinuxNoHugepage);
    // SAFETY: `create` allocated it with this layout; the rest is the caller's duty.
    unsafe { dealloc(chunk.as_ptr(), LAYOUT) };
}

/// Returns the time this thread has had a CPU: waiting for one does not count.
fn own_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

fn advise(chunk: NonNull<u8>, advice: Advice) {
    // A kernel without huge pages refuses; the chunk serves as it is.
    // SAFETY: the range is an allocated chunk whose content nobody needs, so it may get lost.
    let _ = unsafe { madvise(chunk.as_ptr().cast(), CHUNK_BYTES, advice) };
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{CHUNK_BYTES, PageSize, SMALL_MIN, TOUCH_MAX, create, free};

    #[test]
    fn pages_are_small_unless_huge_ones_are_wanted() {
        assert!(!PageSize::small().is_huge(Instant::now()));
        assert!(PageSize::huge().is_huge(Instant::now()));
    }

    #[test]
    fn a_slow_touch_makes_pages_small_for_a_while() {
        let now = Instant::now();
        let mut page_size = PageSize::huge();
        page_size.touched(TOUCH_MAX, now);
        assert!(page_size.is_huge(now));
        page_size.touched(TOUCH_MAX * 2, now);
        assert!(!page_size.is_huge(now));
        let later = now + SMALL_MIN;
        assert!(page_size.is_huge(later));
        page_size.touched(TOUCH_MAX * 2, later);
        assert!(!page_size.is_huge(later + SMALL_MIN), "the second time it takes longer");
        page_size.touched(Duration::ZERO, later);
        assert!(page_size.is_huge(later));
    }

    #[test]
    fn a_chunk_of_either_kind_is_aligned_and_whole() {
        let small = PageSize::small();
        for mut page_size in [PageSize::huge(), small] {
            let chunk = create(&mut page_size);
            assert_eq!(chunk.addr().get() % CHUNK_BYTES, 0);
            // SAFETY: the chunk is ours until it is freed below.
            unsafe { chunk.write_bytes(1, CHUNK_BYTES) };
            // SAFETY: created above, freed once.
            unsafe { free(chunk) };
        }
    }
}
