//! Streams: their blocks as they are, then what is remembered of deleted entries, then the groups.

use std::io::{self, BufRead, Write};

use super::Form;
use super::packs::as_packed;
use crate::rdb::codes::{VERSION_ACTIVITY, VERSION_BASE, kind};
use crate::rdb::error::RdbError;
use crate::rdb::input::Input;
use crate::rdb::output::Output;
use crate::types::{
    Consumer, Group, GroupEditing, Pending, Stream, StreamId, StreamLog, StreamMarks,
};

const ID_BYTES: usize = 16;
/// What stands for a count or a time that is not known.
const UNKNOWN: u64 = u64::MAX;

/// Returns how a stream is written. The older form has one time for each consumer.
pub(super) fn form(stream: &Stream) -> Form {
    let has_one_time = |consumer: &Consumer| consumer.active_ms == Some(consumer.seen_ms);
    let mut groups = stream.groups().iter();
    if groups.all(|group| group.consumers().all(|(_, consumer)| has_one_time(consumer))) {
        Form { kind: kind::STREAM_2, version: VERSION_BASE }
    } else {
        Form { kind: kind::STREAM_3, version: VERSION_ACTIVITY }
    }
}

/// Writes a stream in its form.
pub(super) fn encode<W: Write>(stream: &Stream, output: &mut Output<W>) -> io::Result<()> {
    let log = stream.log();
    output.len(log.block_count())?;
    for (first, bytes) in log.blocks() {
        output.blob(&id_bytes(first))?;
        output.blob(bytes)?;
    }
    let marks = log.marks();
    output.count(log.len())?;
    encode_id(marks.last_id, output)?;
    encode_id(log.first_id(), output)?;
    encode_id(marks.max_deleted_id, output)?;
    output.count(marks.entries_added)?;
    let has_activity = form(stream).kind == kind::STREAM_3;
    output.len(stream.groups().len())?;
    stream.groups().iter().try_for_each(|group| encode_group(group, has_activity, output))
}

fn encode_group<W: Write>(
    group: &Group,
    has_activity: bool,
    output: &mut Output<W>,
) -> io::Result<()> {
    output.string(group.name())?;
    encode_id(group.last_id, output)?;
    output.count(group.entries_read.unwrap_or(UNKNOWN))?;
    output.len(group.pending().len())?;
    for (&id, pending) in group.pending() {
        output.raw(&id_bytes(id))?;
        output.u64(pending.delivered_ms)?;
        output.count(pending.delivery_count)?;
    }
    output.len(group.consumer_count())?;
    for (_, consumer) in group.consumers() {
        output.string(consumer.name())?;
        output.u64(consumer.seen_ms)?;
        if has_activity {
            output.u64(consumer.active_ms.unwrap_or(UNKNOWN))?;
        }
        output.len(consumer.pending().len())?;
        for &id in consumer.pending() {
            output.raw(&id_bytes(id))?;
        }
    }
    Ok(())
}

fn id_bytes(id: StreamId) -> [u8; ID_BYTES] {
    (u128::from(id.ms) << 64 | u128::from(id.sequence)).to_be_bytes()
}

fn encode_id<W: Write>(id: StreamId, output: &mut Output<W>) -> io::Result<()> {
    output.count(id.ms)?;
    output.count(id.sequence)
}

/// What the three forms of a stream differ in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StreamForm {
    First,
    /// With what is remembered of deleted entries.
    Marks,
    /// With the activity of consumers.
    Activity,
}

/// Reads a stream.
pub(super) fn decode<R: BufRead>(
    input: &mut Input<R>,
    form: StreamForm,
) -> Result<Stream, RdbError> {
    let mut stream = Stream::new();
    let log = &mut stream.parts_mut().log;
    for _ in 0..input.count()? {
        let first = id_of(&input.string()?)?;
        let block = as_packed(&input.string()?)?;
        log.load_block(first, &block).map_err(|_| RdbError::Corrupt("a damaged block"))?;
    }
    let marks = decode_marks(input, form, log)?;
    log.set_marks(marks);
    for _ in 0..input.count()? {
        decode_group(input, form, &mut stream)?;
    }
    Ok(stream)
}

