//! What XREAD and XREADGROUP have in common: their arguments, and the frame of their replies.

use super::value::integer;
use crate::base::text;
use crate::engine::{Args, CommandError, KeyFlags, Serve, WaitRequest};
use crate::resp::{Mark, Protocol, ReplyBuffer};
use crate::types::ValueType;

/// A request to read from some streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    args: Args<'a>,
    streams_at: usize,
    /// Number of streams.
    pub(super) stream_count: usize,
    /// Entries of each stream at most.
    pub(super) entries_max: usize,
    /// Entries of all streams at most.
    total_max: usize,
    /// Bytes of the reply at most; one entry may take more.
    bytes_max: Option<usize>,
    /// Milliseconds for which pending entries must have been idle to be taken over.
    pub(super) idle_ms_min: Option<u64>,
    /// Milliseconds to wait if there is nothing; 0 for ever.
    pub(super) block_ms: Option<u64>,
    /// Group and consumer.
    pub(super) reader: Option<(&'a [u8], &'a [u8])>,
    /// Entries need not be acknowledged.
    pub(super) is_noack: bool,
}

/// Which of the two commands reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Anyone,
    Group,
}

impl<'a> Request<'a> {
    /// Returns what the arguments ask for.
    ///
    /// # Errors
    /// Arguments that make no sense.
    pub(super) fn parse(args: Args<'a>, reader: Reader) -> Result<Self, CommandError> {
        let mut request = Self {
            args,
            streams_at: 0,
            stream_count: 0,
            entries_max: usize::MAX,
            total_max: usize::MAX,
            bytes_max: None,
            idle_ms_min: None,
            block_ms: None,
            reader: None,
            is_noack: false,
        };
        let mut at = 1;
        while at < args.len() && request.streams_at == 0 {
            at += request.take(at, reader)?;
        }
        if request.streams_at == 0 {
            return Err(CommandError::Syntax);
        }
        if reader == Reader::Group && request.reader.is_none() {
            return Err(CommandError::refused("ERR Missing GROUP option for XREADGROUP"));
        }
        if request.entries_max != usize::MAX && request.total_max < request.entries_max {
            return Err(CommandError::refused("ERR MAXCOUNT must not be less than COUNT"));
        }
        Ok(request)
    }

    /// Takes the option at a position; returns how many arguments it has.
    fn take(&mut self, at: usize, reader: Reader) -> Result<usize, CommandError> {
        let args = self.args;
        let following = args.len() - at - 1;
        if following > 0 && args.is_word(at, "BLOCK") {
            self.block_ms = Some(timeout_ms(args.at(at + 1))?);
            Ok(2)
        } else if following > 0 && args.is_word(at, "COUNT") {
            let count = integer(args.at(at + 1))?;
            self.entries_max = usize::try_from(count).ok().filter(|&n| n > 0).unwrap_or(usize::MAX);
            Ok(2)
        } else if following > 0 && args.is_word(at, "MAXCOUNT") {
            self.total_max = positive(args.at(at + 1), "MAXCOUNT")?;
            Ok(2)
        } else if following > 0 && args.is_word(at, "MAXSIZE") {
            self.bytes_max = Some(positive(args.at(at + 1), "MAXSIZE")?);
            Ok(2)
        } else if following > 0 && args.is_word(at, "CLAIM") {
            if reader == Reader::Anyone {
                return Err(for_groups("CLAIM"));
            }
            self.idle_ms_min = Some(idle_ms(args.at(at + 1))?);
            Ok(2)
        } else if following > 0 && args.is_word(at, "STREAMS") {
            if !following.is_multiple_of(2) {
                return Err(unbalanced(reader));
            }
            self.streams_at = at + 1;
            self.stream_count = following / 2;
            Ok(1 + following)
        } else if following > 1 && args.is_word(at, "GROUP") {
            if reader == Reader::Anyone {
                return Err(for_groups("GROUP"));
            }
            self.reader = Some((args.at(at + 1), args.at(at + 2)));
            Ok(3)
        } else if args.is_word(at, "NOACK") {
            if reader == Reader::Anyone {
                return Err(for_groups("NOACK"));
            }
            self.is_noack = true;
            Ok(1)
        } else {
            Err(CommandError::Syntax)
        }
    }

    /// Refuses to wait until a moment that cannot be told.
    ///
    /// # Errors
    /// Such a moment.
    pub(super) fn check_timeout(&self, now_ms: u64) -> Result<(), CommandError> {
        match self.block_ms {
            Some(block_ms) if i64::try_from(now_ms.saturating_add(block_ms)).is_err() => {
                Err(CommandError::refused("ERR timeout is out of range"))
            }
            _ => Ok(()),
        }
    }

    /// Returns the request of a client that is to wait: all streams, served by `serve`.
    pub(super) fn waiting(&self, block_ms: u64, now_ms: u64, serve: Serve) -> WaitRequest {
        WaitRequest {
            keys: (0..self.stream_count).map(|index| self.key_at(index)).collect(),
            also: None,
            value_type: ValueType::Stream,
            minds_all_keys: true,
            deadline_ms: (block_ms > 0).then(|| now_ms.saturating_add(block_ms)),
            serve,
            in_vain: ReplyBuffer::null_array,
            hears_of_removal: self.reader.is_some(),
            is_polled: self.idle_ms_min.is_some(),
            args: None,
        }
    }

