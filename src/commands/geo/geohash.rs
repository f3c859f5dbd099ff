//! Geohashes: a place as one number, whose bits are those of latitude and longitude in turns, so that
//! near places mostly have near numbers. A sorted set keeps them as scores of 52 bits.
//!
//! Source: G. Morton, "A computer oriented geodetic data base", IBM, 1966; G. Niemeyer, geohash.org, 2008.

/// Longitudes and latitudes that can be kept, in degrees; the map is cut off near the poles.
pub(super) const LONGITUDE_MAX: f64 = 180.0;
pub(super) const LATITUDE_MAX: f64 = 85.05112878;
/// Latitudes of the hashes other systems use.
const STANDARD_LATITUDE_MAX: f64 = 90.0;

/// Bits of each coordinate in a score.
pub(super) const STEPS_MAX: u32 = 26;
/// Bits of a score.
const SCORE_BITS: u32 = 2 * STEPS_MAX;

/// Letters of a geohash as text, and how many there are.
const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
const LETTER_BITS: u32 = 5;
const LETTERS: usize = 11;

/// A place in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Position {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

/// A rectangle of the map that has a hash of its own: a cell of the grid with 2^steps columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    row: u32,
    column: u32,
    steps: u32,
}

/// The edges of a cell, in degrees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edges {
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) south: f64,
    pub(super) north: f64,
}

#[expect(clippy::cast_possible_truncation, reason = "a fraction of the number of columns or rows")]
#[expect(clippy::cast_sign_loss, reason = "positions lie within the map")]
fn index(degrees: f64, limit: f64, steps: u32) -> u32 {
    let share = (degrees + limit) / (2.0 * limit);
    (share * f64::from(1_u32 << steps)) as u32
}

/// Returns the bits of a score. One that stands for no place gives what it gives in the originals: negative
/// integers are bits, too.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked, or cut off on purpose")]
fn bits_of(score: f64) -> u64 {
    const SIGNED_END: f64 = 9_223_372_036_854_775_808.0;
    if score < SIGNED_END {
        (score as i64).cast_unsigned()
    } else if score < 2.0 * SIGNED_END {
        ((score - SIGNED_END) as i64).cast_unsigned() | 1 << 63
    } else {
        0
    }
}

/// Spreads 32 bits over the even ones of 64.
fn spread(number: u32) -> u64 {
    let mut bits = u64::from(number);
    for (shift, mask) in [
        (16, 0x0000_FFFF_0000_FFFF),
        (8, 0x00FF_00FF_00FF_00FF),
        (4, 0x0F0F_0F0F_0F0F_0F0F),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

/// Gathers the even bits.
#[expect(clippy::cast_possible_truncation, reason = "32 bits are left")]
fn gather(bits: u64) -> u32 {
    let mut bits = bits & 0x5555_5555_5555_5555;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0F0F_0F0F_0F0F_0F0F),
        (4, 0x00FF_00FF_00FF_00FF),
        (8, 0x0000_FFFF_0000_FFFF),
        (16, 0x0000_0000_FFFF_FFFF),
    ] {
        bits = (bits | bits >> shift) & mask;
    }
    bits as u32
}

impl Position {
    /// Returns the position, if it is on the map.
    pub(super) fn new(longitude: f64, latitude: f64) -> Option<Self> {
        let is_on_map = (-LONGITUDE_MAX..=LONGITUDE_MAX).contains(&longitude)
            && (-LATITUDE_MAX..=LATITUDE_MAX).contains(&latitude);
        is_on_map.then_some(Self { longitude, latitude })
    }

    /// Returns the middle of the cell a score stands for.
    pub(super) fn of_score(score: f64) -> Self {
        let bits = bits_of(score);
        let cell = Cell { row: gather(bits), column: gather(bits >> 1), steps: STEPS_MAX };
        let edges = cell.edges();
        let longitude = f64::midpoint(edges.west, edges.east);
        let latitude = f64::midpoint(edges.south, edges.north);
        Self {
            longitude: longitude.clamp(-LONGITUDE_MAX, LONGITUDE_MAX),
            latitude: latitude.clamp(-LATITUDE_MAX, LATITUDE_MAX),
        }
    }

