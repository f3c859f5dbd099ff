//! The writer of replies: every type of RESP3, and what RESP2 clients get in its place.

use std::io::IoSlice;

use bytes::Bytes;

use crate::base::double::DoubleText;

use super::ProtocolError;
use super::chain::{Chain, Chunks, Mark, SHARED_BYTES_MIN};
use super::small::{LINE_BYTES_MAX, put_line, put_signed_line};

/// The protocol version a client has chosen by HELLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// The version every connection begins with.
    #[default]
    Resp2,
    /// The version with typed replies and pushes.
    Resp3,
}

/// Replies of one connection, appended to one buffer; values of [`SHARED_BYTES_MIN`] bytes and more
/// are chained as `Bytes` without a copy.
#[derive(Debug, Default)]
pub struct ReplyBuffer {
    pub(super) chain: Chain,
    protocol: Protocol,
}

/// Replies.
impl ReplyBuffer {
    /// Returns an empty buffer of RESP2; nothing is allocated before the first reply.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an empty buffer of a protocol version.
    pub fn with_protocol(protocol: Protocol) -> Self {
        Self { protocol, ..Self::default() }
    }

    /// Returns the protocol version of what is appended.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Chooses the protocol version of what is appended from now on.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    #[inline]
    fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// Appends a status, as in `+OK`; the text must hold no line break.
    #[inline]
    pub fn simple(&mut self, text: &str) {
        debug_assert!(!text.contains(['\r', '\n']), "a status is one line");
        let out = self.chain.room(text.len() + 3);
        out.push(b'+');
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    /// Appends `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// Appends an error; `text` begins with its code. Line breaks within become spaces.
    pub fn error(&mut self, text: &str) {
        self.error_bytes(text.as_bytes());
    }

    /// Appends an error whose text quotes bytes of the client; otherwise like [`Self::error`].
    pub fn error_bytes(&mut self, text: &[u8]) {
        let end = text.iter().rposition(|&byte| !is_line_break(byte)).map_or(0, |last| last + 1);
        let text = &text[..end];
        let out = self.chain.room(text.len() + 3);
        out.push(b'-');
        out.extend(text.iter().map(|&byte| if is_line_break(byte) { b' ' } else { byte }));
        out.extend_from_slice(b"\r\n");
    }

    /// Appends the last words to a client whose stream is broken.
    pub fn protocol_error(&mut self, error: ProtocolError) {
        self.error_bytes(&error.reply());
    }

    /// Appends an integer.
    #[inline]
    pub fn integer(&mut self, number: i64) {
        put_signed_line(self.chain.room(LINE_BYTES_MAX), b':', number);
    }

    /// Appends a number of things, as an integer.
    #[inline]
    pub fn count(&mut self, count: usize) {
        put_line(self.chain.room(LINE_BYTES_MAX), b':', count);
    }

    /// Appends a string, copying it.
    #[inline]
    pub fn bulk(&mut self, value: &[u8]) {
        let out = self.chain.room(LINE_BYTES_MAX + value.len() + 2);
        put_line(out, b'$', value.len());
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }

    /// Appends a string, sharing it if it has [`SHARED_BYTES_MIN`] bytes or more.
    pub fn bulk_shared(&mut self, value: Bytes) {
        if value.len() < SHARED_BYTES_MIN {
            return self.bulk(&value);
        }
        put_line(self.chain.room(LINE_BYTES_MAX), b'$', value.len());
        self.chain.push_shared(value);
        self.raw(b"\r\n");
    }

    /// Appends a string of the number's decimal digits.
    #[inline]
    pub fn bulk_integer(&mut self, number: i64) {
        self.bulk(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Appends the absence of a value.
    #[inline]
    pub fn null(&mut self) {
        let line: &[u8] = if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" };
        self.raw(line);
    }

    /// Appends the absence of an array, which RESP2 tells from that of a string.
    #[inline]
    pub fn null_array(&mut self) {
        let line: &[u8] = if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" };
        self.raw(line);
    }

    /// Begins an array; `count` replies must follow.
    #[inline]
    pub fn array(&mut self, count: usize) {
        put_line(self.chain.room(LINE_BYTES_MAX), b'*', count);
    }

    /// Begins a map; `pairs` times a key and a value must follow. RESP2: an array.
    #[inline]
    pub fn map(&mut self, pairs: usize) {
        let (kind, count) = self.map_header(pairs);
        put_line(self.chain.room(LINE_BYTES_MAX), kind, count);
    }

    /// Begins a set; `count` replies must follow. RESP2: an array.
    #[inline]
    pub fn set(&mut self, count: usize) {
        let kind = if self.is_resp3() { b'~' } else { b'*' };
        put_line(self.chain.room(LINE_BYTES_MAX), kind, count);
    }

    /// Begins a message the client has not asked for; `count` replies must follow. RESP2: an array.
    #[inline]
    pub fn push(&mut self, count: usize) {
        let kind = if self.is_resp3() { b'>' } else { b'*' };
        put_line(self.chain.room(LINE_BYTES_MAX), kind, count);
    }

    /// Begins the attributes of the reply that follows them: `pairs` times a key and a value. RESP2
    /// has nothing in their place, so that the caller must leave them out.
    pub fn attribute(&mut self, pairs: usize) {
        debug_assert!(self.is_resp3(), "RESP2 has no attributes");
        put_line(self.chain.room(LINE_BYTES_MAX), b'|', pairs);
    }

    /// Appends a truth value. RESP2: the integer 1 or 0.
    #[inline]
    pub fn boolean(&mut self, value: bool) {
        self.raw(match (self.protocol, value) {
            (Protocol::Resp3, true) => b"#t\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp2, false) => b":0\r\n",
        });
    }

    /// Appends a double in its shortest text. RESP2: a string.
    pub fn double(&mut self, value: f64) {
        let digits = DoubleText::new(value);
        if self.is_resp3() {
            self.typed_line(b',', digits.as_bytes());
        } else {
            self.bulk(digits.as_bytes());
        }
    }

    /// Appends an integer of any size, given as its decimal digits. RESP2: a string.
    pub fn big_number(&mut self, digits: &str) {
        if self.is_resp3() {
            self.typed_line(b'(', digits.as_bytes());
        } else {
            self.bulk(digits.as_bytes());
        }
    }

    /// Appends text meant for a person; `format` has three letters, as `txt` or `mkd`. RESP2: a string.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        debug_assert!(format.len() == 3, "a format has three letters");
        if !self.is_resp3() {
            return self.bulk(text);
        }
        let bytes = format.len() + 1 + text.len();
        let out = self.chain.room(LINE_BYTES_MAX + bytes + 2);
        put_line(out, b'=', bytes);
        out.extend_from_slice(format.as_bytes());
        out.push(b':');
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    /// Appends bytes that are already in the protocol's form.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.chain.room(bytes.len()).extend_from_slice(bytes);
    }

    /// The same for bytes that others send, too: many are not copied.
    pub fn raw_shared(&mut self, bytes: &Bytes) {
        if bytes.len() < SHARED_BYTES_MIN {
            self.raw(bytes);
        } else {
            self.chain.push_shared(bytes.clone());
        }
    }

    fn typed_line(&mut self, kind: u8, text: &[u8]) {
        let out = self.chain.room(text.len() + 3);
        out.push(kind);
        out.extend_from_slice(text);
        out.extend_from_slice(b"\r\n");
    }

    fn map_header(&self, pairs: usize) -> (u8, usize) {
        if self.is_resp3() { (b'%', pairs) } else { (b'*', 2 * pairs) }
    }
}

/// Collections whose size is known only after their elements have been appended.
impl ReplyBuffer {
    /// Leaves a place for the header of a collection; one of the `finish` functions fills it in.
    #[inline]
    pub fn deferred(&mut self) -> Mark {
        self.chain.mark()
    }

    /// Makes an array of the `count` replies appended since [`Self::deferred`].
    pub fn finish_array(&mut self, mark: Mark, count: usize) {
        self.finish(mark, b'*', count);
    }

    /// Makes a map of the `pairs` keys and values appended since [`Self::deferred`].
    pub fn finish_map(&mut self, mark: Mark, pairs: usize) {
        let (kind, count) = self.map_header(pairs);
        self.finish(mark, kind, count);
    }

    /// Makes a set of the `count` replies appended since [`Self::deferred`].
    pub fn finish_set(&mut self, mark: Mark, count: usize) {
        let kind = if self.is_resp3() { b'~' } else { b'*' };
        self.finish(mark, kind, count);
    }

    /// Makes a push of the `count` replies appended since [`Self::deferred`].
    pub fn finish_push(&mut self, mark: Mark, count: usize) {
        let kind = if self.is_resp3() { b'>' } else { b'*' };
        self.finish(mark, kind, count);
    }

    fn finish(&mut self, mark: Mark, kind: u8, count: usize) {
        let mut line = Vec::with_capacity(LINE_BYTES_MAX);
        put_line(&mut line, kind, count);
        self.chain.insert(mark, &line);
    }

    /// Returns the current end, to return to by [`Self::truncate`].
    #[inline]
    pub fn checkpoint(&self) -> Mark {
        self.chain.mark()
    }

    /// Drops what was appended since the checkpoint (or since the mark of a collection).
    pub fn truncate(&mut self, checkpoint: Mark) {
        self.chain.truncate(checkpoint);
    }

    /// Appends the replies of another buffer, whatever its protocol.
    pub fn append(&mut self, other: Self) {
        self.chain.append(other.chain);
    }
}

/// Sending.
impl ReplyBuffer {
    /// Returns the number of pending bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.chain.len()
    }

    /// Says whether nothing is pending.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Iterates over the pending bytes, piece by piece.
    pub fn chunks(&self) -> Chunks<'_> {
        self.chain.chunks()
    }

