//! Areas to search in, and distances on the globe.
//!
//! Source: R. Sinnott, "Virtues of the haversine", 1984; W. R. Franklin, "PNPOLY: point inclusion in
//! polygon test", 1970.

use super::geohash::{Cell, Edges, LATITUDE_MAX, Position, STEPS_MAX};

/// The radius of the globe in meters.
const EARTH_RADIUS: f64 = 6_372_797.560856;
/// Half the width of the map in meters.
const MAP_HALF: f64 = 20_037_726.37;
/// Latitudes from which on cells are so narrow that a search takes larger ones.
const NARROW_LATITUDES: [f64; 2] = [66.0, 80.0];

const RADIANS: f64 = std::f64::consts::PI / 180.0;

fn radians(degrees: f64) -> f64 {
    degrees * RADIANS
}

fn degrees(radians: f64) -> f64 {
    radians / RADIANS
}

fn latitude_distance(from: f64, to: f64) -> f64 {
    EARTH_RADIUS * (radians(to) - radians(from)).abs()
}

/// Returns the distance of two places in meters.
pub(super) fn distance(from: Position, to: Position) -> f64 {
    let half_longitude = ((radians(to.longitude) - radians(from.longitude)) / 2.0).sin();
    if half_longitude == 0.0 {
        return latitude_distance(from.latitude, to.latitude);
    }
    let (from_latitude, to_latitude) = (radians(from.latitude), radians(to.latitude));
    let half_latitude = ((to_latitude - from_latitude) / 2.0).sin();
    let share = half_latitude * half_latitude
        + from_latitude.cos() * to_latitude.cos() * half_longitude * half_longitude;
    2.0 * EARTH_RADIUS * share.sqrt().asin()
}

/// The outline of an area; lengths in meters.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outline {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
    Polygon { corners: Vec<Position> },
}

/// An area around a center.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) center: Position,
    pub(super) outline: Outline,
}

impl Shape {
    /// Returns a polygon's area, whose center is the mean direction of its corners.
    pub(super) fn polygon(corners: Vec<Position>) -> Self {
        let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
        for corner in &corners {
            let (longitude, latitude) = (radians(corner.longitude), radians(corner.latitude));
            x += latitude.cos() * longitude.cos();
            y += latitude.cos() * longitude.sin();
            z += latitude.sin();
        }
        let latitude = f64::atan2(z, (x * x + y * y).sqrt());
        let center = Position { longitude: degrees(f64::atan2(y, x)), latitude: degrees(latitude) };
        Self { center, outline: Outline::Polygon { corners } }
    }

    /// Returns the distance of a place from the center in meters, if it is in the area.
    pub(super) fn distance_within(&self, place: Position) -> Option<f64> {
        match &self.outline {
            Outline::Circle { radius } => {
                Some(distance(self.center, place)).filter(|distance| distance <= radius)
            }
            Outline::Box { width, height } => {
                if latitude_distance(place.latitude, self.center.latitude) > height / 2.0 {
                    return None;
                }
                let beside = Position { longitude: self.center.longitude, ..place };
                let is_within = distance(place, beside) <= width / 2.0;
                is_within.then(|| distance(self.center, place))
            }
            Outline::Polygon { corners } => {
                is_inside(corners, place).then(|| distance(self.center, place))
            }
        }
    }

    /// Returns the cells that cover the area, the center's first.
    pub(super) fn cells(&self) -> Vec<Cell> {
        /// North, south, east, west, then the corners.
        const AROUND: [(i32, i32); 8] =
            [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];
        let bounds = self.bounds();
        let latitude = self.center.latitude.clamp(-LATITUDE_MAX, LATITUDE_MAX);
        let center = Position { latitude, ..self.center };
        let mut steps = steps_for(self.reach(&bounds), latitude);
        let mut cell = Cell::at(center, steps);
        if steps > 1 && !reaches(cell, &bounds) {
            steps -= 1;
            cell = Cell::at(center, steps);
        }
        let edges = cell.edges();
        let mut cells = vec![cell];
        for (columns, rows) in AROUND {
            // With very few cells a neighbour may be needed on either side.
            let is_useless = steps >= 2
                && (rows < 0 && edges.south < bounds.south
                    || rows > 0 && edges.north > bounds.north
                    || columns < 0 && edges.west < bounds.west
                    || columns > 0 && edges.east > bounds.east);
            if !is_useless {
                let neighbour = cell.neighbour(columns, rows);
                if !cells.contains(&neighbour) {
                    cells.push(neighbour);
                }
            }
        }
        cells
    }

    /// Returns the edges of a rectangle around the area.
    fn bounds(&self) -> Edges {
        let Position { longitude, latitude } = self.center;
        let (half_width, half_height) = match &self.outline {
            Outline::Circle { radius } => (*radius, *radius),
            Outline::Box { width, height } => (width / 2.0, height / 2.0),
            Outline::Polygon { corners } => return bounds_of(corners),
        };
        let height = degrees(half_height / EARTH_RADIUS);
        // A degree of longitude is shortest at the edge that is nearer to a pole.
        let nearer = if latitude < 0.0 { latitude - height } else { latitude + height };
        let width = degrees(half_width / EARTH_RADIUS / radians(nearer).cos());
        Edges {
            west: longitude - width,
            east: longitude + width,
            south: latitude - height,
            north: latitude + height,
        }
    }

