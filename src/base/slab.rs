//! Memory for data: size classes of eight bytes, where a general allocator's are 12 to 25 % apart.
//!
//! This file contains unsafe code: it hands out raw memory.
//!
//! Entries take theirs by address; a [`Buffer`] is bytes in such memory, owned, as a `Box<[u8]>` is.
//!
//! Model: a *slab* is 64 KiB of one class, cut into slots. Threads take slots from a *magazine* of
//! their own (a list threaded through the free slots) and exchange a batch of them with the class's
//! *bin* under its mutex, so the mutex is touched once per batch. A slot may be released by any
//! thread. A slab whose slots have all come back goes back to the global allocator, except one
//! spare per class. Requests above [`SMALL_BYTES_MAX`] go to the global allocator directly.
//!
//! Every byte handed out for data is counted: threads count for themselves and publish in steps of
//! [`PUBLISH_BYTES`], so [`data_bytes`] is one load and off by at most that much per thread.
//!
//! Source: J. Bonwick, J. Adams, "Magazines and Vmem", USENIX 2001.
//!
//! With `--cfg redpoll_asan` every request goes to the global allocator, so that AddressSanitizer
//! sees each entry by itself.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

use super::chunks::{self, CHUNK_BYTES, PageSize};

/// Largest request served from slabs, in bytes: larger slots would leave much of a slab's end idle.
const SMALL_BYTES_MAX: usize = 4064;
/// A thread publishes its count of data bytes once it has changed by this much.
pub(crate) const PUBLISH_BYTES: i64 = 4096;

const SLAB_BYTES: usize = 64 * 1024;
/// Up to [`FINE_BYTES_MAX`] a class is so many bytes larger than the one before, beyond that
/// [`COARSE_STEP`].
const FINE_STEP: usize = 8;
const FINE_BYTES_MAX: usize = 1024;
const COARSE_STEP: usize = 32;
const FINE_CLASS_COUNT: usize = FINE_BYTES_MAX / FINE_STEP;
const CLASS_COUNT: usize = FINE_CLASS_COUNT + (SMALL_BYTES_MAX - FINE_BYTES_MAX) / COARSE_STEP + 1;
const HEADER_BYTES: usize = 128;
const SLABS_PER_CHUNK: usize = CHUNK_BYTES / SLAB_BYTES;
/// Bytes a magazine exchanges with its bin at once; at least [`BATCH_SLOTS_MIN`] slots.
const BATCH_BYTES: usize = 8192;
const BATCH_SLOTS_MIN: usize = 2;
const BATCH_SLOTS_MAX: usize = 64;

const _: () = assert!(SLAB_BYTES.is_power_of_two(), "a slot's slab is found by masking");
const _: () = assert!(CHUNK_BYTES.is_power_of_two(), "a slab's chunk is found by masking");
/// Where a chunk's own header stands in its first slab.
const CHUNK_HEADER_AT: usize = 64;
const _: () = assert!(size_of::<Slab>() <= CHUNK_HEADER_AT, "the two headers lie apart");
const _: () = assert!(CHUNK_HEADER_AT + size_of::<Chunk>() <= HEADER_BYTES, "slots begin behind");
const SLABS_ARE_USED: bool = !cfg!(redpoll_asan);

/// A free slot: its first word links to the next one.
struct FreeSlot {
    next: Option<NonNull<Self>>,
}

/// What stands at the start of a slab's memory.
struct Slab {
    slot_bytes: usize,
    /// Slots outside this slab: in use or in a magazine.
    taken_count: usize,
    /// Slots before this one have been handed out at least once.
    fresh_index: usize,
    free: Option<NonNull<FreeSlot>>,
    previous: Option<NonNull<Self>>,
    next: Option<NonNull<Self>>,
}

/// What stands behind the header of a chunk's first slab; reached under the pool's mutex.
struct Chunk {
    used_slab_count: usize,
}

/// One class's slabs that have a slot left, as a doubly linked list.
struct Bin {
    partial: SlabList,
    spare: Option<NonNull<Slab>>,
}