    /// Fills `slices` with the first pending pieces, for a vectored write; returns how many it filled.
    pub fn as_slices<'reply>(&'reply self, slices: &mut [IoSlice<'reply>]) -> usize {
        self.chain.fill_slices(slices)
    }

    /// Drops the first `bytes` bytes, which have been sent.
    #[inline]
    pub fn consume(&mut self, bytes: usize) {
        self.chain.consume(bytes);
    }

    /// Drops everything pending, and keeps at most 64 KiB allocated.
    #[inline]
    pub fn clear(&mut self) {
        self.chain.clear();
    }

    /// Gives the memory of an empty buffer back; meant for idle connections.
    pub fn release(&mut self) {
        self.chain.release();
    }

    /// Returns the bytes this buffer keeps allocated, shared values included.
    pub fn capacity_bytes(&self) -> usize {
        self.chain.capacity_bytes()
    }
}

fn is_line_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use bytes::Bytes;

    use super::{Protocol, ReplyBuffer};
    use crate::resp::{ProtocolError, SHARED_BYTES_MIN};

    fn written(reply: &ReplyBuffer) -> Vec<u8> {
        let bytes = reply.chunks().collect::<Vec<_>>().concat();
        assert_eq!(bytes.len(), reply.len());
        bytes
    }

    /// What both protocol versions write.
    fn both(write: impl Fn(&mut ReplyBuffer)) -> [String; 2] {
        [Protocol::Resp2, Protocol::Resp3].map(|protocol| {
            let mut reply = ReplyBuffer::with_protocol(protocol);
            write(&mut reply);
            String::from_utf8(written(&reply)).unwrap()
        })
    }

    #[test]
    fn each_type_has_its_form_in_both_protocols() {
        assert_eq!(both(|reply| reply.ok()), ["+OK\r\n"; 2]);
        assert_eq!(both(|reply| reply.simple("PONG")), ["+PONG\r\n"; 2]);
        assert_eq!(both(|reply| reply.integer(-12)), [":-12\r\n"; 2]);
        assert_eq!(both(|reply| reply.integer(1000)), [":1000\r\n"; 2]);
        assert_eq!(both(|reply| reply.bulk(b"value")), ["$5\r\nvalue\r\n"; 2]);
        assert_eq!(both(|reply| reply.bulk(b"")), ["$0\r\n\r\n"; 2]);
        assert_eq!(both(|reply| reply.bulk_integer(-5)), ["$2\r\n-5\r\n"; 2]);
        assert_eq!(both(|reply| reply.null()), ["$-1\r\n", "_\r\n"]);
        assert_eq!(both(|reply| reply.null_array()), ["*-1\r\n", "_\r\n"]);
        assert_eq!(both(|reply| reply.array(3)), ["*3\r\n"; 2]);
        assert_eq!(both(|reply| reply.map(3)), ["*6\r\n", "%3\r\n"]);
        assert_eq!(both(|reply| reply.set(3)), ["*3\r\n", "~3\r\n"]);
        assert_eq!(both(|reply| reply.push(3)), ["*3\r\n", ">3\r\n"]);
        assert_eq!(both(|reply| reply.boolean(true)), [":1\r\n", "#t\r\n"]);
        assert_eq!(both(|reply| reply.boolean(false)), [":0\r\n", "#f\r\n"]);
        assert_eq!(both(|reply| reply.double(3.25)), ["$4\r\n3.25\r\n", ",3.25\r\n"]);
        assert_eq!(both(|reply| reply.double(-f64::INFINITY)), ["$4\r\n-inf\r\n", ",-inf\r\n"]);
        assert_eq!(both(|reply| reply.big_number("123")), ["$3\r\n123\r\n", "(123\r\n"]);
        assert_eq!(
            both(|reply| reply.verbatim("txt", b"hi")),
            ["$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"]
        );
        let mut reply = ReplyBuffer::with_protocol(Protocol::Resp3);
        reply.attribute(1);
        assert_eq!(written(&reply), b"|1\r\n");
    }

    #[test]
    fn an_error_is_one_line() {
        assert_eq!(both(|reply| reply.error("ERR a\r\nb\n\r\n")), ["-ERR a  b\r\n"; 2]);
        assert_eq!(both(|reply| reply.error("\r\n")), ["-\r\n"; 2]);
    }

    #[test]
    fn the_last_words_quote_the_byte_that_came() {
        let mut reply = ReplyBuffer::new();
        reply.protocol_error(ProtocolError::ExpectedDollar(0xff));
        reply.protocol_error(ProtocolError::ExpectedDollar(b'\r'));
        reply.protocol_error(ProtocolError::InvalidBulkLength);
        let expected = b"-ERR Protocol error: expected '$', got '\xff'\r\n\
            -ERR Protocol error: expected '$', got ' '\r\n\
            -ERR Protocol error: invalid bulk length\r\n";
        assert_eq!(written(&reply), expected);
    }

    #[test]
    fn large_shared_values_are_not_copied() {
        let value = Bytes::from(vec![b'v'; SHARED_BYTES_MIN]);
        let mut reply = ReplyBuffer::new();
        reply.bulk_shared(value.slice(1..));
        assert_eq!(reply.chunks().count(), 1);
        reply.bulk_shared(value.clone());
        let chunks: Vec<&[u8]> = reply.chunks().collect();
        assert_eq!(chunks.len(), 3);
        assert_eq!(chunks[1].as_ptr(), value.as_ptr());
        let expected =
            [b"$16383\r\n", &value[1..], b"\r\n$16384\r\n", &value[..], b"\r\n"].concat();
        assert_eq!(written(&reply), expected);
    }

    #[test]
    fn a_deferred_header_lands_before_its_elements_in_any_segment() {
        for value_bytes in [1, SHARED_BYTES_MIN] {
            for count in [0, 1, 9, 10, 300] {
                let mut reply = ReplyBuffer::with_protocol(Protocol::Resp3);
                let mut expected = ReplyBuffer::with_protocol(Protocol::Resp3);
                let value = Bytes::from(vec![b'v'; value_bytes]);
                reply.simple("before");
                expected.simple("before");
                let outer = reply.deferred();
                expected.array(2);
                let inner = reply.deferred();
                expected.map(count);
                for _ in 0..2 * count {
                    reply.bulk_shared(value.clone());
                    expected.bulk_shared(value.clone());
                }
                reply.finish_map(inner, count);
                let last = reply.deferred();
                reply.finish_set(last, 0);
                expected.set(0);
                reply.finish_array(outer, 2);
                assert!(written(&reply) == written(&expected), "{value_bytes} {count}");
            }
        }
    }

    #[test]
    fn truncating_leaves_what_was_there_at_the_checkpoint() {
        for count in [0, 1, 1000] {
            let mut reply = ReplyBuffer::new();
            reply.bulk(b"kept");
            let checkpoint = reply.checkpoint();
            for _ in 0..count {
                reply.bulk_shared(Bytes::from(vec![0; SHARED_BYTES_MIN]));
                reply.bulk(&[1; 1000]);
            }
            reply.truncate(checkpoint);
            assert_eq!(written(&reply), b"$4\r\nkept\r\n");
            reply.ok();
            assert_eq!(written(&reply), b"$4\r\nkept\r\n+OK\r\n");
        }
    }

    #[test]
    fn partial_writes_consume_in_order() {
        let mut reply = ReplyBuffer::new();
        for index in 0..50_u8 {
            reply.bulk(&vec![index; usize::from(index) * 100]);
            reply.bulk_shared(Bytes::from(vec![index; 400 * usize::from(index)]));
        }
        let (expected, mut sent) = (written(&reply), Vec::new());
        while !reply.is_empty() {
            let mut slices = [IoSlice::new(&[]); 4];
            let filled = reply.as_slices(&mut slices);
            let all: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
            let part = all.len().min(7001);
            sent.extend_from_slice(&all[..part]);
            reply.consume(part);
            assert_eq!(sent.len() + reply.len(), expected.len());
        }
        assert!(sent == expected);
    }

    #[test]
    fn appended_buffers_follow_in_order() {
        for bytes in [10, 1000, SHARED_BYTES_MIN, 20 * SHARED_BYTES_MIN] {
            let mut reply = ReplyBuffer::new();
            let mark = reply.deferred();
            let mut other = ReplyBuffer::new();
            other.simple("sent");
            other.bulk_shared(Bytes::from(vec![b'o'; bytes]));
            other.consume(7);
            let expected = [b"*1\r\n", &written(&other)[..], b"+OK\r\n"].concat();
            reply.append(other);
            reply.ok();
            reply.finish_array(mark, 1);
            assert!(written(&reply) == expected, "{bytes}");
        }
    }

    #[test]
    fn an_emptied_buffer_keeps_little_memory() {
        let mut reply = ReplyBuffer::new();
        for _ in 0..1000 {
            reply.bulk(&[b'v'; 1000]);
        }
        reply.bulk(&vec![b'v'; 1_000_000]);
        reply.consume(reply.len());
        assert!(reply.is_empty() && reply.capacity_bytes() <= 64 * 1024);
        reply.ok();
        reply.release();
        assert_eq!(written(&reply), b"+OK\r\n");
        reply.clear();
        reply.release();
        assert_eq!(reply.capacity_bytes(), 0);
    }
}