    /// Returns the position of a stream's identifier among the arguments.
    pub(super) fn id_at(&self, index: usize) -> usize {
        self.streams_at + self.stream_count + index
    }

    /// Returns the position of a stream's key among the arguments.
    pub(super) fn key_at(&self, index: usize) -> usize {
        self.streams_at + index
    }

    /// Returns the identifier given for a stream.
    pub(super) fn id(&self, index: usize) -> &'a [u8] {
        self.args.at(self.id_at(index))
    }
}

fn unbalanced(reader: Reader) -> CommandError {
    CommandError::refused(match reader {
        Reader::Anyone => {
            "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be \
             specified."
        }
        Reader::Group => {
            "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be \
             specified."
        }
    })
}

fn for_groups(option: &str) -> CommandError {
    CommandError::refused_with(format!(
        "ERR The {option} option is only supported by XREADGROUP. You called XREAD instead."
    ))
}

/// Returns the milliseconds that an argument gives to wait.
fn timeout_ms(argument: &[u8]) -> Result<u64, CommandError> {
    const NO_INTEGER: CommandError =
        CommandError::refused("ERR timeout is not an integer or out of range");
    let timeout = text::parse_i64(argument).ok_or(NO_INTEGER)?;
    u64::try_from(timeout).map_err(|_| CommandError::refused("ERR timeout is negative"))
}

/// Returns the milliseconds that an argument says entries must have been idle.
fn idle_ms(argument: &[u8]) -> Result<u64, CommandError> {
    const NO_INTEGER: CommandError =
        CommandError::refused("ERR min-idle-time is not an integer or out of range");
    let idle_ms = text::parse_i64(argument).ok_or(NO_INTEGER)?;
    u64::try_from(idle_ms)
        .map_err(|_| CommandError::refused("ERR min-idle-time must be a positive integer"))
}

/// Returns the limit an option gives.
fn positive(argument: &[u8], option: &str) -> Result<usize, CommandError> {
    let number = text::parse_i64(argument).and_then(|number| usize::try_from(number).ok());
    number.filter(|&number| number > 0).ok_or_else(|| {
        CommandError::refused_with(format!("ERR {option} must be a positive integer"))
    })
}

/// What a reply may still take up, all streams together.
#[derive(Debug)]
pub(super) struct Budget {
    entries_left: usize,
    bytes_left: Option<usize>,
    is_limited: bool,
    is_untouched: bool,
}

impl Budget {
    /// Returns the budget of a request.
    pub(super) fn of(request: &Request<'_>) -> Self {
        Self {
            entries_left: request.total_max,
            bytes_left: request.bytes_max,
            is_limited: request.total_max != usize::MAX || request.bytes_max.is_some(),
            is_untouched: true,
        }
    }

    /// Says whether there is a limit at all.
    pub(super) fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// Says whether nothing more may be appended.
    pub(super) fn is_spent(&self) -> bool {
        self.entries_left == 0
    }

    /// Appends an entry unless that is too much; the first one always goes. Says whether it went.
    pub(super) fn spend(
        &mut self,
        reply: &mut ReplyBuffer,
        append: impl FnOnce(&mut ReplyBuffer),
    ) -> bool {
        if self.is_spent() {
            return false;
        }
        let (checkpoint, before) = (self.bytes_left.map(|_| reply.checkpoint()), reply.len());
        append(reply);
        if let (Some(checkpoint), Some(left)) = (checkpoint, self.bytes_left) {
            let bytes = reply.len() - before;
            if bytes > left && !self.is_untouched {
                reply.truncate(checkpoint);
                self.entries_left = 0;
                return false;
            }
            self.bytes_left = Some(left.saturating_sub(bytes));
        }
        self.entries_left -= 1;
        self.is_untouched = false;
        true
    }
}

/// Finds the keys of XREAD.
pub(super) fn find_read_keys(args: Args<'_>, found: &mut Vec<(usize, KeyFlags)>) -> bool {
    find_keys(args, Reader::Anyone, found)
}

/// Finds the keys of XREADGROUP.
pub(super) fn find_group_keys(args: Args<'_>, found: &mut Vec<(usize, KeyFlags)>) -> bool {
    find_keys(args, Reader::Group, found)
}

fn find_keys(args: Args<'_>, reader: Reader, found: &mut Vec<(usize, KeyFlags)>) -> bool {
    let Ok(request) = Request::parse(args, reader) else { return false };
    let flags = KeyFlags::RO.and(KeyFlags::ACCESS);
    found.extend((0..request.stream_count).map(|index| (request.key_at(index), flags)));
    true
}

/// Begins the reply for one stream: its key, whose entries must follow.
pub(super) fn begin_stream(reply: &mut ReplyBuffer, key: &[u8]) {
    if reply.protocol() == Protocol::Resp2 {
        reply.array(2);
    }
    reply.bulk(key);
}

/// Ends the reply: a map of `count` streams in RESP3, a list of pairs in RESP2.
pub(super) fn finish(reply: &mut ReplyBuffer, mark: Mark, count: usize) {
    match reply.protocol() {
        Protocol::Resp2 => reply.finish_array(mark, count),
        Protocol::Resp3 => reply.finish_map(mark, count),
    }
}
