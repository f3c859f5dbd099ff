//! Floor 5: WHAT each command does: one constant of facts and one handler, side by side, by family.

use crate::engine::Command;

/// All families' lists, in the order COMMAND shows them.
pub const FAMILIES: &[&[Command]] = &[];
