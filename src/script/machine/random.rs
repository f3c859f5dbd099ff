//! The random numbers of scripts: a script that seeds its own gets the same ones in each run.
//!
//! Algorithm: `drand48` of System V: a linear congruential generator of 48 bits, of which `math.random`
//! takes the upper 31.

use std::cell::Cell;

use mlua::{Lua, MultiValue, Value};

use super::arguments::{complain, number};

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const INCREMENT: u64 = 0xB;
const STATE_MASK: u64 = (1 << 48) - 1;
/// What a seed is completed with.
const SEED_LOW: u64 = 0x330E;
/// The greatest number that is drawn.
const GREATEST: i32 = i32::MAX;

/// A generator of its own for each machine, and the one that a script has seeded for itself.
#[derive(Debug)]
pub(super) struct Random {
    own: Cell<u64>,
    seeded: Cell<Option<u64>>,
}

impl Default for Random {
    fn default() -> Self {
        Self { own: Cell::new(fastrand::u64(..) & STATE_MASK), seeded: Cell::new(None) }
    }
}

impl Random {
    /// Drops the sequence that the last script has chosen.
    pub(super) fn forget_seed(&self) {
        self.seeded.set(None);
    }

    /// Starts the sequence that belongs to a seed, for the running script.
    fn seed(&self, seed: i32) {
        let high = u64::from(seed.cast_unsigned());
        self.seeded.set(Some(((high << 16) | SEED_LOW) & STATE_MASK));
    }

    /// Draws a number of 31 bits.
    fn draw(&self) -> i32 {
        let state = self.seeded.get().unwrap_or_else(|| self.own.get());
        let next = state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT) & STATE_MASK;
        if self.seeded.get().is_some() {
            self.seeded.set(Some(next));
        } else {
            self.own.set(next);
        }
        i32::try_from(next >> 17).unwrap_or(GREATEST)
    }

    /// Draws a number in [0, 1).
    fn fraction(&self) -> f64 {
        f64::from(self.draw() % GREATEST) / f64::from(GREATEST)
    }
}

/// `math.random`: a fraction, or a whole number from 1 or from a lower bound on.
pub(super) fn random(lua: &Lua, random: &Random, args: &MultiValue) -> mlua::Result<f64> {
    let fraction = random.fraction();
    let (low, high, position) = match args.len() {
        0 => return Ok(fraction),
        1 => (1, int(lua, args, 1)?, 1),
        2 => (int(lua, args, 1)?, int(lua, args, 2)?, 2),
        _ => return Err(complain(lua, "wrong number of arguments")),
    };
    if low > high {
        let text = format!("bad argument #{position} to 'random' (interval is empty)");
        return Err(complain(lua, &text));
    }
    let span = f64::from(high) - f64::from(low) + 1.0;
    Ok((fraction * span).floor() + f64::from(low))
}

/// `math.randomseed`: the same sequence for the same seed, until the script ends.
pub(super) fn randomseed(lua: &Lua, random: &Random, args: &MultiValue) -> mlua::Result<()> {
    if args.is_empty() {
        let text = "bad argument #1 to 'randomseed' (number expected, got no value)";
        return Err(complain(lua, text));
    }
    let seed = number(lua, &args[0]).ok_or_else(|| mistyped(lua, "randomseed", 1, &args[0]))?;
    random.seed(truncated(seed));
    Ok(())
}

fn int(lua: &Lua, args: &MultiValue, position: usize) -> mlua::Result<i32> {
    let value = &args[position - 1];
    number(lua, value).map(truncated).ok_or_else(|| mistyped(lua, "random", position, value))
}

fn mistyped(lua: &Lua, name: &str, position: usize, value: &Value) -> mlua::Error {
    let found = value.type_name();
    complain(lua, &format!("bad argument #{position} to '{name}' (number expected, got {found})"))
}

/// Keeps the lower 32 bits of a number's whole part.
#[expect(clippy::cast_possible_truncation, reason = "Lua's own functions count in ints")]
fn truncated(number: f64) -> i32 {
    number as i64 as i32
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn a_seed_gives_the_sequence_of_drand48() {
        let random = Random::default();
        random.seed(1);
        assert!((random.fraction() - 0.041_630_344_484_760_586).abs() < 1e-15);
        assert!((random.fraction() - 0.454_492_444_849_802_4).abs() < 1e-15);
        assert_eq!(random.draw(), 1_792_756_325);
    }

    #[test]
    fn a_script_without_a_seed_gets_what_comes_next() {
        let random = Random::default();
        random.seed(5);
        let seeded = random.draw();
        random.forget_seed();
        let own = random.draw();
        random.seed(5);
        assert_eq!(random.draw(), seeded);
        random.forget_seed();
        assert_ne!(random.draw(), own);
    }
}
