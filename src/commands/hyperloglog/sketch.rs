//! A sketch as it lies in a string: its header, and what may be asked of either form.

use super::element::REGISTER_COUNT;
use super::estimate::{Histogram, estimate};
use super::sparse::{Corrupted, Outcome};
use super::{dense, sparse};

/// Bytes before the registers.
pub(super) const HEADER_BYTES: usize = 16;
/// Where the cached count stands.
pub(super) const COUNT_AT: usize = 8;
/// The byte whose highest bit says that the cached count is stale.
pub(super) const STALE_AT: usize = 15;
/// That bit.
pub(super) const STALE: u8 = 0x80;

const MAGIC: &[u8] = b"HYLL";
const ENCODING_AT: usize = 4;
const DENSE_BYTES: usize = HEADER_BYTES + dense::REGISTERS_BYTES;

/// The form of a sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Dense = 0,
    Sparse = 1,
}

impl Form {
    /// Returns the form of a sketch, or `None` where the bytes are none. What follows the header of a
    /// sparse one may still be corrupted.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < HEADER_BYTES || !bytes.starts_with(MAGIC) {
            return None;
        }
        match bytes[ENCODING_AT] {
            0 if bytes.len() == DENSE_BYTES => Some(Self::Dense),
            1 => Some(Self::Sparse),
            _ => None,
        }
    }
}

/// A sketch that is only read.
#[derive(Clone, Copy)]
pub(super) struct SketchRef<'a> {
    form: Form,
    bytes: &'a [u8],
}

impl<'a> SketchRef<'a> {
    /// Returns the sketch in these bytes, if they are one.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        Form::of(bytes).map(|form| Self { form, bytes })
    }

    /// Returns its form.
    pub(super) fn form(self) -> Form {
        self.form
    }

    /// Returns the count that was stored with it, if it still holds.
    pub(super) fn cached_count(self) -> Option<u64> {
        let count = self.bytes[COUNT_AT..HEADER_BYTES].try_into().expect("eight bytes");
        (self.bytes[STALE_AT] & STALE == 0).then_some(u64::from_le_bytes(count))
    }

    /// Returns what lies behind the header.
    pub(super) fn body(self) -> &'a [u8] {
        &self.bytes[HEADER_BYTES..]
    }

    /// Returns the estimated number of elements.
    pub(super) fn count(self) -> Result<u64, Corrupted> {
        let histogram = match self.form {
            Form::Dense => dense::histogram(self.body()),
            Form::Sparse => {
                let mut histogram: Histogram = [0; 64];
                sparse::for_each_run(self.body(), |_, run| {
                    histogram[usize::from(run.rank)] += u32::try_from(run.length).unwrap_or(0);
                })?;
                histogram
            }
        };
        Ok(estimate(&histogram))
    }
}

/// All registers of one or several sketches, one byte each.
pub(super) struct Ranks(Box<[u8; REGISTER_COUNT]>);

impl Ranks {
    /// Returns registers that have seen nothing.
    pub(super) fn new() -> Self {
        let ranks = vec![0; REGISTER_COUNT].into_boxed_slice();
        Self(ranks.try_into().expect("as long as the array"))
    }

    /// Raises each register to that of a sketch.
    pub(super) fn merge(&mut self, sketch: SketchRef<'_>) -> Result<(), Corrupted> {
        match sketch.form {
            Form::Dense => dense::merge_into(&mut self.0, sketch.body()),
            Form::Sparse => sparse::for_each_run(sketch.body(), |index, run| {
                for rank in &mut self.0[index..index + run.length] {
                    *rank = (*rank).max(run.rank);
                }
            })?,
        }
        Ok(())
    }

    /// Returns the registers.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0[..]
    }

    /// Returns the estimated number of elements.
    pub(super) fn count(&self) -> u64 {
        let mut histogram: Histogram = [0; 64];
        self.0.iter().for_each(|&rank| histogram[usize::from(rank)] += 1);
        estimate(&histogram)
    }

    /// Returns a dense sketch of these registers with the header of another.
    fn dense_with_header(&self, header: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(DENSE_BYTES);
        bytes.extend_from_slice(header);
        bytes[ENCODING_AT] = Form::Dense as u8;
        dense::append(&self.0, &mut bytes);
        bytes
    }
}

/// A sketch being changed.
pub(super) struct Sketch {
    form: Form,
    bytes: Vec<u8>,
}