    /// Returns the score that stands for the position.
    pub(super) fn score(self) -> u64 {
        Cell::at(self, STEPS_MAX).bits()
    }

    /// Returns the geohash as text, as other systems write it: 11 letters, the last one always `0`.
    pub(super) fn text(self) -> [u8; LETTERS] {
        let row = index(self.latitude, STANDARD_LATITUDE_MAX, STEPS_MAX);
        let column = index(self.longitude, LONGITUDE_MAX, STEPS_MAX);
        let bits = Cell { row, column, steps: STEPS_MAX }.bits();
        let mut text = [ALPHABET[0]; LETTERS];
        let mut shift = SCORE_BITS;
        for letter in &mut text[..LETTERS - 1] {
            shift -= LETTER_BITS;
            *letter = ALPHABET[usize::from((bits >> shift).to_le_bytes()[0] & 0x1F)];
        }
        text
    }
}

impl Cell {
    /// Returns the cell of a grid that holds a position.
    pub(super) fn at(position: Position, steps: u32) -> Self {
        let row = index(position.latitude, LATITUDE_MAX, steps);
        let column = index(position.longitude, LONGITUDE_MAX, steps);
        Self { row, column, steps }
    }

    fn bits(self) -> u64 {
        spread(self.row) | spread(self.column) << 1
    }

    /// Returns the cell so many columns and rows away; the grid is a ring both ways.
    pub(super) fn neighbour(self, columns: i32, rows: i32) -> Self {
        let mask = (1 << self.steps) - 1;
        Self {
            row: self.row.wrapping_add_signed(rows) & mask,
            column: self.column.wrapping_add_signed(columns) & mask,
            ..self
        }
    }

    /// Returns the scores of positions in the cell: from the first up to, not including, the second.
    #[expect(clippy::cast_precision_loss, reason = "scores have 52 bits, and the end one more")]
    pub(super) fn scores(self) -> (f64, f64) {
        let shift = SCORE_BITS - 2 * self.steps;
        ((self.bits() << shift) as f64, ((self.bits() + 1) << shift) as f64)
    }

    pub(super) fn edges(self) -> Edges {
        let count = f64::from(1_u32 << self.steps);
        let edge = |index: u32, more: f64, limit: f64| {
            -limit + ((f64::from(index) + more) / count) * (2.0 * limit)
        };
        Edges {
            west: edge(self.column, 0.0, LONGITUDE_MAX),
            east: edge(self.column, 1.0, LONGITUDE_MAX),
            south: edge(self.row, 0.0, LATITUDE_MAX),
            north: edge(self.row, 1.0, LATITUDE_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Position};

    const PALERMO: Position = Position { longitude: 13.361389, latitude: 38.115556 };

    #[test]
    fn a_score_and_a_text_stand_for_a_place() {
        assert_eq!(PALERMO.score(), 3_479_099_956_230_698);
        let decoded = Position::of_score(3_479_099_956_230_698.0);
        assert_eq!(decoded.longitude, 13.361389338970184);
        assert_eq!(decoded.latitude, 38.1155563954963);
        assert_eq!(&decoded.text(), b"sqc8b49rny0");
    }

    #[test]
    fn decoding_and_encoding_again_changes_nothing() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..10_000 {
            let position = Position {
                longitude: random.f64() * 360.0 - 180.0,
                latitude: random.f64() * 170.0 - 85.0,
            };
            #[expect(clippy::cast_precision_loss, reason = "52 bits")]
            let decoded = Position::of_score(position.score() as f64);
            assert_eq!(decoded.score(), position.score());
            assert!((decoded.longitude - position.longitude).abs() < 1e-5);
            let (first, end) = Cell::at(position, 7).scores();
            #[expect(clippy::cast_precision_loss, reason = "52 bits")]
            let score = position.score() as f64;
            assert!(first <= score && score < end);
        }
    }

    #[test]
    fn neighbours_go_around_the_map() {
        let cell = Cell { row: 0, column: 0, steps: 3 };
        assert_eq!(cell.neighbour(-1, -1), Cell { row: 7, column: 7, steps: 3 });
        assert_eq!(cell.neighbour(-1, -1).neighbour(1, 1), cell);
    }
}