// SAFETY: the slabs a bin points to belong to it alone; it is only reached through its mutex.
unsafe impl Send for Bin {}

static BINS: [Mutex<Bin>; CLASS_COUNT] =
    [const { Mutex::new(Bin { partial: SlabList { first: None }, spare: None }) }; CLASS_COUNT];

/// The slabs that no class uses, and the chunk that is being cut up.
struct Pool {
    free: SlabList,
    chunk: Option<NonNull<Slab>>,
    /// Slabs cut from `chunk` so far.
    cut_count: usize,
    page_size: PageSize,
}

// SAFETY: the slabs a pool points to belong to it alone; it is only reached through its mutex.
unsafe impl Send for Pool {}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    free: SlabList { first: None },
    chunk: None,
    cut_count: 0,
    page_size: PageSize::small(),
});

static DATA_BYTES: AtomicI64 = AtomicI64::new(0);
static SLAB_COUNT: AtomicI64 = AtomicI64::new(0);

#[derive(Clone, Copy)]
struct Magazine {
    head: Option<NonNull<FreeSlot>>,
    count: usize,
}

/// A thread's magazines; what is left in them goes back to the bins when the thread ends.
struct Cache {
    magazines: RefCell<[Magazine; CLASS_COUNT]>,
    unpublished_bytes: Cell<i64>,
}

impl Drop for Cache {
    fn drop(&mut self) {
        for (class, magazine) in self.magazines.get_mut().iter_mut().enumerate() {
            while magazine.count > 0 {
                flush(class, magazine, BATCH_SLOTS_MAX);
            }
        }
        // Relaxed: a statistic; nothing is published through it.
        DATA_BYTES.fetch_add(self.unpublished_bytes.get(), Ordering::Relaxed);
    }
}

thread_local! {
    static CACHE: Cache = const {
        Cache {
            magazines: RefCell::new([Magazine { head: None, count: 0 }; CLASS_COUNT]),
            unpublished_bytes: Cell::new(0),
        }
    };
}

/// Returns the bytes handed out for data and not yet released, by all threads.
pub fn data_bytes() -> u64 {
    // Relaxed: a statistic.
    DATA_BYTES.load(Ordering::Relaxed).max(0).unsigned_abs()
}

/// Returns the bytes of all slabs, used or not; with [`data_bytes`] this tells fragmentation.
pub fn slab_bytes() -> u64 {
    SLAB_COUNT.load(Ordering::Relaxed).max(0).unsigned_abs() * SLAB_BYTES as u64
}

/// Has memory for keys from now on taken in huge pages, as long as the kernel has them at once.
pub fn use_huge_pages() {
    POOL.lock().page_size = PageSize::huge();
}

/// Makes the first chunk ready, so that no client waits for it.
pub(crate) fn warm_up() {
    let mut pool = POOL.lock();
    if pool.chunk.is_none() {
        chunks::try_out(&mut pool.page_size);
        pool.open_chunk();
    }
}

