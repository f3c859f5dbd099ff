//! Streams: their blocks as they are, then what is remembered of deleted entries, the groups, the
//! producers.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use super::Form;
use super::packs::as_packed;
use crate::rdb::codes::{
    VERSION_ACTIVITY, VERSION_BASE, VERSION_PRODUCERS, VERSION_RETURNED, kind,
};
use crate::rdb::error::RdbError;
use crate::rdb::input::Input;
use crate::rdb::output::Output;
use crate::types::{
    Consumer, Group, GroupEditing, Pending, ProducerCounts, ProducerLimits, Producers, Stream,
    StreamId, StreamLog, StreamMarks,
};

const ID_BYTES: usize = 16;
/// What stands for a count or a time that is not known.
const UNKNOWN: u64 = u64::MAX;

/// Returns how a stream is written: in the oldest form that has everything.
pub(super) fn form(stream: &Stream) -> Form {
    let form = stream_form(stream);
    let version = match form {
        StreamForm::First | StreamForm::Marks => VERSION_BASE,
        StreamForm::Activity => VERSION_ACTIVITY,
        StreamForm::Producers => VERSION_PRODUCERS,
        StreamForm::Returned => VERSION_RETURNED,
    };
    Form { kind: form.kind(), version }
}

fn stream_form(stream: &Stream) -> StreamForm {
    let has_one_time = |consumer: &Consumer| consumer.active_ms == Some(consumer.seen_ms);
    let mut groups = stream.groups().iter();
    if stream.groups().iter().any(|group| group.returned().len() > 0) {
        StreamForm::Returned
    } else if stream.producers().is_some() {
        StreamForm::Producers
    } else if groups.all(|group| group.consumers().all(|(_, consumer)| has_one_time(consumer))) {
        StreamForm::Marks
    } else {
        StreamForm::Activity
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
    let form = stream_form(stream);
    output.len(stream.groups().len())?;
    stream.groups().iter().try_for_each(|group| encode_group(group, form, output))?;
    if form >= StreamForm::Producers { encode_producers(stream, output) } else { Ok(()) }
}

fn encode_group<W: Write>(
    group: &Group,
    form: StreamForm,
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
        if form >= StreamForm::Activity {
            output.u64(consumer.active_ms.unwrap_or(UNKNOWN))?;
        }
        output.len(consumer.pending().len())?;
        for &id in consumer.pending() {
            output.raw(&id_bytes(id))?;
        }
    }
    if form >= StreamForm::Returned {
        output.len(group.returned().len())?;
        for id in group.returned() {
            output.raw(&id_bytes(id))?;
        }
    }
    Ok(())
}

/// Writes the limits, each producer with its tokens and their entries, and the counts.
fn encode_producers<W: Write>(stream: &Stream, output: &mut Output<W>) -> io::Result<()> {
    let none = Producers::new(ProducerLimits::default());
    let producers = stream.producers().unwrap_or(&none);
    output.count(u64::from(producers.limits().duration_s))?;
    output.count(u64::from(producers.limits().tokens_max))?;
    output.len(producers.iter().len())?;
    for (producer, sent) in producers.iter() {
        output.string(producer)?;
        output.len(sent.len())?;
        for (token, id) in sent {
            output.string(token)?;
            encode_id(id, output)?;
        }
    }
    output.count(producers.counts.added)?;
    output.count(producers.counts.duplicates)
}

fn id_bytes(id: StreamId) -> [u8; ID_BYTES] {
    (u128::from(id.ms) << 64 | u128::from(id.sequence)).to_be_bytes()
}

fn encode_id<W: Write>(id: StreamId, output: &mut Output<W>) -> io::Result<()> {
    output.count(id.ms)?;
    output.count(id.sequence)
}

/// What the forms of a stream differ in; each has what those before it have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum StreamForm {
    First,
    /// With what is remembered of deleted entries.
    Marks,
    /// With the activity of consumers.
    Activity,
    Producers,
    /// With the pending entries that were given back, in their order.
    Returned,
}

impl StreamForm {
    fn kind(self) -> u8 {
        match self {
            Self::First => kind::STREAM,
            Self::Marks => kind::STREAM_2,
            Self::Activity => kind::STREAM_3,
            Self::Producers => kind::STREAM_4,
            Self::Returned => kind::STREAM_5,
        }
    }
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
    if form >= StreamForm::Producers {
        stream.parts_mut().producers = decode_producers(input)?.map(Box::new);
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
    let mut unowned = BTreeMap::new();
    for _ in 0..input.count()? {
        let id = id_of(&input.array::<ID_BYTES>()?)?;
        let (delivered_ms, delivery_count) = (input.u64()?, input.count()?);
        let pending = Pending { consumer: None, delivered_ms, delivery_count };
        if unowned.insert(id, pending).is_some() {
            return Err(RdbError::Corrupt("a pending entry that stands twice"));
        }
    }
    for _ in 0..input.count()? {
        decode_consumer(input, form, &mut group, &mut unowned)?;
    }
    if form >= StreamForm::Returned {
        for _ in 0..input.count()? {
            let (id, pending) = decode_owned(input, &mut unowned)?;
            group.assign(id, pending);
        }
    }
    unowned.into_iter().for_each(|(id, pending)| group.assign(id, pending));
    Ok(())
}

/// Pending entries that nobody was said to have.
type Unowned = BTreeMap<StreamId, Pending>;

/// Reads which of them somebody has.
fn decode_owned<R: BufRead>(
    input: &mut Input<R>,
    unowned: &mut Unowned,
) -> Result<(StreamId, Pending), RdbError> {
    let id = id_of(&input.array::<ID_BYTES>()?)?;
    let pending = unowned.remove(&id);
    Ok((id, pending.ok_or(RdbError::Corrupt("a pending entry without its like"))?))
}

fn decode_consumer<R: BufRead>(
    input: &mut Input<R>,
    form: StreamForm,
    group: &mut GroupEditing<'_>,
    unowned: &mut Unowned,
) -> Result<(), RdbError> {
    let name = input.string()?;
    let seen_ms = input.u64()?;
    let active_ms = if form >= StreamForm::Activity { input.u64()? } else { seen_ms };
    let consumer = group.create_consumer(&name, seen_ms);
    let consumer = consumer.ok_or(RdbError::Corrupt("a consumer that stands twice"))?;
    group.consumer_mut(consumer).active_ms = Some(active_ms).filter(|&ms| ms != UNKNOWN);
    for _ in 0..input.count()? {
        let (id, pending) = decode_owned(input, unowned)?;
        group.assign(id, Pending { consumer: Some(consumer), ..pending });
    }
    Ok(())
}

/// Reads the producers; `None` if there were none and their limits are the usual ones.
fn decode_producers<R: BufRead>(input: &mut Input<R>) -> Result<Option<Producers>, RdbError> {
    let limits = ProducerLimits::new(input.count()?, input.count()?);
    let limits = limits.ok_or(RdbError::Corrupt("limits of producers out of range"))?;
    let mut producers = Producers::new(limits);
    for _ in 0..input.count()? {
        let producer = input.string()?;
        for _ in 0..input.count()? {
            let token = input.string()?;
            let loaded = producers.load(&producer, &token, decode_id(input)?);
            loaded.map_err(|_| RdbError::Corrupt("a producer's entry that stands twice"))?;
        }
    }
    producers.counts = ProducerCounts { added: input.count()?, duplicates: input.count()? };
    let is_plain = producers.is_unused() && limits == ProducerLimits::default();
    Ok((!is_plain).then_some(producers))
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
