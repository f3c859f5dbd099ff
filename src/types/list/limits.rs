//! How much one packed piece of a list holds.

use crate::types::packed::EMPTY_BYTES;

/// Most bytes of a piece whose limit is a number of elements.
const SAFE_BYTES_MAX: usize = 8192;
/// Most bytes of a piece, for the sizes -1 to -5 of `list-max-listpack-size`.
const SIZE_CLASSES: [usize; 5] = [4096, 8192, 16_384, 32_768, 65_536];
/// What an entry takes beyond its text, at most.
const ENTRY_OVERHEAD: usize = 8;

/// The limits of a list's pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    size_max: usize,
    /// `None`: only the size counts.
    count_max: Option<usize>,
    large_bytes_min: Option<usize>,
}

impl ListLimits {
    /// Returns the limits of a value of `list-max-listpack-size` (a number of elements, or -1 to -5
    /// for sizes); `large_bytes_min` makes elements large at another size than the usual, for tests.
    pub fn new(max_listpack_size: i64, large_bytes_min: Option<usize>) -> Self {
        let (size_max, count_max) = match usize::try_from(max_listpack_size) {
            Ok(count) => (SAFE_BYTES_MAX, Some(count.max(1))),
            Err(_) => {
                let class = max_listpack_size.unsigned_abs().clamp(1, SIZE_CLASSES.len() as u64);
                (SIZE_CLASSES[usize::try_from(class).unwrap_or(1) - 1], None)
            }
        };
        Self { size_max, count_max, large_bytes_min }
    }

    /// Returns the same, with elements large from this size on; 0: from the usual one on.
    #[inline]
    pub fn with_large_from(self, bytes: usize) -> Self {
        Self { large_bytes_min: (bytes > 0).then_some(bytes), ..self }
    }

    /// Returns the most bytes of a piece.
    #[inline]
    pub(super) fn bytes_max(&self) -> usize {
        self.size_max
    }

    /// Says whether a piece of this size is too much.
    #[inline]
    pub(super) fn exceeds(&self, bytes: usize, count: usize) -> bool {
        bytes > self.size_max || self.count_max.is_some_and(|count_max| count > count_max)
    }

    /// Says whether a piece has room for one more text.
    #[inline]
    pub(super) fn admits(&self, bytes: usize, count: usize, text_bytes: usize) -> bool {
        !self.exceeds(bytes + text_bytes + ENTRY_OVERHEAD, count + 1)
    }

    /// Says whether two pieces may become one.
    pub(super) fn admits_both(&self, bytes: [usize; 2], counts: [usize; 2]) -> bool {
        let merged_bytes = bytes[0] + bytes[1] - EMPTY_BYTES;
        !self.exceeds(merged_bytes, counts[0] + counts[1])
    }

    /// Says whether a text is a node of its own.
    #[inline]
    pub(super) fn is_large(&self, text_bytes: usize) -> bool {
        match self.large_bytes_min {
            Some(least) => text_bytes >= least,
            None => text_bytes > self.size_max,
        }
    }

    /// Says whether what is left of a chunked list is little enough for one packed sequence. A list
    /// that shrinks must fall to half of a limit, lest it goes to and fro.
    pub(super) fn suffices_packed(&self, bytes: usize, count: usize, is_shrinking: bool) -> bool {
        let part = if is_shrinking { 2 } else { 1 };
        // A list without a limit of elements has no limit of size but its own, and the other way round.
        match self.count_max {
            Some(count_max) => count <= count_max / part,
            None => bytes <= self.size_max / part,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ListLimits;

    #[test]
    fn negative_numbers_are_sizes_and_others_counts() {
        for (setting, bytes) in [(-1, 4096), (-2, 8192), (-5, 65_536), (-6, 65_536)] {
            let limits = ListLimits::new(setting, None);
            assert!(!limits.exceeds(bytes, 1_000_000) && limits.exceeds(bytes + 1, 1));
            assert!(!limits.is_large(bytes) && limits.is_large(bytes + 1));
        }
        for (setting, count) in [(0, 1), (1, 1), (500, 500)] {
            let limits = ListLimits::new(setting, None);
            assert!(!limits.exceeds(8192, count) && limits.exceeds(10, count + 1));
            assert!(limits.exceeds(8193, 1));
        }
        assert!(ListLimits::new(-2, Some(5)).is_large(5));
    }
}
