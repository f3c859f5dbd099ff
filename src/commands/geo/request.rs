//! What a search is asked for: the area, the order, what is told of each member, where it is stored.

use super::arguments::{circle, position, rectangle};
use super::geohash::Position;
use super::shape::{Outline, Shape};
use crate::base::text;
use crate::engine::{Args, CommandError};
use crate::types::SortedSet;

/// The commands of the family; what each takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// GEORADIUS: center and radius stand in fixed places.
    Radius {
        may_store: bool,
    },
    /// GEORADIUSBYMEMBER.
    RadiusByMember {
        may_store: bool,
    },
    Search,
    SearchStore,
}

impl Dialect {
    const fn is_search(self) -> bool {
        matches!(self, Self::Search | Self::SearchStore)
    }

    /// Returns where the options begin.
    pub(super) const fn options_at(self) -> usize {
        match self {
            Self::Radius { .. } => 6,
            Self::RadiusByMember { .. } => 5,
            Self::Search => 2,
            Self::SearchStore => 3,
        }
    }

    /// Says whether STORE and STOREDIST name a key.
    const fn takes_store(self) -> bool {
        matches!(self, Self::Radius { may_store: true } | Self::RadiusByMember { may_store: true })
    }
}

/// The order of the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sorting {
    None,
    Ascending,
    Descending,
}

/// A search with its options.
#[derive(Debug)]
pub(super) struct Request {
    dialect: Dialect,
    center: Option<Position>,
    /// A center was named, though perhaps in a key that is not there.
    has_center: bool,
    outline: Option<Outline>,
    corners: Option<Vec<Position>>,
    /// Meters of the unit that distances are told in.
    pub(super) meters: f64,
    pub(super) sorting: Sorting,
    /// 0: all.
    pub(super) count: usize,
    /// The first members found will do.
    pub(super) any: bool,
    pub(super) with_distance: bool,
    pub(super) with_hash: bool,
    pub(super) with_position: bool,
    /// Position of the key that the result is stored under.
    pub(super) store_at: Option<usize>,
    pub(super) stores_distances: bool,
}

impl Request {
    /// Reads the arguments; `set` is what the key holds.
    ///
    /// # Errors
    /// They make no sense.
    pub(super) fn parse(
        args: Args<'_>,
        dialect: Dialect,
        set: Option<&SortedSet>,
    ) -> Result<Self, CommandError> {
        let mut request = Self {
            dialect,
            center: None,
            has_center: false,
            outline: None,
            corners: None,
            meters: 1.0,
            sorting: Sorting::None,
            count: 0,
            any: false,
            with_distance: false,
            with_hash: false,
            with_position: false,
            store_at: (dialect == Dialect::SearchStore).then_some(1),
            stores_distances: false,
        };
        request.read_fixed(args, set)?;
        let mut index = dialect.options_at();
        while index < args.len() {
            let taken = match request.flag(args.at(index)) {
                true => 1,
                false => request.option(args, index, set)?,
            };
            index += taken;
        }
        request.check(args)?;
        Ok(request)
    }

    /// Reads what stands in fixed places.
    fn read_fixed(&mut self, args: Args<'_>, set: Option<&SortedSet>) -> Result<(), CommandError> {
        match self.dialect {
            Dialect::Radius { .. } => self.center = Some(position(args, 2)?),
            Dialect::RadiusByMember { .. } => match set {
                // The options decide how the absence of the key is replied to.
                None => return Ok(()),
                Some(set) => self.center = Some(place_of(set, args.at(2))?),
            },
            Dialect::Search | Dialect::SearchStore => return Ok(()),
        }
        let (outline, meters) = circle(args, self.dialect.options_at() - 2)?;
        (self.outline, self.meters) = (Some(outline), meters);
        Ok(())
    }

    /// Reads an option that is one word.
    fn flag(&mut self, word: &[u8]) -> bool {
        match word.to_ascii_uppercase().as_slice() {
            b"WITHDIST" => self.with_distance = true,
            b"WITHHASH" => self.with_hash = true,
            b"WITHCOORD" => self.with_position = true,
            b"ANY" => self.any = true,
            b"ASC" => self.sorting = Sorting::Ascending,
            b"DESC" => self.sorting = Sorting::Descending,
            b"STOREDIST" if self.dialect == Dialect::SearchStore => self.stores_distances = true,
            _ => return false,
        }
        true
    }

    /// Reads an option with its values and returns how many arguments it takes.
    fn option(
        &mut self,
        args: Args<'_>,
        index: usize,
        set: Option<&SortedSet>,
    ) -> Result<usize, CommandError> {
        let values = args.len() - index - 1;
        let word = args.at(index).to_ascii_uppercase();
        match word.as_slice() {
            b"COUNT" if values >= 1 => {
                let count = text::parse_i64(args.at(index + 1));
                let count = count.ok_or(CommandError::NotAnInteger)?;
                self.count = usize::try_from(count)
                    .ok()
                    .filter(|&count| count > 0)
                    .ok_or(CommandError::refused("ERR COUNT must be > 0"))?;
                Ok(2)
            }
            b"STORE" | b"STOREDIST" if values >= 1 && self.dialect.takes_store() => {
                self.store_at = Some(index + 1);
                self.stores_distances = word == b"STOREDIST";
                Ok(2)
            }
            _ if self.dialect.is_search() => self.search_option(&word, args, index, set),
            _ => Err(CommandError::Syntax),
        }
    }

