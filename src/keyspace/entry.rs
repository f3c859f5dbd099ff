//! One key with its value: a pointer-sized handle to one allocation.
//!
//! This file contains unsafe code: it lays out that allocation by hand.
//!
//! ```text
//! handle (8 bytes, in the table)   address: low 48 bits | expiry tag: high 16 bits
//! allocation                       header (8): access stamp 24 bits | kind 8 bits | key length 16 | text length 16
//!                                  [expiry, ms since 1970 (8)]     if the kind says so
//!                                  [key length (8)]                if it does not fit the header
//!                                  [integer (8) | Bytes (32) | collection (8 or 16)]  for those forms
//!                                  key, then the text for the inline form
//! ```
//! The access stamp is written by readers that hold the shard's lock shared; it and the kind share
//! one atomic word, and the kind changes only under the exclusive lock, so concurrent writers of
//! the stamp always write the same kind. Everything else changes only through `&mut Entry`.
//!
//! The expiry tag is a coarse deadline (see [`expiry_tag`]): a sweep finds due entries by reading the
//! table alone, without touching the allocations.

use std::hash::{Hash, Hasher};
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::{Bytes, BytesMut};

use super::undertaker;
use crate::base::prefetch::prefetch;
use crate::base::slab;
use crate::types::{
    Collection, EMBSTR_BYTES_MAX, Encoding, FREE_COST_MAX, Hash as HashValue, List, Object,
    ObjectRef, SHARED_BYTES_MIN, Set, SortedSet, Stream, StringRef, StringValue, ValueType,
};

const HEADER_BYTES: usize = 8;
const WORD_BYTES: usize = 8;
const LONG_KEY: u16 = u16::MAX;
/// Largest allocation that a text lies in together with its key.
const INLINE_ENTRY_BYTES_MAX: usize = 1024;

const ADDRESS_BITS: u32 = 48;
const ADDRESS_MASK: u64 = (1 << ADDRESS_BITS) - 1;
const _: () = assert!(size_of::<usize>() == 8, "a handle holds a 48-bit address");

/// Milliseconds of one step of the expiry tag.
const TAG_STEP_MS: u64 = 64;
/// Steps after which expiry tags repeat (about 70 minutes).
const TAG_PERIOD: u64 = 65_535;

/// Bits of the access stamp.
pub(crate) const STAMP_BITS: u32 = 24;

const KIND_FORM: u8 = 0b0000_0011;
const FORM_TEXT: u8 = 0;
const FORM_INTEGER: u8 = 1;
const FORM_SHARED: u8 = 2;
const FORM_COLLECTION: u8 = 3;
const KIND_EXPIRES: u8 = 0b0000_0100;
const KIND_RAW: u8 = 0b0000_1000;
/// The type of a collection stands in the bits from here on.
const KIND_TYPE_SHIFT: u32 = 4;

/// What stands for "no expiry" in an entry that has room for one.
const NEVER_MS: u64 = u64::MAX;

#[repr(C)]
struct Header {
    stamp_and_kind: AtomicU32,
    key_bytes: u16,
    text_bytes: u16,
}
const _: () = assert!(size_of::<Header>() == HEADER_BYTES);

/// Returns the tag of a deadline: 0 for none, else 1 + its step modulo [`TAG_PERIOD`].
fn expiry_tag(deadline_ms: Option<u64>) -> u16 {
    deadline_ms.map_or(0, |deadline_ms| {
        let step = (deadline_ms / TAG_STEP_MS) % TAG_PERIOD;
        u16::try_from(step + 1).expect("a remainder of 65,535 plus one fits")
    })
}

/// Returns how many steps after `step` the tag comes up next.
fn steps_ahead(tag: u64, step: u64) -> u64 {
    (tag - 1 + TAG_PERIOD - step % TAG_PERIOD) % TAG_PERIOD
}

/// An owned key with its value. Dropping it frees both.
#[repr(transparent)]
pub struct Entry {
    packed: u64,
}

