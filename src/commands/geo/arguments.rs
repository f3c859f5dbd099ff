//! How places, lengths and units are written.

use super::geohash::Position;
use super::shape::Outline;
use crate::commands::sorted_set::{double, parse_double};
use crate::engine::{Args, Argument, CommandError};

/// Units of length in COMMAND DOCS.
pub(super) const UNITS: &[Argument] = &[
    Argument::word("m", "M"),
    Argument::word("km", "KM"),
    Argument::word("ft", "FT"),
    Argument::word("mi", "MI"),
];

/// Returns the place two arguments name.
///
/// # Errors
/// They are no numbers, or the place is not on the map.
pub(super) fn position(args: Args<'_>, index: usize) -> Result<Position, CommandError> {
    let (longitude, latitude) = (double(args.at(index))?, double(args.at(index + 1))?);
    Position::new(longitude, latitude).ok_or_else(|| {
        CommandError::refused_with(format!(
            "ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"
        ))
    })
}

/// Returns the meters of a unit.
///
/// # Errors
/// There is no such unit.
pub(super) fn unit(word: &[u8]) -> Result<f64, CommandError> {
    match word.to_ascii_lowercase().as_slice() {
        b"m" => Ok(1.0),
        b"km" => Ok(1000.0),
        b"ft" => Ok(0.3048),
        b"mi" => Ok(1609.34),
        _ => Err(CommandError::refused("ERR unsupported unit provided. please use M, KM, FT, MI")),
    }
}

/// Returns the circle that a radius and a unit describe, and the meters of the unit.
///
/// # Errors
/// The radius is no number or negative; there is no such unit.
pub(super) fn circle(args: Args<'_>, index: usize) -> Result<(Outline, f64), CommandError> {
    let radius =
        parse_double(args.at(index)).ok_or(CommandError::refused("ERR need numeric radius"))?;
    if radius < 0.0 {
        return Err(CommandError::refused("ERR radius cannot be negative"));
    }
    let meters = unit(args.at(index + 1))?;
    Ok((Outline::Circle { radius: radius * meters }, meters))
}

/// Returns the box that a width, a height and a unit describe, and the meters of the unit.
///
/// # Errors
/// A length is no number or negative; there is no such unit.
pub(super) fn rectangle(args: Args<'_>, index: usize) -> Result<(Outline, f64), CommandError> {
    let width =
        parse_double(args.at(index)).ok_or(CommandError::refused("ERR need numeric width"))?;
    let height =
        parse_double(args.at(index + 1)).ok_or(CommandError::refused("ERR need numeric height"))?;
    if width < 0.0 || height < 0.0 {
        return Err(CommandError::refused("ERR height or width cannot be negative"));
    }
    let meters = unit(args.at(index + 2))?;
    Ok((Outline::Box { width: width * meters, height: height * meters }, meters))
}

/// Returns a distance with four digits behind the point.
#[expect(clippy::cast_possible_truncation, reason = "distances on the globe are small")]
pub(super) fn distance_text(distance: f64) -> String {
    const SCALE: i64 = 10_000;
    let scaled = (distance * 10_000.0).round() as i64;
    format!("{}.{:04}", scaled / SCALE, scaled % SCALE)
}