impl Sketch {
    /// Returns a sketch that has seen nothing.
    pub(super) fn new() -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 8);
        bytes.extend_from_slice(MAGIC);
        bytes.push(Form::Sparse as u8);
        bytes.resize(HEADER_BYTES, 0);
        sparse::append_empty(&mut bytes);
        Self { form: Form::Sparse, bytes }
    }

    /// Returns a copy of a sketch.
    pub(super) fn copy_of(sketch: SketchRef<'_>) -> Self {
        Self { form: sketch.form, bytes: sketch.bytes.to_vec() }
    }

    /// Returns its bytes.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    fn borrowed(&self) -> SketchRef<'_> {
        SketchRef { form: self.form, bytes: &self.bytes }
    }

    /// Makes it dense.
    pub(super) fn make_dense(&mut self) -> Result<(), Corrupted> {
        if self.form == Form::Sparse {
            let mut ranks = Ranks::new();
            ranks.merge(self.borrowed())?;
            self.bytes = ranks.dense_with_header(&self.bytes[..HEADER_BYTES]);
            self.form = Form::Dense;
        }
        Ok(())
    }

    /// Raises a register to a rank and says whether that changed it. A sparse sketch that would become
    /// longer than `sparse_bytes_max` becomes dense.
    pub(super) fn raise(
        &mut self,
        index: usize,
        rank: u8,
        sparse_bytes_max: usize,
    ) -> Result<bool, Corrupted> {
        if self.form == Form::Sparse {
            let outcome = if rank > sparse::RANK_MAX {
                Outcome::TooLong
            } else {
                sparse::raise(&mut self.bytes, HEADER_BYTES, (index, rank), sparse_bytes_max)?
            };
            if outcome != Outcome::TooLong {
                return Ok(outcome == Outcome::Raised);
            }
            self.make_dense()?;
        }
        let raised = dense::raised(&self.bytes[HEADER_BYTES..], index, rank);
        if let Some(raised) = &raised {
            let at = HEADER_BYTES + raised.at;
            self.bytes[at..at + raised.group.len()].copy_from_slice(&raised.group);
        }
        Ok(raised.is_some())
    }

    /// Raises all registers to those of others.
    pub(super) fn raise_all(
        &mut self,
        ranks: &Ranks,
        sparse_bytes_max: usize,
    ) -> Result<(), Corrupted> {
        for (index, &rank) in ranks.0.iter().enumerate() {
            if self.form == Form::Dense {
                // Whatever this sketch had seen before is part of the others.
                let mut all = Ranks(ranks.0.clone());
                all.merge(self.borrowed())?;
                self.bytes = all.dense_with_header(&self.bytes[..HEADER_BYTES]);
                return Ok(());
            }
            if rank > 0 {
                self.raise(index, rank, sparse_bytes_max)?;
            }
        }
        Ok(())
    }

    /// Says that the cached count no longer holds.
    pub(super) fn mark_stale(&mut self) {
        self.bytes[STALE_AT] |= STALE;
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Ranks, Sketch, SketchRef};
    use crate::commands::hyperloglog::element::Observation;

    fn sketch_of(count: u32, sparse_bytes_max: usize) -> Sketch {
        let mut sketch = Sketch::new();
        for number in 0..count {
            let seen = Observation::of(&number.to_le_bytes());
            sketch.raise(seen.index, seen.rank, sparse_bytes_max).expect("intact");
        }
        sketch
    }

    #[test]
    fn both_forms_hold_the_same_registers() {
        for count in [0, 1, 10, 1000, 3000] {
            let (sparse, dense) = (sketch_of(count, usize::MAX), sketch_of(count, 0));
            let (mut one, mut other) = (Ranks::new(), Ranks::new());
            one.merge(sparse.borrowed()).expect("intact");
            other.merge(dense.borrowed()).expect("intact");
            assert_eq!(one.as_slice(), other.as_slice());
            assert_eq!(sparse.borrowed().count(), dense.borrowed().count());
            assert_eq!(one.count(), sparse.borrowed().count().expect("intact"));
        }
    }

    #[test]
    fn a_sketch_becomes_dense_when_it_is_too_long() {
        assert_eq!(sketch_of(500, 3000).form, Form::Sparse);
        let dense = sketch_of(5000, 3000);
        assert_eq!(Form::of(dense.as_slice()), Some(Form::Dense));
        assert_eq!(dense.as_slice().len(), 12_304);
    }

    #[test]
    fn changed_bytes_never_panic() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..3000 {
            let mut bytes = sketch_of(random.u32(..300), 3000).as_slice().to_vec();
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..);
            }
            bytes.truncate(random.usize(..=bytes.len()));
            let Some(sketch) = SketchRef::new(&bytes) else { continue };
            let _ = sketch.count();
            let mut copy = Sketch::copy_of(sketch);
            let _ = copy.raise(random.usize(..16_384), random.u8(1..=51), 3000);
            let _ = copy.make_dense();
            let _ = Ranks::new().merge(copy.borrowed());
        }
    }
}