/// Where an entry lay when somebody looked: good for fetching it ahead of use, for nothing else.
#[derive(Clone, Copy)]
pub struct EntryHint(*const u8);

impl EntryHint {
    /// No entry.
    pub const NONE: Self = Self(std::ptr::null());

    /// Fetches the first two cache lines.
    #[inline]
    pub fn prefetch(self) {
        prefetch(self.0);
        prefetch(self.0.wrapping_add(64));
    }
}

// SAFETY: an entry owns its allocation, and all it holds (plain bytes, `Bytes`) may move between threads.
unsafe impl Send for Entry {}
// SAFETY: through a shared reference only the atomic stamp changes.
unsafe impl Sync for Entry {}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.key());
    }
}

/// Where the parts of an allocation lie.
struct Layout {
    body_at: usize,
    key_at: usize,
    key_bytes: usize,
    total_bytes: usize,
}

impl Layout {
    fn new(kind: u8, key_bytes: usize, text_bytes: usize) -> Self {
        let long_key = if key_bytes >= usize::from(LONG_KEY) { WORD_BYTES } else { 0 };
        let [body_at, body_bytes] = BODIES[usize::from(kind)];
        let body_at = usize::from(body_at) + long_key;
        let key_at = body_at + usize::from(body_bytes);
        Self { body_at, key_at, key_bytes, total_bytes: key_at + key_bytes + text_bytes }
    }
}

/// Of each kind, how many bytes stand before the body, but for the length of a long key, and how many
/// the body takes. A table, because it is asked for with every comparison of keys.
static BODIES: [[u8; 2]; 256] = bodies();

