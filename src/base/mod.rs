//! Floor 0: things without a floor below them: clock, checksums, patterns, numbers as text.

pub mod clock;
pub mod crc;
pub mod glob;
pub mod text;
