//! Checksums the protocol's world has agreed on: CRC16 of hash slots, CRC64 of RDB files.

/// Number of hash slots of a cluster.
pub const SLOT_COUNT: usize = 16_384;
const _: () = assert!(SLOT_COUNT.is_power_of_two(), "a slot is picked by masking");

/// Returns the hash slot of a key: CRC16 (XMODEM) of its hash tag, or of the whole key without one.
pub fn key_slot(key: &[u8]) -> u16 {
    crc16::State::<crc16::XMODEM>::calculate(hash_tag(key)) & 0x3fff
}

/// Returns what is hashed of a key: the text between the first `{` and the next `}` if not empty.
fn hash_tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&byte| byte == b'{') else { return key };
    let rest = &key[open + 1..];
    match rest.iter().position(|&byte| byte == b'}') {
        None | Some(0) => key,
        Some(close) => &rest[..close],
    }
}

/// Reflected Jones polynomial, as RDB files use it.
const CRC64_POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

static CRC64_TABLES: [[u64; 256]; 8] = crc64_tables();

const fn crc64_tables() -> [[u64; 256]; 8] {
    let mut tables = [[0_u64; 256]; 8];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ CRC64_POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][index] = crc;
        index += 1;
    }
    let mut index = 0;
    while index < 256 {
        let mut level = 1;
        while level < 8 {
            let previous = tables[level - 1][index];
            tables[level][index] = tables[0][(previous & 0xff) as usize] ^ (previous >> 8);
            level += 1;
        }
        index += 1;
    }
    tables
}

/// Continues a CRC64 (Jones) over `bytes`; start with 0. Eight bytes a step ("slicing by 8", Intel, 2006).
pub fn crc64(mut crc: u64, bytes: &[u8]) -> u64 {
    let (chunks, tail) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let word = (u64::from_le_bytes(*chunk) ^ crc).to_le_bytes();
        crc = 0;
        for (level, &byte) in word.iter().enumerate() {
            crc ^= CRC64_TABLES[7 - level][usize::from(byte)];
        }
    }
    for &byte in tail {
        crc = CRC64_TABLES[0][usize::from(byte ^ crc.to_le_bytes()[0])] ^ (crc >> 8);
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::{crc64, key_slot};

    #[test]
    fn the_check_values_of_both_sums_hold() {
        assert_eq!(key_slot(b"123456789"), 0x31c3 & 0x3fff);
        assert_eq!(crc64(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    #[test]
    fn a_sum_can_be_continued_anywhere() {
        let text = b"the quick brown fox jumps over the lazy dog";
        for cut in 0..text.len() {
            assert_eq!(crc64(crc64(0, &text[..cut]), &text[cut..]), crc64(0, text));
        }
    }

    #[test]
    fn only_a_filled_tag_is_hashed() {
        assert_eq!(key_slot(b"{user1000}.following"), key_slot(b"user1000"));
        assert_ne!(key_slot(b"foo{}{bar}"), key_slot(b"bar"));
        assert_eq!(key_slot(b"foo{bar}{zap}"), key_slot(b"bar"));
    }
}
