//! Loading a file of databases into an empty keyspace, or into one that has keys already.

use std::io::BufRead;

use super::codes::{VERSION_MAX, is_readable, opcode};
use super::error::RdbError;
use super::input::Input;
use super::shapes::Shapes;
use super::values::{Value, decode};
use crate::keyspace::{Access, Aging, Keyspace, LockMode, Noted};

/// How a file is loaded.
pub struct LoadOptions<'a> {
    /// Keys that are due by then are left out.
    pub now_ms: u64,
    /// How values are represented.
    pub shapes: Shapes,
    /// How keys are stamped.
    pub aging: Aging,
    /// Keeps a checksum and compares it with the file's.
    pub sums: bool,
    /// Refuses versions that this server does not know.
    pub is_strict: bool,
    /// Lets a key replace one that is there.
    pub replaces: bool,
    /// Called for the text of each library of functions; the error says why it is none.
    pub define: &'a mut dyn FnMut(&[u8]) -> Result<(), String>,
    /// Called after each key with the bytes read so far; `false` breaks off.
    pub proceed: &'a mut dyn FnMut(u64) -> bool,
}

/// What a file held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    pub key_count: u64,
    /// Keys left out because their time had come.
    pub expired_count: u64,
    /// Libraries of functions.
    pub library_count: u64,
}

/// Loads a file.
///
/// # Errors
/// Whatever is wrong with the file. What came before has been loaded.
pub fn load(
    keyspace: &Keyspace,
    source: impl BufRead,
    options: LoadOptions<'_>,
) -> Result<Loaded, RdbError> {
    // At time zero nothing has expired: what is due is sorted out here.
    let access = Access {
        now_ms: 0,
        aging: options.aging,
        touches: false,
        removes_expired: true,
        noted: Noted::NOTHING,
    };
    let input = Input::new(source, options.sums);
    let mut loader =
        Loader { keyspace, input, options, access, loaded: Loaded::default(), version: 0 };
    loader.read_header()?;
    loader.read_records()?;
    loader.check_sum()?;
    Ok(loader.loaded)
}

struct Loader<'k, 'o, R> {
    keyspace: &'k Keyspace,
    input: Input<R>,
    options: LoadOptions<'o>,
    access: Access,
    loaded: Loaded,
    version: u16,
}

/// What was said of the key that follows.
#[derive(Default)]
struct About {
    deadline_ms: Option<u64>,
    idle_s: Option<u64>,
    frequency: Option<u8>,
}

impl<R: BufRead> Loader<'_, '_, R> {
    fn read_header(&mut self) -> Result<(), RdbError> {
        let header: [u8; 9] = self.input.array()?;
        let digits = match &header {
            [b'R', b'E', b'D', b'I', b'S', digits @ ..] => digits.as_slice(),
            // Valkey from 9.0 on.
            [b'V', b'A', b'L', b'K', b'E', b'Y', digits @ ..] => digits.as_slice(),
            _ => return Err(RdbError::Signature),
        };
        let version = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
        self.version = version.ok_or(RdbError::Signature)?;
        let is_fine = is_readable(self.version) || !self.options.is_strict && self.version > 0;
        if is_fine { Ok(()) } else { Err(RdbError::Version(self.version.into())) }
    }

    fn read_records(&mut self) -> Result<(), RdbError> {
        let (mut db, mut about) = (0, About::default());
        loop {
            match self.input.byte()? {
                opcode::END => return Ok(()),
                opcode::DATABASE => db = self.read_database()?,
                opcode::DEADLINE_MS => about.deadline_ms = Some(self.read_deadline_ms()?),
                opcode::DEADLINE_S => {
                    about.deadline_ms = Some(u64::from(self.input.u32()?) * 1000);
                }
                opcode::IDLE => about.idle_s = Some(self.input.count()?),
                opcode::FREQUENCY => about.frequency = Some(self.input.byte()?),
                opcode::AUX => self.skip_strings(2)?,
                opcode::SIZES => self.skip_counts(2)?,
                opcode::SLOT_INFO => self.skip_counts(3)?,
                opcode::SLOT_IMPORT_OR_REMARKS if self.version <= VERSION_MAX => {
                    self.skip_remarks()?;
                }
                opcode::SLOT_IMPORT_OR_REMARKS => self.skip_slot_import()?,
                opcode::MODULE_AUX => self.skip_module_record()?,
                opcode::FUNCTION => {
                    let text = self.input.string()?;
                    (self.options.define)(&text).map_err(RdbError::Library)?;
                    self.loaded.library_count += 1;
                }
                opcode::FUNCTION_CANDIDATE => {
                    return Err(RdbError::Corrupt("functions of a release candidate"));
                }
                kind => self.read_key(kind, db, std::mem::take(&mut about))?,
            }
        }
    }

