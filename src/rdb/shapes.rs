//! The settings that decide how values are represented once they are read.

use crate::config::{Config, Setting};
use crate::types::{ListLimits, PackedLimits};

/// Up to where each type stays packed.
#[derive(Clone, Copy, Debug)]
pub struct Shapes {
    pub(super) hash: PackedLimits,
    pub(super) list: ListLimits,
}

impl Shapes {
    /// Reads the settings.
    pub fn read(config: &Config) -> Self {
        Self {
            hash: PackedLimits {
                entries_max: config.size(Setting::HashMaxListpackEntries),
                value_bytes_max: config.size(Setting::HashMaxListpackValue),
            },
            list: ListLimits::new(config.number(Setting::ListMaxListpackSize), None),
        }
    }
}
