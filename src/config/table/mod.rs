//! The table of settings: one row each, feeding the file parser, CONFIG GET, SET and REWRITE, the
//! command line and `conf/redpoll.conf`.
//!
//! The rows live in one file per subject. Each of those files is a macro that passes its rows on to
//! the next, because an enum must be written in one piece: the last one, `define!`, turns all of
//! them into [`Setting`] and [`ROWS`].
//!
//! A row reads: `/// meaning`, then `Variant: "name" | "alias", kind, facts;`. After a change,
//! `REDPOLL_WRITE_CONF=1 cargo test --lib config` brings `conf/redpoll.conf` up to date. When a
//! feature lands, `.later()` and `.refused(..)` go from the rows that belong to it.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::kinds::Kind;

mod document;
mod facts;
#[macro_use]
mod clients;
#[macro_use]
mod cluster;
#[macro_use]
mod encodings;
#[macro_use]
mod memory;
#[macro_use]
mod network;
#[macro_use]
mod observe;
#[macro_use]
mod persistence;
#[macro_use]
mod process;
#[macro_use]
mod replication;
#[macro_use]
mod security;

pub(crate) use document::reference_file;
pub(crate) use facts::{Change, Effect, Facts};

/// One setting: everything the server knows about it.
#[derive(Debug)]
pub(crate) struct Row {
    /// The setting this row describes.
    pub(crate) setting: Setting,
    /// Name under which it is documented and rewritten.
    pub(crate) name: &'static str,
    /// Other names it answers to.
    pub(crate) aliases: &'static [&'static str],
    /// What values it takes, with default, bounds and unit.
    pub(crate) kind: Kind,
    /// When it may change, and what a change does.
    pub(crate) facts: Facts,
    /// The subject it is listed under.
    pub(crate) section: &'static str,
    /// What it means.
    pub(crate) doc: &'static str,
}

/// Hands the rows gathered so far to the next file's macro, or to the one that defines everything.
macro_rules! continue_settings {
    ([] $($rows:tt)*) => { define! { $($rows)* } };
    ([$first:ident $($next:ident)*] $($rows:tt)*) => { $first! { [$($next)*] $($rows)* } };
}

macro_rules! define {
    ($( $section:literal {
        $( $(#[doc = $doc:literal])+
           $variant:ident : $name:literal $(| $alias:literal)* , $kind:expr , $facts:expr ; )*
    } )*) => {
        /// A setting of the server, named as in the configuration file.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u16)]
        pub enum Setting {
            $( $( $(#[doc = $doc])+ $variant, )* )*
        }

        /// Every setting, in the order of [`Setting`].
        pub(crate) static ROWS: &[Row] = &[
            $( $( Row {
                setting: Setting::$variant,
                name: $name,
                aliases: &[$($alias),*],
                kind: $kind,
                facts: $facts,
                section: $section,
                doc: concat!($($doc),+),
            }, )* )*
        ];
    };
}

mod rows {
    //! Where the rows meet what they are written with.

    use super::Row;
    use super::facts::{FIXED, LIVE, PINNED};
    use crate::config::kinds::Unit::{
        Bytes, Count, Hertz, Level, Microseconds, Milliseconds, Minutes, Percent,
        Port as PortNumber, Seconds,
    };
    use crate::config::kinds::{
        AofSync, ChannelDefault, ConfigSave, DisklessLoad, EndpointType, Kind, LogFormat, LogLevel,
        LogTimestamp, MaxmemoryPolicy, OomScoreAdjust, Permission, PropagationError, Sanitize,
        Supervised, SyslogFacility, VersionCheck, address, base_name, binary_text, bytes,
        bytes_or_percent, count, free_text, host_name, ip_v4, ip_v6, locale, memory, node_address,
        node_name, not_empty, number, octal, process_title,
    };

    const INT_MAX: i64 = i32::MAX as i64;
    const INT_MIN: i64 = i32::MIN as i64;
    const UINT_MAX: i64 = u32::MAX as i64;
    const MB: i64 = 1 << 20;
    const PORT_MAX: i64 = 65_535;

    continue_settings! { [
        network_settings clients_settings security_settings process_settings memory_settings
        observe_settings encodings_settings persistence_settings replication_settings
        cluster_settings
    ] }
}

pub(crate) use rows::ROWS;
pub use rows::Setting;

impl Setting {
    /// Returns the name it is documented under.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Says whether its value is a secret that logs and the slow log must not show.
    pub fn is_sensitive(self) -> bool {
        self.row().facts.sensitive
    }

    /// Returns its row.
    pub(crate) fn row(self) -> &'static Row {
        &ROWS[self.index()]
    }

    /// Returns its place in the table.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Returns the setting with this name or alias, in any case.
    pub fn by_name(name: &[u8]) -> Option<Self> {
        find(name).map(|(row, _)| row.setting)
    }
}

static NAMES: LazyLock<HashMap<&'static str, (&'static Row, &'static str)>> = LazyLock::new(|| {
    let named = |row: &'static Row| names(row).map(move |name| (name, (row, name)));
    ROWS.iter().flat_map(named).collect()
});

/// Returns the row a name or alias belongs to, and that name in its proper spelling.
pub(crate) fn find(name: &[u8]) -> Option<(&'static Row, &'static str)> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    NAMES.get(name.as_str()).copied()
}

/// Returns the name of a row and then its aliases.
pub(crate) fn names(row: &'static Row) -> impl Iterator<Item = &'static str> {
    std::iter::once(row.name).chain(row.aliases.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::{NAMES, ROWS, Setting, names};

    #[test]
    fn a_row_stands_where_its_setting_points() {
        for (index, row) in ROWS.iter().enumerate() {
            assert_eq!(row.setting.index(), index, "{}", row.name);
        }
    }

    #[test]
    fn no_name_is_used_twice() {
        assert_eq!(ROWS.iter().flat_map(names).count(), NAMES.len());
    }

    #[test]
    fn names_are_found_in_any_case_and_by_alias() {
        assert_eq!(Setting::by_name(b"MaxMemory"), Some(Setting::Maxmemory));
        assert_eq!(Setting::by_name(b"lua-time-limit"), Some(Setting::BusyReplyThreshold));
        assert_eq!(Setting::by_name(b"no-such-setting"), None);
        assert_eq!(Setting::by_name(b"\xff"), None);
    }

    #[test]
    fn every_row_says_what_it_means() {
        for row in ROWS {
            assert!(row.doc.trim().ends_with('.'), "{}", row.name);
        }
    }
}