const fn bodies() -> [[u8; 2]; 256] {
    let mut bodies = [[0; 2]; 256];
    let mut kind: u8 = 0;
    loop {
        let expiry = if kind & KIND_EXPIRES != 0 { WORD_BYTES } else { 0 };
        let body = match kind & KIND_FORM {
            FORM_INTEGER => WORD_BYTES,
            FORM_SHARED => size_of::<Bytes>(),
            FORM_COLLECTION if ((kind >> KIND_TYPE_SHIFT) as usize) < ValueType::ALL.len() => {
                collection_bytes(type_of(kind))
            }
            _ => 0,
        };
        bodies[kind as usize] = [few_bytes(HEADER_BYTES + expiry), few_bytes(body)];
        if kind == u8::MAX {
            return bodies;
        }
        kind += 1;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is asserted not to")]
const fn few_bytes(bytes: usize) -> u8 {
    assert!(bytes <= u8::MAX as usize, "parts in front of a key are small");
    bytes as u8
}

/// Returns the type that a kind names; `String` for those that are no collection.
const fn type_of(kind: u8) -> ValueType {
    ValueType::ALL[(kind >> KIND_TYPE_SHIFT) as usize]
}

/// Returns the bytes of a collection's own struct.
const fn collection_bytes(value_type: ValueType) -> usize {
    match value_type {
        ValueType::String => 0,
        ValueType::List => size_of::<List>(),
        ValueType::Set => size_of::<Set>(),
        ValueType::SortedSet => size_of::<SortedSet>(),
        ValueType::Hash => size_of::<HashValue>(),
        ValueType::Stream => size_of::<Stream>(),
    }
}

/// Says whether a text lies inside its entry or has an allocation of its own.
fn is_inline(key_bytes: usize, text_bytes: usize) -> bool {
    HEADER_BYTES + WORD_BYTES + key_bytes.min(usize::from(LONG_KEY)) + text_bytes
        <= INLINE_ENTRY_BYTES_MAX
        && text_bytes < SHARED_BYTES_MIN
}

impl Entry {
    /// Creates an entry. Cost: one allocation, plus one for a text that is too long to lie inside.
    pub fn new(key: &[u8], value: StringValue<'_>, deadline_ms: Option<u64>, stamp: u32) -> Self {
        let expires = if deadline_ms.is_some() { KIND_EXPIRES } else { 0 };
        match value {
            StringValue::Integer(integer) => {
                let mut entry = Self::allocate(key, FORM_INTEGER | expires, 0, deadline_ms, stamp);
                entry.write_body(integer);
                entry
            }
            StringValue::Text { bytes, is_raw } if is_inline(key.len(), bytes.len()) => {
                let raw = if is_raw { KIND_RAW } else { 0 };
                let kind = FORM_TEXT | expires | raw;
                let mut entry = Self::allocate(key, kind, bytes.len(), deadline_ms, stamp);
                entry.text_mut().copy_from_slice(bytes);
                entry
            }
            StringValue::Text { bytes, .. } => {
                let shared = StringValue::Shared(Bytes::copy_from_slice(bytes));
                Self::new(key, shared, deadline_ms, stamp)
            }
            StringValue::Shared(bytes) => {
                slab::account(bytes.len().cast_signed());
                let kind = FORM_SHARED | expires | KIND_RAW;
                let mut entry = Self::allocate(key, kind, 0, deadline_ms, stamp);
                entry.write_body(bytes);
                entry
            }
        }
    }

    /// Creates an entry of a collection. Cost: one allocation.
    pub fn of_object(key: &[u8], object: Object, deadline_ms: Option<u64>, stamp: u32) -> Self {
        slab::account(object.as_ref().memory_bytes().cast_signed());
        match object {
            Object::List(value) => Self::of_collection(key, value, deadline_ms, stamp),
            Object::Set(value) => Self::of_collection(key, value, deadline_ms, stamp),
            Object::SortedSet(value) => Self::of_collection(key, value, deadline_ms, stamp),
            Object::Hash(value) => Self::of_collection(key, value, deadline_ms, stamp),
            Object::Stream(value) => Self::of_collection(key, value, deadline_ms, stamp),
        }
    }

    fn of_collection<T: Collection>(
        key: &[u8],
        value: T,
        deadline_ms: Option<u64>,
        stamp: u32,
    ) -> Self {
        let expires = if deadline_ms.is_some() { KIND_EXPIRES } else { 0 };
        let kind = FORM_COLLECTION | expires | (T::TYPE as u8) << KIND_TYPE_SHIFT;
        let mut entry = Self::allocate(key, kind, 0, deadline_ms, stamp);
        entry.write_body(value);
        entry
    }

    /// Allocates and fills everything but the body and the text.
    fn allocate(
        key: &[u8],
        kind: u8,
        text_bytes: usize,
        deadline_ms: Option<u64>,
        stamp: u32,
    ) -> Self {
        let layout = Layout::new(kind, key.len(), text_bytes);
        let memory = slab::allocate(layout.total_bytes);
        let header = Header {
            stamp_and_kind: AtomicU32::new(stamp << 8 | u32::from(kind)),
            key_bytes: u16::try_from(key.len()).unwrap_or(LONG_KEY),
            text_bytes: u16::try_from(text_bytes).expect("an inline text is shorter than 1 KiB"),
        };
        // SAFETY: the allocation is at least a header long and aligned to eight.
        unsafe { memory.cast::<Header>().write(header) };
        if let Some(deadline_ms) = deadline_ms {
            // SAFETY: the layout has room for the expiry right behind the header.
            let place = unsafe { memory.add(HEADER_BYTES) };
            // SAFETY: as above; the place is aligned to eight.
            unsafe { place.cast::<u64>().write(deadline_ms) };
        }
        if key.len() >= usize::from(LONG_KEY) {
            // SAFETY: the layout has room for the long key's length right before the body.
            let place = unsafe { memory.add(layout.body_at - WORD_BYTES) };
            // SAFETY: as above; the place is aligned to eight.
            unsafe { place.cast::<usize>().write(key.len()) };
        }
        // SAFETY: the layout has room for the key here.
        let place = unsafe { memory.add(layout.key_at) };
        // SAFETY: as above; new memory does not overlap the caller's key.
        unsafe { place.copy_from_nonoverlapping(NonNull::from(key).cast(), key.len()) };
        let address = memory.as_ptr().expose_provenance() as u64;
        debug_assert!(address & !ADDRESS_MASK == 0, "user addresses have 47 bits");
        Self { packed: address | u64::from(expiry_tag(deadline_ms)) << ADDRESS_BITS }
    }

    #[inline]
    fn memory(&self) -> NonNull<u8> {
        let address = (self.packed & ADDRESS_MASK) as usize;
        let pointer = std::ptr::with_exposed_provenance_mut::<u8>(address);
        // SAFETY: the address came from an allocation, so it is not null.
        unsafe { NonNull::new_unchecked(pointer) }
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the allocation lives as long as `self` and starts with a header.
        unsafe { self.memory().cast::<Header>().as_ref() }
    }

    #[inline]
    fn kind(&self) -> u8 {
        // Relaxed: the kind changes only under the exclusive lock, which orders it.
        self.header().stamp_and_kind.load(Ordering::Relaxed).to_le_bytes()[0]
    }

    #[inline]
    fn layout(&self) -> Layout {
        let header = self.header();
        let kind = self.kind();
        let text_bytes = usize::from(header.text_bytes);
        if header.key_bytes != LONG_KEY {
            return Layout::new(kind, usize::from(header.key_bytes), text_bytes);
        }
        let before = if kind & KIND_EXPIRES != 0 { WORD_BYTES } else { 0 };
        // SAFETY: a long key's length stands behind the header and the expiry.
        let place = unsafe { self.memory().add(HEADER_BYTES + before) };
        // SAFETY: as above; the place is aligned to eight and was written by `allocate`.
        let key_bytes = unsafe { place.cast::<usize>().read() };
        Layout::new(kind, key_bytes, text_bytes)
    }

    /// Returns where the allocation lies.
    #[inline]
    pub(super) fn hint(&self) -> EntryHint {
        EntryHint(self.memory().as_ptr())
    }

    /// Fetches the allocation's first two cache lines ahead of use.
    #[inline]
    pub(super) fn prefetch(&self) {
        self.hint().prefetch();
    }

    /// Returns the key.
    #[inline]
    pub fn key(&self) -> &[u8] {
        let layout = self.layout();
        self.part(layout.key_at, layout.key_bytes)
    }

    #[inline]
    fn part(&self, at: usize, bytes: usize) -> &[u8] {
        // SAFETY: callers name parts of the layout, which lie inside the allocation.
        let start = unsafe { self.memory().add(at) };
        // SAFETY: as above; `allocate` and its callers have written every part.
        unsafe { slice::from_raw_parts(start.as_ptr(), bytes) }
    }

    fn text_mut(&mut self) -> &mut [u8] {
        let layout = self.layout();
        let at = layout.key_at + layout.key_bytes;
        // SAFETY: the text is the last part of the layout.
        let start = unsafe { self.memory().add(at) };
        // SAFETY: as above; plain bytes have no invalid values and slabs hand out owned memory.
        unsafe { slice::from_raw_parts_mut(start.as_ptr(), layout.total_bytes - at) }
    }

    /// Returns where the body lies.
    #[inline]
    fn body<T>(&self) -> NonNull<T> {
        // SAFETY: the layout's body lies inside the allocation.
        unsafe { self.memory().add(self.layout().body_at) }.cast()
    }

    fn write_body<T>(&mut self, body: T) {
        // SAFETY: the layout has room for a body here, and the caller writes the type that the form says.
        unsafe { self.body::<T>().write(body) };
    }

    #[inline]
    fn shared(&self) -> &Bytes {
        debug_assert_eq!(self.kind() & KIND_FORM, FORM_SHARED);
        // SAFETY: this form's body is a `Bytes`, aligned to eight.
        unsafe { self.body::<Bytes>().as_ref() }
    }

    #[inline]
    fn integer(&self) -> i64 {
        debug_assert_eq!(self.kind() & KIND_FORM, FORM_INTEGER);
        // SAFETY: this form's body is an integer, aligned to eight.
        unsafe { self.body::<i64>().read() }
    }

    /// Returns the value for changes if it is kept as an integer.
    #[inline]
    pub(super) fn integer_mut(&mut self) -> Option<&mut i64> {
        let is_integer = self.kind() & KIND_FORM == FORM_INTEGER;
        // SAFETY: this form's body is an integer, aligned to eight, and `self` is borrowed mutably.
        is_integer.then(|| unsafe { self.body::<i64>().as_mut() })
    }

    /// Returns the type of the value.
    #[inline]
    pub fn value_type(&self) -> ValueType {
        type_of(self.kind())
    }

    /// Says whether the value is a collection of this type.
    #[inline]
    fn holds<T: Collection>(&self) -> bool {
        self.kind() >> KIND_TYPE_SHIFT == T::TYPE as u8
    }

    /// Returns the value if it is a collection of the type asked for.
    #[inline]
    pub fn collection<T: Collection>(&self) -> Option<&T> {
        // SAFETY: the body of an entry of this type is a `T`, aligned to eight.
        self.holds::<T>().then(|| unsafe { self.body::<T>().as_ref() })
    }

    /// The same for changes, with the key, which no change of the value touches. The caller accounts
    /// for the memory that comes and goes.
    #[inline]
    pub(super) fn key_and_collection_mut<T: Collection>(&mut self) -> Option<(&[u8], &mut T)> {
        if !self.holds::<T>() {
            return None;
        }
        // SAFETY: the body of an entry of this type is a `T`, and `self` is borrowed mutably; the key
        // lies behind the body.
        let value = unsafe { self.body::<T>().as_mut() };
        Some((self.key(), value))
    }

    /// Returns when the first element of the value is due, if elements have deadlines.
    #[inline]
    pub(super) fn elements_due_ms(&self) -> Option<u64> {
        if self.kind() & KIND_FORM != FORM_COLLECTION {
            return None;
        }
        self.object()?.due_ms()
    }

    /// Returns the collection of whatever type; `None` for a string.
    pub fn object(&self) -> Option<ObjectRef<'_>> {
        match self.value_type() {
            ValueType::String => None,
            ValueType::List => self.collection().map(ObjectRef::List),
            ValueType::Set => self.collection().map(ObjectRef::Set),
            ValueType::SortedSet => self.collection().map(ObjectRef::SortedSet),
            ValueType::Hash => self.collection().map(ObjectRef::Hash),
            ValueType::Stream => self.collection().map(ObjectRef::Stream),
        }
    }

    /// Returns how the value is represented.
    pub fn encoding(&self) -> Encoding {
        if let Some(object) = self.object() {
            return object.encoding();
        }
        match self.string() {
            StringRef::Integer(_) => Encoding::Integer,
            StringRef::Text(text)
                if self.kind() & KIND_RAW == 0 && text.len() <= EMBSTR_BYTES_MAX =>
            {
                Encoding::Embstr
            }
            _ => Encoding::Raw,
        }
    }

    /// Returns the string value. Only for entries whose type is `String`.
    #[inline]
    pub fn string(&self) -> StringRef<'_> {
        debug_assert_eq!(self.value_type(), ValueType::String);
        match self.kind() & KIND_FORM {
            FORM_INTEGER => StringRef::Integer(self.integer()),
            FORM_SHARED => StringRef::Shared(self.shared()),
            _ => {
                let layout = self.layout();
                let at = layout.key_at + layout.key_bytes;
                StringRef::Text(self.part(at, layout.total_bytes - at))
            }
        }
    }

    /// Returns the deadline in milliseconds since 1970, if the key has one.
    #[inline]
    pub fn deadline_ms(&self) -> Option<u64> {
        if self.expiry_tag() == 0 {
            return None;
        }
        // SAFETY: a tag says that the entry has an expiry, which stands right behind the header.
        let place = unsafe { self.memory().add(HEADER_BYTES) };
        // SAFETY: as above; the place is aligned to eight.
        Some(unsafe { place.cast::<u64>().read() })
    }

    /// Says whether the deadline, if any, has come.
    #[inline]
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.deadline_ms().is_some_and(|deadline_ms| deadline_ms <= now_ms)
    }

    #[inline]
    fn expiry_tag(&self) -> u16 {
        (self.packed >> ADDRESS_BITS) as u16
    }

    /// Says whether the key has a deadline; reads the handle only.
    #[inline]
    pub(super) fn is_volatile(&self) -> bool {
        self.expiry_tag() != 0
    }

    /// Says whether the deadline can lie between two times, reading the handle only; `false` is
    /// certain, `true` is wrong for a small share of the deadlines further away than 70 minutes.
    #[inline]
    pub(super) fn may_be_due(&self, since_ms: u64, now_ms: u64) -> bool {
        let tag = u64::from(self.expiry_tag());
        if tag == 0 {
            return false;
        }
        let since_step = since_ms / TAG_STEP_MS;
        let window = (now_ms / TAG_STEP_MS).saturating_sub(since_step);
        steps_ahead(tag, since_step) <= window
    }

    /// Returns a lower bound of a deadline that is after now, reading the handle only; `u64::MAX`
    /// without a deadline. Deadlines further away than 70 minutes look nearer.
    #[inline]
    pub(super) fn due_ms_at_least(&self, now_ms: u64) -> u64 {
        let tag = u64::from(self.expiry_tag());
        if tag == 0 {
            return u64::MAX;
        }
        let now_step = now_ms / TAG_STEP_MS;
        (now_step + steps_ahead(tag, now_step)) * TAG_STEP_MS
    }

    /// Changes the deadline. Cost: a copy of the entry the first time it gets one, a store otherwise.
    pub(super) fn set_deadline(&mut self, deadline_ms: Option<u64>) {
        if self.kind() & KIND_EXPIRES != 0 {
            // SAFETY: the kind says that there is room for an expiry behind the header.
            let place = unsafe { self.memory().add(HEADER_BYTES) };
            // SAFETY: as above; the place is aligned to eight and `self` is borrowed mutably.
            unsafe { place.cast::<u64>().write(deadline_ms.unwrap_or(NEVER_MS)) };
            self.packed =
                self.packed & ADDRESS_MASK | u64::from(expiry_tag(deadline_ms)) << ADDRESS_BITS;
        } else if deadline_ms.is_some() {
            let moved = self.moved(self.key(), deadline_ms);
            std::mem::replace(self, moved).release_emptied();
        }
    }

    /// Gives the entry another key, keeping value, deadline and stamp. Cost: one allocation, whatever
    /// the value.
    pub(super) fn renamed(self, key: &[u8]) -> Self {
        let moved = self.moved(key, self.deadline_ms());
        self.release_emptied();
        moved
    }

    /// Returns an entry with the same value and stamp. `self` is to be given to
    /// [`Entry::release_emptied`] next: for a moment both hold the value.
    fn moved(&self, key: &[u8], deadline_ms: Option<u64>) -> Self {
        let from = self.layout();
        let expires = if deadline_ms.is_some() { KIND_EXPIRES } else { 0 };
        let kind = self.kind() & !KIND_EXPIRES | expires;
        let text_bytes = usize::from(self.header().text_bytes);
        let mut moved = Self::allocate(key, kind, text_bytes, deadline_ms, self.stamp());
        let to = moved.layout();
        moved.text_mut().copy_from_slice(self.part(from.key_at + from.key_bytes, text_bytes));
        let body_bytes = from.key_at - from.body_at;
        // SAFETY: the layout's body lies inside the old allocation.
        let old = unsafe { self.memory().add(from.body_at) };
        // SAFETY: the layout's body lies inside the new allocation.
        let new = unsafe { moved.memory().add(to.body_at) };
        // SAFETY: both bodies have the size of the one form; the old one is not dropped any more.
        unsafe { new.copy_from_nonoverlapping(old, body_bytes) };
        moved
    }

    /// Frees the allocation of an entry whose value has moved.
    fn release_emptied(self) {
        let total_bytes = self.layout().total_bytes;
        // SAFETY: allocated with this size; `self` is forgotten.
        unsafe { slab::release(self.memory(), total_bytes) };
        std::mem::forget(self);
    }

    /// Returns a copy of value and deadline under another key. A large text is shared, not copied.
    pub fn copy(&self, key: &[u8], stamp: u32) -> Self {
        if let Some(object) = self.object() {
            return Self::of_object(key, object.to_owned(), self.deadline_ms(), stamp);
        }
        let value = match self.string() {
            StringRef::Integer(integer) => StringValue::Integer(integer),
            StringRef::Text(bytes) => {
                StringValue::Text { bytes, is_raw: self.kind() & KIND_RAW != 0 }
            }
            StringRef::Shared(bytes) => StringValue::Shared(bytes.clone()),
        };
        Self::new(key, value, self.deadline_ms(), stamp)
    }

    /// Replaces the value, keeping key and stamp; in place where the new value takes the same room.
    #[inline]
    pub(super) fn set_value(&mut self, value: StringValue<'_>, deadline_ms: Option<u64>) {
        let has_room = deadline_ms.is_none() || self.kind() & KIND_EXPIRES != 0;
        let fits = has_room
            && match &value {
                StringValue::Integer(_) => self.kind() & KIND_FORM == FORM_INTEGER,
                StringValue::Text { bytes, .. } => {
                    self.kind() & KIND_FORM == FORM_TEXT
                        && usize::from(self.header().text_bytes) == bytes.len()
                }
                StringValue::Shared(_) => false,
            };
        if !fits {
            *self = Self::new(self.key(), value, deadline_ms, self.stamp());
            return;
        }
        match value {
            StringValue::Integer(integer) => self.write_body(integer),
            StringValue::Text { bytes, is_raw } => {
                self.set_raw(is_raw);
                self.text_mut().copy_from_slice(bytes);
            }
            StringValue::Shared(_) => unreachable!("a shared value never fits in place"),
        }
        if has_room && self.kind() & KIND_EXPIRES != 0 {
            self.set_deadline(deadline_ms);
        }
    }

    fn set_raw(&mut self, is_raw: bool) {
        let word = &self.header().stamp_and_kind;
        // Relaxed: `&mut self` excludes other writers.
        let old = word.load(Ordering::Relaxed) & !u32::from(KIND_RAW);
        word.store(old | if is_raw { u32::from(KIND_RAW) } else { 0 }, Ordering::Relaxed);
    }

    /// Edits the string in place: makes it at least `offset + bytes.len()` long (padding with
    /// zeros) and overwrites the range. Returns the new length. The result is `raw`.
    /// Cost: amortized by the written bytes for texts with an allocation of their own.
    pub(super) fn write_range(&mut self, offset: usize, bytes: &[u8]) -> usize {
        let end = offset + bytes.len();
        if self.kind() & KIND_FORM == FORM_SHARED {
            return self.write_shared_range(offset, bytes);
        }
        let deadline_ms = self.deadline_ms();
        let mut digits = crate::types::IntegerText::new();
        let old = self.string().bytes(&mut digits);
        if self.kind() & KIND_FORM == FORM_TEXT && end <= old.len() {
            self.set_raw(true);
            let text = self.text_mut();
            text[offset..end].copy_from_slice(bytes);
            return text.len();
        }
        let length = old.len().max(end);
        let mut text = BytesMut::with_capacity(length);
        text.extend_from_slice(old);
        text.resize(length, 0);
        text[offset..end].copy_from_slice(bytes);
        let value = if is_inline(self.key().len(), length) {
            StringValue::Text { bytes: &text, is_raw: true }
        } else {
            StringValue::Shared(text.freeze())
        };
        *self = Self::new(self.key(), value, deadline_ms, self.stamp());
        length
    }

    fn write_shared_range(&mut self, offset: usize, bytes: &[u8]) -> usize {
        let end = offset + bytes.len();
        let old = self.swap_shared(Bytes::new());
        let length = old.len().max(end);
        slab::account(length.cast_signed() - old.len().cast_signed());
        // Alone, the buffer is edited where it is; while replies still share it, a copy is.
        let mut text = old.try_into_mut().unwrap_or_else(|shared| {
            let mut copy = BytesMut::with_capacity(length);
            copy.extend_from_slice(&shared);
            copy
        });
        text.resize(length, 0);
        text[offset..end].copy_from_slice(bytes);
        self.swap_shared(text.freeze());
        length
    }

    fn swap_shared(&mut self, bytes: Bytes) -> Bytes {
        // SAFETY: this form's body is a `Bytes`, and `self` is borrowed mutably.
        std::mem::replace(unsafe { self.body::<Bytes>().as_mut() }, bytes)
    }

    /// Returns the access stamp; its meaning is the eviction policy's.
    #[inline]
    pub fn stamp(&self) -> u32 {
        // Relaxed: a hint for eviction.
        self.header().stamp_and_kind.load(Ordering::Relaxed) >> 8
    }

    /// Sets the access stamp; allowed under the shared lock. Skips the store where it changes nothing.
    #[inline]
    pub fn set_stamp(&self, stamp: u32) {
        let word = &self.header().stamp_and_kind;
        // Relaxed: a hint for eviction; the kind is the same for all who hold the lock shared.
        let old = word.load(Ordering::Relaxed);
        let new = stamp << 8 | old & 0xff;
        if old != new {
            word.store(new, Ordering::Relaxed);
        }
    }

    /// Returns the bytes this entry takes: its allocation and what hangs off it.
    pub fn memory_bytes(&self) -> usize {
        let body = match (self.object(), self.kind() & KIND_FORM) {
            (Some(object), _) => object.memory_bytes(),
            (None, FORM_SHARED) => self.shared().len(),
            _ => 0,
        };
        slab::rounded(self.layout().total_bytes) + body
    }
}