fn decode_marks<R: BufRead>(
    input: &mut Input<R>,
    form: StreamForm,
    log: &StreamLog,
) -> Result<StreamMarks, RdbError> {
    let len = input.count()?;
    let last_id = decode_id(input)?;
    if len != log.len() || log.last().is_some_and(|last| last.id() > last_id) {
        return Err(RdbError::Corrupt("a stream that is not what it says"));
    }
    if form == StreamForm::First {
        return Ok(StreamMarks { last_id, max_deleted_id: StreamId::MIN, entries_added: len });
    }
    // The first identifier, which the entries tell as well.
    decode_id(input)?;
    let max_deleted_id = decode_id(input)?;
    Ok(StreamMarks { last_id, max_deleted_id, entries_added: input.count()? })
}

fn decode_group<R: BufRead>(
    input: &mut Input<R>,
    form: StreamForm,
    stream: &mut Stream,
) -> Result<(), RdbError> {
    let name = input.string()?;
    let last_id = decode_id(input)?;
    let entries_read = match form {
        StreamForm::First => stream.log().added_up_to(last_id),
        _ => Some(input.count()?).filter(|&count| count != UNKNOWN),
    };
    let group = stream.parts_mut().groups.create(&name, last_id, entries_read);
    let mut group = group.ok_or(RdbError::Corrupt("a group that stands twice"))?;
    for _ in 0..input.count()? {
        let id = id_of(&input.array::<ID_BYTES>()?)?;
        let (delivered_ms, delivery_count) = (input.u64()?, input.count()?);
        if group.pending().contains_key(&id) {
            return Err(RdbError::Corrupt("a pending entry that stands twice"));
        }
        group.assign(id, Pending { consumer: None, delivered_ms, delivery_count });
    }
    for _ in 0..input.count()? {
        decode_consumer(input, form, &mut group)?;
    }
    Ok(())
}

fn decode_consumer<R: BufRead>(
    input: &mut Input<R>,
    form: StreamForm,
    group: &mut GroupEditing<'_>,
) -> Result<(), RdbError> {
    let name = input.string()?;
    let seen_ms = input.u64()?;
    let active_ms = if form == StreamForm::Activity { input.u64()? } else { seen_ms };
    let consumer = group.create_consumer(&name, seen_ms);
    let consumer = consumer.ok_or(RdbError::Corrupt("a consumer that stands twice"))?;
    group.consumer_mut(consumer).active_ms = Some(active_ms).filter(|&ms| ms != UNKNOWN);
    for _ in 0..input.count()? {
        let id = id_of(&input.array::<ID_BYTES>()?)?;
        let pending = group.pending().get(&id).copied();
        let pending = pending.filter(|pending| pending.consumer.is_none());
        let pending = pending.ok_or(RdbError::Corrupt("a pending entry without its like"))?;
        group.assign(id, Pending { consumer: Some(consumer), ..pending });
    }
    Ok(())
}

fn id_of(bytes: &[u8]) -> Result<StreamId, RdbError> {
    let (ms, sequence) = bytes.split_first_chunk::<8>().ok_or(RdbError::Corrupt(SHORT_ID))?;
    let sequence: [u8; 8] = sequence.try_into().map_err(|_| RdbError::Corrupt(SHORT_ID))?;
    Ok(StreamId { ms: u64::from_be_bytes(*ms), sequence: u64::from_be_bytes(sequence) })
}

const SHORT_ID: &str = "an identifier of the wrong length";

fn decode_id<R: BufRead>(input: &mut Input<R>) -> Result<StreamId, RdbError> {
    Ok(StreamId { ms: input.count()?, sequence: input.count()? })
}