    /// Reads one of the options that say where GEOSEARCH searches.
    fn search_option(
        &mut self,
        word: &[u8],
        args: Args<'_>,
        index: usize,
        set: Option<&SortedSet>,
    ) -> Result<usize, CommandError> {
        let values = args.len() - index - 1;
        let is_circle = matches!(self.outline, Some(Outline::Circle { .. }));
        let is_box = matches!(self.outline, Some(Outline::Box { .. }));
        let is_polygon = self.corners.is_some();
        let names_member = self.has_center && self.center_is_member(args);
        match word {
            b"FROMMEMBER" if values >= 1 && !is_polygon => {
                if self.has_center && !names_member {
                    return Err(CommandError::Syntax);
                }
                if let Some(set) = set {
                    self.center = Some(place_of(set, args.at(index + 1))?);
                }
                self.has_center = true;
                Ok(2)
            }
            b"FROMLONLAT" if values >= 2 && !is_polygon => {
                if names_member {
                    return Err(CommandError::Syntax);
                }
                self.center = Some(position(args, index + 1)?);
                self.has_center = true;
                Ok(3)
            }
            b"BYRADIUS" if values >= 2 && !is_box && !is_polygon => {
                let (outline, meters) = circle(args, index + 1)?;
                (self.outline, self.meters) = (Some(outline), meters);
                Ok(3)
            }
            b"BYBOX" if values >= 3 && !is_circle && !is_polygon => {
                let (outline, meters) = rectangle(args, index + 1)?;
                (self.outline, self.meters) = (Some(outline), meters);
                Ok(4)
            }
            b"BYPOLYGON" if values >= 1 && !is_circle && !is_box && !self.has_center => {
                let corners = polygon(args, index + 1)?;
                let taken = 2 + 2 * corners.len();
                self.corners = Some(corners);
                Ok(taken)
            }
            _ => Err(CommandError::Syntax),
        }
    }

    /// Says whether the first center named is a member.
    fn center_is_member(&self, args: Args<'_>) -> bool {
        let options = self.dialect.options_at()..args.len();
        let named = |index: usize| {
            let is_member = args.is_word(index, "FROMMEMBER");
            (is_member || args.is_word(index, "FROMLONLAT")).then_some(is_member)
        };
        options.into_iter().find_map(named).unwrap_or(false)
    }

    /// Checks what the options have to do with each other.
    fn check(&self, args: Args<'_>) -> Result<(), CommandError> {
        let tells = self.with_distance || self.with_hash || self.with_position;
        if self.store_at.is_some() && tells {
            let who = match self.dialect {
                Dialect::SearchStore => "GEOSEARCHSTORE",
                _ => "STORE option in GEORADIUS",
            };
            return Err(CommandError::refused_with(format!(
                "ERR {who} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        if self.dialect.is_search() && !self.has_center && self.corners.is_none() {
            return Err(CommandError::quoting(
                "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ",
                args.at(0),
                "",
            ));
        }
        if self.dialect.is_search() && self.outline.is_none() && self.corners.is_none() {
            return Err(CommandError::quoting(
                "ERR exactly one of BYRADIUS and BYBOX can be specified for ",
                args.at(0),
                "",
            ));
        }
        if self.any && self.count == 0 {
            return Err(CommandError::refused("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }

    /// Returns the area; `None` if the center is a member of a key that is not there.
    pub(super) fn shape(&self) -> Option<Shape> {
        if let Some(corners) = &self.corners {
            return Some(Shape::polygon(corners.clone()));
        }
        Some(Shape { center: self.center?, outline: self.outline.clone()? })
    }
}

fn place_of(set: &SortedSet, member: &[u8]) -> Result<Position, CommandError> {
    let score = set.score(member);
    score
        .map(Position::of_score)
        .ok_or(CommandError::refused("ERR could not decode requested zset member"))
}

/// Reads a number of corners and the corners.
fn polygon(args: Args<'_>, index: usize) -> Result<Vec<Position>, CommandError> {
    const CORNERS_MIN: usize = 3;
    let count = text::parse_i64(args.at(index)).and_then(|count| i32::try_from(count).ok());
    let count = count.ok_or(CommandError::refused("ERR invalid number of vertices"))?;
    let count = usize::try_from(count).unwrap_or(0);
    let given = (args.len() - index - 1) / 2;
    if count < CORNERS_MIN || count > given {
        return Err(CommandError::refused("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices"));
    }
    (0..count).map(|corner| position(args, index + 1 + 2 * corner)).collect()
}
