//! One client as a line of CLIENT LIST.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::engine::{ClientCell, CommandTable};

/// Bytes of replies that count as being in a client's own buffer (`obl`); what is beyond counts as a
/// list of blocks of this size (`oll`, `omem`).
const BLOCK_BYTES: u64 = 16 * 1024;

/// What the client that runs the listing command knows better than its gauges.
#[derive(Clone, Copy)]
pub(super) struct Current {
    pub(super) client_id: u64,
    pub(super) command_id: usize,
    pub(super) argument_bytes: u64,
}

/// Returns the letters of `flags=`.
pub(super) fn flags(cell: &ClientCell) -> String {
    let is_set = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    let mut letters = String::new();
    for (applies, letter) in [
        (is_set(&cell.is_monitor), 'O'),
        (is_set(&cell.is_postponed) || cell.waiting.lock().is_some(), 'b'),
        (value(&cell.gauges.queued_commands) > 0, 'x'),
        (is_set(&cell.is_doomed), 'A'),
        (cell.tracking.is_on(), 't'),
        (cell.tracking.is_broken(), 'R'),
        (cell.tracking.broadcasts(), 'B'),
        (cell.gauges.is_subscriber(), 'P'),
        (cell.peer.is_unix, 'U'),
        (is_set(&cell.no_evict), 'e'),
        (is_set(&cell.no_touch), 'T'),
        (is_set(&cell.is_import_source), 'I'),
    ] {
        if applies {
            letters.push(letter);
        }
    }
    if letters.is_empty() {
        letters.push('N');
    }
    letters
}

/// Appends the line of a client, without a line end.
///
/// Fields that came after Redis 7.0 stand behind the others, where readers that match whole lines
/// expect anything.
pub(super) fn push(
    text: &mut String,
    table: &CommandTable,
    cell: &ClientCell,
    (now_ms, current): (u64, Current),
) {
    let is_current = current.client_id == cell.id;
    let gauges = &cell.gauges;
    let argument_bytes =
        if is_current { current.argument_bytes } else { value(&gauges.argument_bytes) };
    let command = match value(&gauges.last_command) {
        _ if is_current => table.by_id(current.command_id).full_name.as_str(),
        0 => "NULL",
        number => usize::try_from(number - 1).map_or("NULL", |id| &table.by_id(id).full_name),
    };
    push_identity(text, cell, now_ms);
    push_buffers(text, cell, argument_bytes);
    let names = cell.names.lock();
    let protocol = if cell.is_resp3.load(Ordering::Relaxed) { 3 } else { 2 };
    let is_tracking = cell.tracking.is_on();
    let redirect = if is_tracking { cell.tracking.redirect().cast_signed() } else { -1 };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        " events=r cmd={command} user={} redir={redirect} resp={protocol} lib-name={} lib-ver={} \
         io-thread={} watch={} capa={} tot-net-in={} tot-net-out={} tot-cmds={}",
        names.user,
        names.library_name,
        names.library_version,
        cell.worker,
        value(&gauges.watched_keys),
        if cell.can_redirect.load(Ordering::Relaxed) { "r" } else { "" },
        value(&gauges.input_bytes),
        value(&gauges.output_bytes),
        value(&gauges.command_count),
    );
}

fn value(gauge: &AtomicU64) -> u64 {
    // Relaxed: what is shown may be a moment old.
    gauge.load(Ordering::Relaxed)
}

fn push_identity(text: &mut String, cell: &ClientCell, now_ms: u64) {
    let seconds_since = |at_ms: u64| now_ms.saturating_sub(at_ms) / 1000;
    let _ = write!(
        text,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} \
         multi={}",
        cell.id,
        cell.peer.address,
        cell.peer.local_address,
        cell.peer.descriptor,
        cell.names.lock().name,
        seconds_since(cell.created_ms),
        seconds_since(value(&cell.gauges.last_active_ms)),
        flags(cell),
        cell.db.load(Ordering::Relaxed),
        value(&cell.gauges.channel_count),
        value(&cell.gauges.pattern_count),
        value(&cell.gauges.shard_channel_count),
        value(&cell.gauges.queued_commands).cast_signed() - 1,
    );
}

fn push_buffers(text: &mut String, cell: &ClientCell, argument_bytes: u64) {
    let gauges = &cell.gauges;
    let (query, query_free) = (value(&gauges.query_bytes), value(&gauges.query_free_bytes));
    let (pending, capacity) = (value(&gauges.reply_bytes), value(&gauges.reply_capacity_bytes));
    let in_list = pending.saturating_sub(BLOCK_BYTES);
    let queued = value(&gauges.queued_bytes);
    let of_command = argument_bytes - value(&gauges.argument_bytes).min(argument_bytes);
    let _ = write!(
        text,
        " qbuf={query} qbuf-free={query_free} argv-mem={argument_bytes} multi-mem={queued} rbs={capacity} \
         rbp={capacity} obl={} oll={} omem={in_list} tot-mem={}",
        pending - in_list,
        in_list.div_ceil(BLOCK_BYTES),
        cell.memory_bytes() + of_command,
    );
}