/// Drops the collection of an entry, which the caller releases next; a big one elsewhere.
#[inline(never)]
fn drop_collection(entry: &Entry) {
    match entry.value_type() {
        ValueType::String => {}
        ValueType::List => bury(entry.body::<List>()),
        ValueType::Set => bury(entry.body::<Set>()),
        ValueType::SortedSet => bury(entry.body::<SortedSet>()),
        ValueType::Hash => bury(entry.body::<HashValue>()),
        ValueType::Stream => bury(entry.body::<Stream>()),
    }
}

fn bury<T: Collection>(body: NonNull<T>) {
    // SAFETY: the caller has checked the type and drops the entry, so nobody reads the body again.
    let value = unsafe { body.read() };
    slab::account(-value.memory_bytes().cast_signed());
    if value.free_cost() > FREE_COST_MAX {
        undertaker::take(value.into());
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        match self.kind() & KIND_FORM {
            FORM_SHARED => {
                let bytes = self.swap_shared(Bytes::new());
                slab::account(-bytes.len().cast_signed());
            }
            FORM_COLLECTION => drop_collection(self),
            _ => {}
        }
        let total_bytes = self.layout().total_bytes;
        // SAFETY: allocated with this size; nothing uses the entry after its drop.
        unsafe { slab::release(self.memory(), total_bytes) };
    }
}
