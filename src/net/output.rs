//! Sending replies: as few system calls as the replies allow, bounded per turn.

use std::io::{self, ErrorKind, IoSlice};

use crate::resp::ReplyBuffer;

use super::stream::Stream;

/// Pieces handed to one vectored write.
const PIECES_MAX: usize = 64;
/// Bytes after which other clients get their turn.
const TURN_BYTES_MAX: usize = 1024 * 1024;

/// What a turn of writing came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    pub(super) bytes: usize,
    pub(super) write_count: u64,
    /// The system takes no more for now.
    pub(super) is_blocked: bool,
}

/// Writes pending replies until there are none, the system takes no more, or others should have
/// their turn.
///
/// # Errors
/// The connection is broken.
#[inline]
pub(super) fn send(stream: &mut Stream, reply: &mut ReplyBuffer) -> io::Result<Sent> {
    let mut sent = Sent::default();
    while !reply.is_empty() && sent.bytes < TURN_BYTES_MAX {
        match write_once(stream, reply) {
            Ok((offered, taken)) => {
                reply.consume(taken);
                sent.bytes += taken;
                sent.write_count += 1;
                if taken < offered {
                    sent.is_blocked = true;
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                sent.is_blocked = true;
                break;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

/// Returns how many bytes were offered and how many taken.
#[inline]
fn write_once(stream: &mut Stream, reply: &ReplyBuffer) -> io::Result<(usize, usize)> {
    let mut chunks = reply.chunks();
    match (chunks.next(), chunks.next()) {
        (None, _) => Ok((0, 0)),
        (Some(only), None) => Ok((only.len(), stream.write(only)?)),
        (Some(_), Some(_)) => write_pieces(stream, reply),
    }
}

fn write_pieces(stream: &mut Stream, reply: &ReplyBuffer) -> io::Result<(usize, usize)> {
    let mut pieces = [IoSlice::new(&[]); PIECES_MAX];
    let count = reply.as_slices(&mut pieces);
    let offered = pieces[..count].iter().map(|piece| piece.len()).sum();
    Ok((offered, stream.write_vectored(&pieces[..count])?))
}
