//! What FUNCTION DUMP returns and FUNCTION RESTORE takes: the texts of libraries, as they stand in a
//! file, with a version and a checksum behind them.

use super::codes::{VERSION_BASE, opcode};
use super::error::RdbError;
use super::input::Input;
use super::output::Output;
use super::payload::{PayloadError, body_of};

/// Returns the payload of the texts of libraries.
pub fn dump_libraries<'t>(texts: impl Iterator<Item = &'t [u8]>, compresses: bool) -> Vec<u8> {
    let mut output = Output::new(Vec::new(), true, compresses);
    let write = || {
        for text in texts {
            output.byte(opcode::FUNCTION)?;
            output.string(text)?;
        }
        output.raw(&VERSION_BASE.to_le_bytes())
    };
    write().expect("memory takes everything");
    let checksum = output.checksum().unwrap_or_default();
    let mut payload = output.into_sink();
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

/// Returns the texts of a payload, whatever they may be. `skips_checksum` is for tests that reach the
/// decoder.
///
/// # Errors
/// What the payload is not.
pub fn restore_libraries(
    payload: &[u8],
    skips_checksum: bool,
) -> Result<Vec<Vec<u8>>, PayloadError> {
    read(body_of(payload, skips_checksum)?).map_err(PayloadError::Value)
}

fn read(body: &[u8]) -> Result<Vec<Vec<u8>>, RdbError> {
    let mut input = Input::new(body, false);
    let mut texts = Vec::new();
    while !input.is_at_end()? {
        match input.byte()? {
            opcode::FUNCTION => {}
            opcode::FUNCTION_CANDIDATE => {
                return Err(RdbError::Corrupt("Pre-GA function format not supported"));
            }
            _ => return Err(RdbError::Corrupt("given type is not a function")),
        }
        let text = input.string();
        texts.push(text.map_err(|_| RdbError::Corrupt("Failed loading library payload"))?);
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::{PayloadError, dump_libraries, restore_libraries};

    #[test]
    fn texts_come_back_and_damage_is_seen() {
        let texts: [&[u8]; 3] = [b"#!lua name=a\n", b"", &[b'x'; 300]];
        let payload = dump_libraries(texts.into_iter(), true);
        assert_eq!(restore_libraries(&payload, false).expect("it was dumped"), texts);
        for length in 0..payload.len() {
            let cut = restore_libraries(&payload[..length], false);
            assert!(matches!(cut, Err(PayloadError::Footer)), "{length}");
        }
        let mut lying = payload;
        lying[0] = 0;
        assert!(matches!(restore_libraries(&lying, true), Err(PayloadError::Value(_))));
    }
}
