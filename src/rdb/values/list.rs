//! Lists: the pieces they consist of, as they are.

use std::io::{self, BufRead, Write};

use bytes::Bytes;

use super::Form;
use super::packs::packed;
use crate::rdb::codes::{VERSION_BASE, kind};
use crate::rdb::error::RdbError;
use crate::rdb::input::Input;
use crate::rdb::legacy::unpack_ziplist;
use crate::rdb::output::Output;
use crate::types::{End, List, ListLimits, NodeRef, Packed, StringRef};

/// A piece that is one large element.
const PLAIN: u64 = 1;
/// A piece that is a listpack.
const PACKED: u64 = 2;

/// How lists are written.
pub(super) const FORM: Form = Form { kind: kind::LIST_QUICKLIST_2, version: VERSION_BASE };

/// Writes a list.
pub(super) fn encode<W: Write>(list: &List, output: &mut Output<W>) -> io::Result<()> {
    output.len(list.node_count())?;
    for node in list.nodes() {
        match node {
            NodeRef::Packed(packed) => {
                output.count(PACKED)?;
                output.blob(packed.as_bytes())?;
            }
            NodeRef::Large(bytes) => {
                output.count(PLAIN)?;
                output.blob(bytes)?;
            }
        }
    }
    Ok(())
}

/// Reads a list written element by element.
pub(super) fn decode<R: BufRead>(
    input: &mut Input<R>,
    limits: &ListLimits,
) -> Result<List, RdbError> {
    let mut list = List::new();
    for _ in 0..input.count()? {
        list.push(End::Back, StringRef::Text(&input.string()?), limits);
    }
    Ok(list)
}

/// Reads a list of listpacks and large elements.
pub(super) fn decode_pieces<R: BufRead>(
    input: &mut Input<R>,
    limits: &ListLimits,
) -> Result<List, RdbError> {
    let mut list = List::new();
    for _ in 0..input.count()? {
        match input.count()? {
            PLAIN => list.append_large(Bytes::from(input.string()?)),
            PACKED => list.append_packed(packed(input)?),
            _ => return Err(RdbError::Corrupt("an unknown piece of a list")),
        }
    }
    list.settle(limits);
    Ok(list)
}

/// Reads a list of ziplists.
pub(super) fn decode_ziplists<R: BufRead>(
    input: &mut Input<R>,
    limits: &ListLimits,
) -> Result<List, RdbError> {
    let mut list = List::new();
    for _ in 0..input.count()? {
        list.append_packed(unpack_ziplist(&input.string()?)?);
    }
    list.settle(limits);
    Ok(list)
}

/// Takes the items of one ziplist for a list.
pub(super) fn of_packed(packed: Packed, limits: &ListLimits) -> List {
    let mut list = List::new();
    list.append_packed(packed);
    list.settle(limits);
    list
}