    /// Returns how far from the center the area reaches, in meters.
    fn reach(&self, bounds: &Edges) -> f64 {
        match &self.outline {
            Outline::Circle { radius } => *radius,
            Outline::Box { width, height } => {
                ((width / 2.0) * (width / 2.0) + (height / 2.0) * (height / 2.0)).sqrt()
            }
            Outline::Polygon { .. } => {
                let places = [
                    (bounds.west, bounds.south),
                    (bounds.west, bounds.north),
                    (bounds.east, bounds.south),
                    (bounds.east, bounds.north),
                ];
                let distances = places.map(|(longitude, latitude)| {
                    distance(self.center, Position { longitude, latitude })
                });
                distances.into_iter().fold(0.0, f64::max)
            }
        }
    }
}

fn bounds_of(corners: &[Position]) -> Edges {
    let none = Edges {
        west: f64::INFINITY,
        east: f64::NEG_INFINITY,
        south: f64::INFINITY,
        north: f64::NEG_INFINITY,
    };
    corners.iter().fold(none, |edges, corner| Edges {
        west: edges.west.min(corner.longitude),
        east: edges.east.max(corner.longitude),
        south: edges.south.min(corner.latitude),
        north: edges.north.max(corner.latitude),
    })
}

/// Says whether a ray from the place crosses the outline an odd number of times.
fn is_inside(corners: &[Position], place: Position) -> bool {
    let Some(mut last) = corners.last() else { return false };
    let mut is_inside = false;
    for corner in corners {
        let crosses = (corner.latitude > place.latitude) != (last.latitude > place.latitude);
        let share = (place.latitude - corner.latitude) / (last.latitude - corner.latitude);
        let crossing = (last.longitude - corner.longitude) * share + corner.longitude;
        if crosses && place.longitude < crossing {
            is_inside = !is_inside;
        }
        last = corner;
    }
    is_inside
}

/// Returns the finest grid of which a cell and its neighbours cover so many meters around.
fn steps_for(mut reach: f64, latitude: f64) -> u32 {
    if reach == 0.0 {
        return STEPS_MAX;
    }
    let mut steps: u32 = 1;
    while reach < MAP_HALF {
        reach *= 2.0;
        steps += 1;
    }
    let narrow = NARROW_LATITUDES.iter().filter(|&&limit| latitude.abs() > limit).count();
    let coarser = 2 + if narrow == 2 { 2 } else { u32::from(narrow == 1) };
    steps.saturating_sub(coarser).clamp(1, STEPS_MAX)
}

/// Says whether the neighbours of a cell reach beyond the bounds.
fn reaches(cell: Cell, bounds: &Edges) -> bool {
    cell.neighbour(0, 1).edges().north >= bounds.north
        && cell.neighbour(0, -1).edges().south <= bounds.south
        && cell.neighbour(1, 0).edges().east >= bounds.east
        && cell.neighbour(-1, 0).edges().west <= bounds.west
}

#[cfg(test)]
mod tests {
    use super::{Outline, Shape, distance};
    use crate::commands::geo::geohash::Position;

    #[test]
    fn distances_are_those_of_the_originals() {
        let palermo = Position { longitude: 13.361389338970184, latitude: 38.1155563954963 };
        let catania = Position { longitude: 15.087267458438873, latitude: 37.50266842333162 };
        assert_eq!(format!("{:.4}", distance(palermo, catania)), "166274.1516");
        assert_eq!(distance(palermo, palermo), 0.0);
    }

    #[test]
    fn the_cells_hold_every_place_of_an_area() {
        let mut random = fastrand::Rng::with_seed(11);
        let place = |random: &mut fastrand::Rng| Position {
            longitude: random.f64() * 360.0 - 180.0,
            latitude: random.f64() * 170.0 - 85.0,
        };
        for _ in 0..300 {
            let center = place(&mut random);
            let size = 10_f64.powf(random.f64() * 4.0 + 2.0);
            let outline = match random.bool() {
                true => Outline::Circle { radius: size },
                false => Outline::Box { width: size, height: size / 2.0 },
            };
            let shape = Shape { center, outline };
            // Beyond, the originals miss places across the date line, too.
            let reach = size / 111_000.0 / center.latitude.to_radians().cos();
            if center.longitude.abs() + 2.0 * reach > 180.0 || center.latitude.abs() > 80.0 {
                continue;
            }
            let cells = shape.cells();
            for _ in 0..50 {
                let near = Position {
                    longitude: center.longitude + (random.f64() - 0.5) * 2.0 * reach,
                    latitude: center.latitude + (random.f64() - 0.5) * 2.0 * size / 111_000.0,
                };
                #[expect(clippy::cast_precision_loss, reason = "52 bits")]
                let score = near.score() as f64;
                let is_covered = cells.iter().any(|cell| {
                    let (first, end) = cell.scores();
                    first <= score && score < end
                });
                assert!(is_covered || shape.distance_within(near).is_none(), "{shape:?} {near:?}");
            }
        }
    }
}