/// Counts `bytes` of data memory that came from elsewhere (tables, large values); negative to release.
#[inline]
pub(crate) fn account(bytes: isize) {
    let bytes = bytes as i64;
    let counted = CACHE.try_with(|cache| count(cache, bytes));
    if counted.is_err() {
        DATA_BYTES.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[inline]
fn count(cache: &Cache, bytes: i64) {
    let sum = cache.unpublished_bytes.get() + bytes;
    if sum.unsigned_abs() < PUBLISH_BYTES.unsigned_abs() {
        cache.unpublished_bytes.set(sum);
    } else {
        cache.unpublished_bytes.set(0);
        DATA_BYTES.fetch_add(sum, Ordering::Relaxed);
    }
}

/// Adds what this thread has counted by itself so far to [`data_bytes`].
pub fn publish_bytes() {
    // A thread that ends has published everything.
    let _ = CACHE.try_with(|cache| {
        DATA_BYTES.fetch_add(cache.unpublished_bytes.take(), Ordering::Relaxed);
    });
}

/// Returns the bytes that a request of `bytes` really takes.
#[inline]
pub(crate) const fn rounded(bytes: usize) -> usize {
    if is_small(bytes) { slot_bytes(class_of(bytes)) } else { bytes.next_multiple_of(FINE_STEP) }
}

/// Returns the class that serves a small request.
#[inline]
const fn class_of(bytes: usize) -> usize {
    if bytes <= FINE_BYTES_MAX {
        bytes.div_ceil(FINE_STEP)
    } else {
        FINE_CLASS_COUNT + (bytes - FINE_BYTES_MAX).div_ceil(COARSE_STEP)
    }
}

/// Returns the size of a class's slots.
#[inline]
const fn slot_bytes(class: usize) -> usize {
    if class <= FINE_CLASS_COUNT {
        class * FINE_STEP
    } else {
        FINE_BYTES_MAX + (class - FINE_CLASS_COUNT) * COARSE_STEP
    }
}

const fn is_small(bytes: usize) -> bool {
    SLABS_ARE_USED && bytes <= SMALL_BYTES_MAX
}

fn large_layout(bytes: usize) -> Layout {
    Layout::from_size_align(rounded(bytes), FINE_STEP).expect("a value is far below isize::MAX")
}

/// Allocates at least `bytes` (not zero), aligned to eight, and counts them. Aborts when memory is
/// exhausted.
#[inline]
pub(crate) fn allocate(bytes: usize) -> NonNull<u8> {
    account(rounded(bytes) as isize);
    allocate_uncounted(bytes)
}

/// The same without counting: for parts of values, whose owners count what a value takes.
#[inline]
pub(crate) fn allocate_uncounted(bytes: usize) -> NonNull<u8> {
    debug_assert!(bytes > 0);
    if !is_small(bytes) {
        return allocate_large(bytes);
    }
    let class = class_of(bytes);
    let slot = CACHE.try_with(|cache| {
        let magazine = &mut cache.magazines.borrow_mut()[class];
        if magazine.head.is_none() {
            refill(class, magazine);
        }
        take(magazine)
    });
    slot.unwrap_or_else(|_| {
        let mut magazine = Magazine { head: None, count: 0 };
        refill(class, &mut magazine);
        let slot = take(&mut magazine);
        flush(class, &mut magazine, BATCH_SLOTS_MAX);
        slot
    })
}

#[cold]
fn allocate_large(bytes: usize) -> NonNull<u8> {
    let layout = large_layout(bytes);
    // SAFETY: the layout's size is not zero, since `bytes` is not.
    let memory = unsafe { alloc(layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Releases memory of [`allocate`].
///
/// # Safety
/// `memory` came from `allocate` with a size that rounds to the same, and is not used afterwards.
#[inline]
pub(crate) unsafe fn release(memory: NonNull<u8>, bytes: usize) {
    account(-(rounded(bytes) as isize));
    // SAFETY: the caller's duty.
    unsafe { release_uncounted(memory, bytes) };
}

/// Releases memory of [`allocate_uncounted`].
///
/// # Safety
/// As for [`release`].
#[inline]
pub(crate) unsafe fn release_uncounted(memory: NonNull<u8>, bytes: usize) {
    if !is_small(bytes) {
        // SAFETY: the caller's duty: same layout as in `allocate_large`.
        return unsafe { dealloc(memory.as_ptr(), large_layout(bytes)) };
    }
    let class = class_of(bytes);
    let slot = memory.cast::<FreeSlot>();
    let kept = CACHE.try_with(|cache| {
        let magazine = &mut cache.magazines.borrow_mut()[class];
        put(magazine, slot);
        let batch = batch_slots(class);
        if magazine.count > 2 * batch {
            flush(class, magazine, batch);
        }
    });
    if kept.is_err() {
        let mut magazine = Magazine { head: None, count: 0 };
        put(&mut magazine, slot);
        flush(class, &mut magazine, 1);
    }
}

const fn batch_slots(class: usize) -> usize {
    let slots = BATCH_BYTES / slot_bytes(class);
    if slots < BATCH_SLOTS_MIN {
        BATCH_SLOTS_MIN
    } else if slots > BATCH_SLOTS_MAX {
        BATCH_SLOTS_MAX
    } else {
        slots
    }
}

/// Takes the first slot of a magazine that is not empty.
#[inline]
fn take(magazine: &mut Magazine) -> NonNull<u8> {
    let slot = magazine.head.expect("refill leaves at least one slot");
    // SAFETY: a slot in a magazine is free memory that holds a link.
    magazine.head = unsafe { slot.read() }.next;
    magazine.count -= 1;
    slot.cast()
}

#[inline]
fn put(magazine: &mut Magazine, slot: NonNull<FreeSlot>) {
    // SAFETY: the slot is free, aligned to eight and at least eight bytes long.
    unsafe { slot.write(FreeSlot { next: magazine.head }) };
    magazine.head = Some(slot);
    magazine.count += 1;
}

/// Moves up to a batch of slots from the class's bin into the magazine, at least one.
#[cold]
fn refill(class: usize, magazine: &mut Magazine) {
    let mut bin = BINS[class].lock();
    let slab = bin.partial.first.unwrap_or_else(|| bin.open_slab(class));
    let mut taken = [None; BATCH_SLOTS_MAX];
    let mut count = 0;
    while count < batch_slots(class) {
        let Some(slot) = take_from(slab) else { break };
        taken[count] = Some(slot);
        count += 1;
    }
    if is_full(slab) {
        bin.partial.unlink(slab);
    }
    drop(bin);
    // In reverse, so that the magazine hands them out in the order of their addresses.
    for slot in taken[..count].iter().rev().flatten() {
        put(magazine, *slot);
    }
}

/// Returns up to `limit` slots of the magazine to their slabs.
#[cold]
fn flush(class: usize, magazine: &mut Magazine, limit: usize) {
    let mut bin = BINS[class].lock();
    for _ in 0..limit.min(magazine.count) {
        let slot = take(magazine).cast::<FreeSlot>();
        bin.give_back(slot);
    }
}

/// Returns the slab a slot lies in.
fn slab_of(slot: NonNull<FreeSlot>) -> NonNull<Slab> {
    let offset = slot.addr().get() & (SLAB_BYTES - 1);
    // SAFETY: slabs are aligned to their size, so this stays inside the slot's slab.
    unsafe { slot.byte_sub(offset) }.cast()
}

const fn slots_of(slot_bytes: usize) -> usize {
    (SLAB_BYTES - HEADER_BYTES) / slot_bytes
}

/// Takes a slot out of a slab: a returned one first, then the next fresh one.
fn take_from(mut slab: NonNull<Slab>) -> Option<NonNull<FreeSlot>> {
    // SAFETY: the caller holds the bin's mutex, so this is the only reference to the header.
    let header = unsafe { slab.as_mut() };
    if let Some(slot) = header.free {
        // SAFETY: a slot on the slab's list is free memory that holds a link.
        header.free = unsafe { slot.read() }.next;
        header.taken_count += 1;
        return Some(slot);
    }
    if header.fresh_index == slots_of(header.slot_bytes) {
        return None;
    }
    let offset = HEADER_BYTES + header.fresh_index * header.slot_bytes;
    header.fresh_index += 1;
    header.taken_count += 1;
    // SAFETY: the index is below `slots_of`, so the slot lies inside the slab.
    Some(unsafe { slab.byte_add(offset) }.cast())
}

fn is_full(slab: NonNull<Slab>) -> bool {
    // SAFETY: the caller holds the bin's mutex.
    let header = unsafe { slab.as_ref() };
    header.free.is_none() && header.fresh_index == slots_of(header.slot_bytes)
}

/// Slabs in a doubly linked list; reached under the mutex of whoever owns the list.
struct SlabList {
    first: Option<NonNull<Slab>>,
}

impl SlabList {
    fn link(&mut self, mut slab: NonNull<Slab>) {
        // SAFETY: the owner's mutex is held; no other reference to this header exists.
        let header = unsafe { slab.as_mut() };
        header.previous = None;
        header.next = self.first;
        if let Some(mut next) = self.first {
            // SAFETY: as above; `next` is another slab.
            unsafe { next.as_mut() }.previous = Some(slab);
        }
        self.first = Some(slab);
    }

    fn unlink(&mut self, mut slab: NonNull<Slab>) {
        // SAFETY: the owner's mutex is held; no other reference to this header exists.
        let header = unsafe { slab.as_mut() };
        let (previous, next) = (header.previous.take(), header.next.take());
        match previous {
            // SAFETY: neighbours are other slabs of the same list.
            Some(mut previous) => unsafe { previous.as_mut() }.next = next,
            None => self.first = next,
        }
        if let Some(mut next) = next {
            // SAFETY: neighbours are other slabs of the same list.
            unsafe { next.as_mut() }.previous = previous;
        }
    }
}

impl Bin {
    /// Links the spare slab or a new one as the only partial slab and returns it.
    fn open_slab(&mut self, class: usize) -> NonNull<Slab> {
        let slab = self.spare.take().unwrap_or_else(|| POOL.lock().take(slot_bytes(class)));
        self.partial.link(slab);
        slab
    }

    /// Puts a slot back into its slab; an empty slab becomes the spare or goes back to its chunk.
    fn give_back(&mut self, slot: NonNull<FreeSlot>) {
        let mut slab = slab_of(slot);
        let was_full = is_full(slab);
        // SAFETY: the bin's mutex is held; no other reference to this header exists.
        let header = unsafe { slab.as_mut() };
        // SAFETY: the slot is free, aligned and large enough for a link.
        unsafe { slot.write(FreeSlot { next: header.free }) };
        header.free = Some(slot);
        header.taken_count -= 1;
        let is_empty = header.taken_count == 0;
        if was_full {
            self.partial.link(slab);
        }
        if is_empty {
            self.partial.unlink(slab);
            if let Some(old) = self.spare.replace(slab) {
                POOL.lock().give_back(old);
            }
        }
    }
}

impl Pool {
    /// Returns a slab for slots of a size.
    fn take(&mut self, slot_bytes: usize) -> NonNull<Slab> {
        let mut slab = self.free.first.unwrap_or_else(|| self.cut());
        if self.free.first == Some(slab) {
            self.free.unlink(slab);
        }
        SLAB_COUNT.fetch_add(1, Ordering::Relaxed);
        chunk_header(chunk_of(slab)).used_slab_count += 1;
        // SAFETY: a slab of the pool is nobody else's.
        let header = unsafe { slab.as_mut() };
        header.slot_bytes = slot_bytes;
        header.taken_count = 0;
        header.fresh_index = 0;
        header.free = None;
        slab
    }

    /// Cuts the next slab from the chunk in hand, or from a new one.
    fn cut(&mut self) -> NonNull<Slab> {
        let chunk = match self.chunk {
            Some(chunk) if self.cut_count < SLABS_PER_CHUNK => chunk,
            _ => self.open_chunk(),
        };
        // SAFETY: the count is below the slabs of a chunk, so this stays inside it.
        let slab = unsafe { chunk.byte_add(self.cut_count * SLAB_BYTES) };
        self.cut_count += 1;
        if self.cut_count > 1 {
            // SAFETY: the memory is part of the chunk, aligned, and not in use yet.
            unsafe { slab.write(EMPTY_HEADER) };
        }
        slab
    }

    fn open_chunk(&mut self) -> NonNull<Slab> {
        self.cut_count = 0;
        *self.chunk.insert(create_chunk(&mut self.page_size))
    }

    /// Takes a slab back. A chunk that is cut up and whole again is freed.
    fn give_back(&mut self, slab: NonNull<Slab>) {
        SLAB_COUNT.fetch_sub(1, Ordering::Relaxed);
        self.free.link(slab);
        let chunk = chunk_of(slab);
        let header = chunk_header(chunk);
        header.used_slab_count -= 1;
        if header.used_slab_count > 0
            || (self.chunk == Some(chunk) && self.cut_count < SLABS_PER_CHUNK)
        {
            return;
        }
        for index in 0..SLABS_PER_CHUNK {
            // SAFETY: the index is below the slabs of a chunk.
            self.free.unlink(unsafe { chunk.byte_add(index * SLAB_BYTES) });
        }
        if self.chunk == Some(chunk) {
            self.chunk = None;
        }
        // SAFETY: none of its slabs is in use or linked anywhere.
        unsafe { chunks::free(chunk.cast()) };
    }
}

const EMPTY_HEADER: Slab =
    Slab { slot_bytes: 0, taken_count: 0, fresh_index: 0, free: None, previous: None, next: None };

/// Returns the first slab of the chunk a slab was cut from.
fn chunk_of(slab: NonNull<Slab>) -> NonNull<Slab> {
    let offset = slab.addr().get() & (CHUNK_BYTES - 1);
    // SAFETY: chunks are aligned to their size, so this stays inside the slab's chunk.
    unsafe { slab.byte_sub(offset) }
}

/// Returns the header of a chunk; the caller holds the pool's mutex and uses one at a time.
fn chunk_header<'c>(chunk: NonNull<Slab>) -> &'c mut Chunk {
    // SAFETY: the header's place lies inside the chunk's first slab, before its slots.
    let mut header = unsafe { chunk.byte_add(CHUNK_HEADER_AT) }.cast::<Chunk>();
    // SAFETY: `create_chunk` has written it; only holders of the pool's mutex reach it.
    unsafe { header.as_mut() }
}

fn create_chunk(page_size: &mut PageSize) -> NonNull<Slab> {
    let chunk = chunks::create(page_size).cast::<Slab>();
    // SAFETY: the memory is nobody else's, aligned to 2 MiB and larger than both headers.
    unsafe { chunk.write(EMPTY_HEADER) };
    // SAFETY: as above.
    let header = unsafe { chunk.byte_add(CHUNK_HEADER_AT) }.cast::<Chunk>();
    // SAFETY: as above; the place is aligned to 64.
    unsafe { header.write(Chunk { used_slab_count: 0 }) };
    chunk
}

/// Owned bytes in memory of this module, with no room to spare; as wide as a `Box<[u8]>`. They are
/// not counted: whoever owns the value they are part of does that.
pub struct Buffer {
    /// Dangling where there are no bytes.
    start: NonNull<u8>,
    length: usize,
}
const _: () = assert!(size_of::<Option<Buffer>>() == 16, "a `None` takes no room");

// SAFETY: a buffer owns its bytes; slots may be released by any thread.
unsafe impl Send for Buffer {}
// SAFETY: nothing changes through a shared reference.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Returns bytes that are all zero.
    pub fn zeroed(length: usize) -> Self {
        let mut buffer = Self::default();
        buffer.splice(0, 0, length);
        buffer
    }

    /// Returns so many bytes: from `at` on these ones, zeros before them and behind.
    ///
    /// # Panics
    /// If they have no room there.
    pub fn around(length: usize, at: usize, bytes: &[u8]) -> Self {
        let rest = length.checked_sub(at).and_then(|room| room.checked_sub(bytes.len()));
        let rest = rest.expect("the bytes lie inside");
        let buffer = Self::undefined(length);
        // SAFETY: `at` bytes and more were allocated.
        unsafe { buffer.start.write_bytes(0, at) };
        // SAFETY: `at` lies inside or at the end.
        let place = unsafe { buffer.start.add(at) };
        // SAFETY: there is room for them, as was checked, and new memory overlaps nothing.
        unsafe { place.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        // SAFETY: the bytes end inside or at the end.
        let behind = unsafe { place.add(bytes.len()) };
        // SAFETY: so many bytes are left.
        unsafe { behind.write_bytes(0, rest) };
        buffer
    }

    /// Returns bytes that the caller writes next: until then they are undefined.
    #[inline]
    fn undefined(length: usize) -> Self {
        let start = if length == 0 { NonNull::dangling() } else { allocate_uncounted(length) };
        Self { start, length }
    }

    /// Puts `new_bytes` zeros in the place of the `old_bytes` bytes at `at`. Cost: a move of what lies
    /// behind where the memory stays the same, one copy otherwise.
    ///
    /// # Panics
    /// If the old bytes are not there.
    pub fn splice(&mut self, at: usize, old_bytes: usize, new_bytes: usize) {
        let from = at + old_bytes;
        assert!(from <= self.length, "what is replaced lies inside");
        let (to, tail_bytes) = (at + new_bytes, self.length - from);
        let length = to + tail_bytes;
        if self.length == 0 || length == 0 || rounded(self.length) != rounded(length) {
            self.splice_elsewhere(at, from, to, length);
        } else {
            self.shift(from, to, tail_bytes);
            self.length = length;
        }
        // SAFETY: the gap begins inside the buffer or at its end.
        let gap = unsafe { self.start.add(at) };
        // SAFETY: the gap lies inside the buffer.
        unsafe { gap.write_bytes(0, new_bytes) };
    }

    /// Changes the length in other memory; what lies at `from` lies at `to` then.
    fn splice_elsewhere(&mut self, at: usize, from: usize, to: usize, length: usize) {
        let tail_bytes = length - to;
        if self.length == 0 || length == 0 || is_small(self.length) || is_small(length) {
            let other = Self::undefined(length);
            // SAFETY: both have at least `at` bytes, and new memory overlaps nothing.
            unsafe { other.start.copy_from_nonoverlapping(self.start, at) };
            // SAFETY: `from` lies inside the old bytes or at their end.
            let tail = unsafe { self.start.add(from) };
            // SAFETY: `to` lies inside the new bytes or at their end.
            let place = unsafe { other.start.add(to) };
            // SAFETY: so many bytes lie behind `from`, and there is as much room behind `to`.
            unsafe { place.copy_from_nonoverlapping(tail, tail_bytes) };
            *self = other;
        } else if length > self.length {
            self.reallocate(length);
            self.shift(from, to, tail_bytes);
        } else {
            self.shift(from, to, tail_bytes);
            self.reallocate(length);
        }
    }

    /// Moves bytes within the memory.
    #[inline]
    fn shift(&mut self, from: usize, to: usize, bytes: usize) {
        // SAFETY: callers name places inside the memory or at its end.
        let source = unsafe { self.start.add(from) };
        // SAFETY: as above.
        let target = unsafe { self.start.add(to) };
        // SAFETY: callers see to it that so many bytes lie behind both places.
        unsafe { target.copy_from(source, bytes) };
    }

    /// Has the general allocator make the memory longer or shorter; it was and stays large.
    fn reallocate(&mut self, length: usize) {
        let (old, new) = (large_layout(self.length), large_layout(length));
        // SAFETY: the memory was allocated with the old layout, and the new size is not zero.
        let memory = unsafe { realloc(self.start.as_ptr(), old, new.size()) };
        self.start = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(new));
        self.length = length;
    }
}

impl Default for Buffer {
    /// Returns no bytes, without an allocation.
    #[inline]
    fn default() -> Self {
        Self { start: NonNull::dangling(), length: 0 }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes lie there, all written, as long as the buffer lives.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl DerefMut for Buffer {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and the buffer is borrowed mutably.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl From<&[u8]> for Buffer {
    #[inline]
    fn from(bytes: &[u8]) -> Self {
        let buffer = Self::undefined(bytes.len());
        let source = NonNull::from(bytes).cast();
        // SAFETY: there is room for them, and new memory overlaps nothing.
        unsafe { buffer.start.copy_from_nonoverlapping(source, bytes.len()) };
        buffer
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Buffer {}

impl fmt::Debug for Buffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"", self.escape_ascii())
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: allocated for this length, released once.
            unsafe { release_uncounted(self.start, self.length) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::NonNull;
    use std::sync::mpsc;
    use std::thread;

    use super::{
        Buffer, CLASS_COUNT, FINE_BYTES_MAX, SMALL_BYTES_MAX, allocate, class_of, release, rounded,
        slot_bytes,
    };

    struct Block {
        memory: NonNull<u8>,
        bytes: usize,
        fill: u8,
    }

    // SAFETY: a block is plain memory owned by whoever holds it.
    unsafe impl Send for Block {}

    fn filled(bytes: usize, fill: u8) -> Block {
        let memory = allocate(bytes);
        assert_eq!(memory.addr().get() % 8, 0);
        // SAFETY: `bytes` bytes were just allocated.
        unsafe { memory.write_bytes(fill, bytes) };
        Block { memory, bytes, fill }
    }

    fn check_and_release(block: &Block) {
        // SAFETY: the block is still allocated and was filled whole.
        let content = unsafe { std::slice::from_raw_parts(block.memory.as_ptr(), block.bytes) };
        assert!(content.iter().all(|&byte| byte == block.fill));
        // SAFETY: allocated with this size, released once.
        unsafe { release(block.memory, block.bytes) };
    }

    #[test]
    fn blocks_never_overlap() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut blocks = Vec::new();
        for step in 0..20_000_usize {
            if blocks.len() < 500 || random.bool() {
                let bytes = random.usize(1..=SMALL_BYTES_MAX + 200);
                blocks.push(filled(bytes, step.to_le_bytes()[0]));
            } else {
                let block = blocks.swap_remove(random.usize(..blocks.len()));
                check_and_release(&block);
            }
        }
        blocks.iter().for_each(check_and_release);
    }

    #[test]
    fn a_block_may_be_released_by_another_thread() {
        let (sender, receiver) = mpsc::channel::<Block>();
        let consumer = thread::spawn(move || {
            for block in receiver {
                check_and_release(&block);
            }
        });
        let producers: Vec<_> = (0..3)
            .map(|fill| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for step in 0..5_000 {
                        let block = filled(16 + step % 300, fill);
                        sender.send(block).expect("the consumer lives until all senders are gone");
                    }
                })
            })
            .collect();
        drop(sender);
        for producer in producers {
            producer.join().expect("producers do not panic");
        }
        consumer.join().expect("every block was whole");
    }

    #[test]
    fn every_small_size_has_the_least_class_that_holds_it() {
        for bytes in 1..=SMALL_BYTES_MAX {
            let class = class_of(bytes);
            assert!(class < CLASS_COUNT && slot_bytes(class) >= bytes, "{bytes}");
            assert!(slot_bytes(class - 1) < bytes, "{bytes}");
        }
        assert_eq!(rounded(287), 288);
        assert_eq!(rounded(FINE_BYTES_MAX), FINE_BYTES_MAX);
        // Without slabs there are no coarse classes.
        assert_eq!(rounded(1_807), if super::SLABS_ARE_USED { 1_824 } else { 1_808 });
    }

    #[test]
    fn a_buffer_changes_like_a_vector() {
        let mut random = fastrand::Rng::with_seed(5);
        for length_max in [40, 300, 1_500, 5_000, 20_000] {
            let (mut buffer, mut model) = (Buffer::default(), Vec::new());
            for step in 0..2_000_usize {
                let at = random.usize(..=model.len());
                let old_bytes = random.usize(..=(model.len() - at).min(length_max / 4));
                let room = length_max.saturating_sub(model.len() - old_bytes).min(length_max / 3);
                let new_bytes = random.usize(..=room);
                buffer.splice(at, old_bytes, new_bytes);
                model.splice(at..at + old_bytes, vec![0; new_bytes]);
                assert_eq!(*buffer, *model);
                let fill = step.to_le_bytes()[0];
                buffer[at..at + new_bytes].fill(fill);
                model[at..at + new_bytes].fill(fill);
            }
            assert_eq!(*buffer.clone(), *model);
            buffer.splice(0, model.len(), 0);
            assert!(buffer.is_empty() && buffer == Buffer::default());
        }
        assert_eq!(*Buffer::zeroed(5_000), [0; 5_000]);
        for length in [7, 40, 5_000] {
            for at in [0, 3, length - 4] {
                let mut expected = vec![0; length];
                expected[at..at + 4].copy_from_slice(b"four");
                assert_eq!(*Buffer::around(length, at, b"four"), expected[..]);
            }
        }
    }
}
