//! The numbers of the format: types of values, opcodes, versions.
//!
//! Types are never taken back, so a reader knows all of them; a writer uses the oldest that can hold
//! the value, so that as many servers as possible can read it.

/// The version of files and payloads that need no newer one: that of Redis 7.0.
pub(super) const VERSION_BASE: u16 = 10;
/// The version that brought packed sets and the activity of stream consumers (Redis 7.2).
pub(super) const VERSION_ACTIVITY: u16 = 11;
/// The version that brought deadlines of hash fields (Redis 7.4).
pub(super) const VERSION_FIELD_DEADLINES: u16 = 12;
/// The version that brought producers of streams, and what modules say of keys (Redis 8.6).
pub(super) const VERSION_PRODUCERS: u16 = 13;
/// The version that brought pending entries that were given back (Redis 8.8).
pub(super) const VERSION_RETURNED: u16 = 14;
/// Newest version of Redis that can be read.
pub(super) const VERSION_MAX: u16 = 14;
/// Versions of Valkey, which has numbered its own way since these.
pub(super) const VALKEY_VERSIONS: std::ops::RangeInclusive<u16> = 80..=81;

/// Says whether a file or payload of this version can be read.
pub(super) fn is_readable(version: u16) -> bool {
    (1..=VERSION_MAX).contains(&version) || VALKEY_VERSIONS.contains(&version)
}

/// Types of values.
pub(super) mod kind {
    pub(crate) const STRING: u8 = 0;
    pub(crate) const LIST: u8 = 1;
    pub(crate) const SET: u8 = 2;
    /// Scores as text.
    pub(crate) const SORTED_SET: u8 = 3;
    pub(crate) const HASH: u8 = 4;
    /// Scores as doubles.
    pub(crate) const SORTED_SET_2: u8 = 5;
    pub(crate) const MODULE: u8 = 6;
    pub(crate) const MODULE_2: u8 = 7;
    pub(crate) const HASH_ZIPMAP: u8 = 9;
    pub(crate) const LIST_ZIPLIST: u8 = 10;
    pub(crate) const SET_INTSET: u8 = 11;
    pub(crate) const SORTED_SET_ZIPLIST: u8 = 12;
    pub(crate) const HASH_ZIPLIST: u8 = 13;
    /// Ziplists in a row.
    pub(crate) const LIST_QUICKLIST: u8 = 14;
    pub(crate) const STREAM: u8 = 15;
    pub(crate) const HASH_LISTPACK: u8 = 16;
    pub(crate) const SORTED_SET_LISTPACK: u8 = 17;
    /// Listpacks and large elements in a row.
    pub(crate) const LIST_QUICKLIST_2: u8 = 18;
    /// With the first ID, the largest deleted one and counts.
    pub(crate) const STREAM_2: u8 = 19;
    pub(crate) const SET_LISTPACK: u8 = 20;
    /// With the activity of consumers.
    pub(crate) const STREAM_3: u8 = 21;
    /// With deadlines of fields: of Valkey; candidates of Redis 7.4 used the number otherwise.
    pub(crate) const HASH_VALKEY: u8 = 22;
    /// With deadlines of fields.
    pub(crate) const HASH_DEADLINES: u8 = 24;
    pub(crate) const HASH_LISTPACK_DEADLINES: u8 = 25;
    /// With producers.
    pub(crate) const STREAM_4: u8 = 26;
    /// With pending entries that were given back.
    pub(crate) const STREAM_5: u8 = 27;
}

/// What a file holds besides values.
pub(super) mod opcode {
    /// A slot that was being imported (Valkey); what modules say of the key that follows (Redis).
    pub(crate) const SLOT_IMPORT_OR_REMARKS: u8 = 243;
    pub(crate) const SLOT_INFO: u8 = 244;
    pub(crate) const FUNCTION: u8 = 245;
    pub(crate) const FUNCTION_CANDIDATE: u8 = 246;
    pub(crate) const MODULE_AUX: u8 = 247;
    pub(crate) const IDLE: u8 = 248;
    pub(crate) const FREQUENCY: u8 = 249;
    pub(crate) const AUX: u8 = 250;
    pub(crate) const SIZES: u8 = 251;
    pub(crate) const DEADLINE_MS: u8 = 252;
    pub(crate) const DEADLINE_S: u8 = 253;
    pub(crate) const DATABASE: u8 = 254;
    pub(crate) const END: u8 = 255;
}
