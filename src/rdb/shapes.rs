//! The settings that decide how values are represented once they are read.

use crate::config::{Config, Setting};
use crate::types::{ListLimits, PackedLimits, SetLimits};

/// Up to where each type stays packed.
#[derive(Clone, Copy, Debug)]
pub struct Shapes {
    pub(super) hash: PackedLimits,
    pub(super) list: ListLimits,
    pub(super) set: SetLimits,
    pub(super) sorted_set: PackedLimits,
}

impl Shapes {
    /// Reads the settings.
    pub fn read(config: &Config) -> Self {
        let packed = |entries, value_bytes| PackedLimits {
            entries_max: config.size(entries),
            value_bytes_max: config.size(value_bytes),
        };
        Self {
            hash: packed(Setting::HashMaxListpackEntries, Setting::HashMaxListpackValue),
            list: ListLimits::new(config.number(Setting::ListMaxListpackSize), None),
            set: SetLimits {
                integers_max: config.size(Setting::SetMaxIntsetEntries),
                packed: packed(Setting::SetMaxListpackEntries, Setting::SetMaxListpackValue),
            },
            sorted_set: packed(Setting::ZsetMaxListpackEntries, Setting::ZsetMaxListpackValue),
        }
    }
}