    fn read_database(&mut self) -> Result<u32, RdbError> {
        let number = self.input.count()?;
        let db = u32::try_from(number).ok().filter(|&db| db < self.keyspace.database_count());
        db.ok_or(RdbError::Database(number))
    }

    /// Reads a deadline; those before 1970 are as long past as can be.
    fn read_deadline_ms(&mut self) -> Result<u64, RdbError> {
        let deadline_ms = self.input.u64()?;
        Ok(u64::try_from(deadline_ms.cast_signed()).unwrap_or(0))
    }

    fn skip_strings(&mut self, count: usize) -> Result<(), RdbError> {
        (0..count).try_for_each(|_| self.input.string().map(drop))
    }

    fn skip_counts(&mut self, count: usize) -> Result<(), RdbError> {
        (0..count).try_for_each(|_| self.input.count().map(drop))
    }

    /// Skips the job's name and its ranges of slots.
    fn skip_slot_import(&mut self) -> Result<(), RdbError> {
        self.skip_strings(1)?;
        let range_count = self.input.count()?;
        (0..range_count).try_for_each(|_| self.skip_counts(2))
    }

    /// Skips what modules say of the key that follows: the module's kind of remark and its value.
    fn skip_remarks(&mut self) -> Result<(), RdbError> {
        let count = self.input.count()?;
        (0..count).try_for_each(|_| {
            self.input.u32()?;
            skip_module_value(&mut self.input)
        })
    }

    /// Skips what a module saved beside the keys.
    fn skip_module_record(&mut self) -> Result<(), RdbError> {
        // The module's number, and when it wanted to be asked, as a tagged number.
        self.skip_counts(3)?;
        skip_module_value(&mut self.input)
    }

    fn read_key(&mut self, kind: u8, db: u32, about: About) -> Result<(), RdbError> {
        let key = self.input.string()?;
        let value = match decode(kind, &mut self.input, &self.options.shapes) {
            Ok(value) => value,
            // Old releases saved some.
            Err(RdbError::EmptyValue) => return Ok(()),
            Err(error) => return Err(error),
        };
        let is_due = about.deadline_ms.is_some_and(|deadline_ms| deadline_ms < self.options.now_ms);
        if is_due {
            self.loaded.expired_count += 1;
        } else {
            self.store(db, &key, value, &about)?;
            self.loaded.key_count += 1;
        }
        let position = self.input.position();
        if (self.options.proceed)(position) { Ok(()) } else { Err(RdbError::Interrupted) }
    }

    fn store(&self, db: u32, key: &[u8], value: Value, about: &About) -> Result<(), RdbError> {
        let place = self.keyspace.key(db, key);
        let mut keys = self.keyspace.lock_one(place.place(), LockMode::Exclusive, &self.access);
        if !self.options.replaces && keys.peek(&place).is_some() {
            return Err(RdbError::DuplicateKey(key.escape_ascii().to_string()));
        }
        let aging = self.options.aging;
        let idle_ms = about.idle_s.map(|seconds| seconds.saturating_mul(1000));
        let stamp = aging.aged_stamp(idle_ms, about.frequency);
        keys.insert(&place, value.into_entry(key, about.deadline_ms, stamp));
        Ok(())
    }

    fn check_sum(&mut self) -> Result<(), RdbError> {
        /// Files have a checksum since this version.
        const SUMS_SINCE: u16 = 5;
        let Some(found) = self.input.checksum().filter(|_| self.version >= SUMS_SINCE) else {
            return Ok(());
        };
        // A writer that keeps no checksum writes zero.
        match self.input.u64()? {
            expected if expected == found || expected == 0 => Ok(()),
            expected => Err(RdbError::Checksum { expected, found }),
        }
    }
}

/// Skips the tagged pieces that modules write, up to their end.
fn skip_module_value<R: BufRead>(input: &mut Input<R>) -> Result<(), RdbError> {
    const END: u64 = 0;
    const SIGNED: u64 = 1;
    const UNSIGNED: u64 = 2;
    const FLOAT: u64 = 3;
    const DOUBLE: u64 = 4;
    const STRING: u64 = 5;
    loop {
        match input.count()? {
            END => return Ok(()),
            SIGNED | UNSIGNED => drop(input.count()?),
            FLOAT => drop(input.u32()?),
            DOUBLE => drop(input.u64()?),
            STRING => drop(input.string()?),
            _ => return Err(RdbError::Corrupt("an unknown piece of a module's value")),
        }
    }
}
