//! A file of all databases, under the oldest version whose readers know all that is in it.
//!
//! ```text
//! REDIS00NN | facts about the writer | libraries | per database: its number, its sizes, its keys | end | checksum
//! ```

use std::io::{self, Write};

use bytes::Bytes;

use super::codes::{VERSION_BASE, opcode};
use super::output::Output;
use super::values::{Form, encode};
use crate::keyspace::{Entry, Keyspace, LruClock, frequency, idle_ms};

/// What is kept of the use of each key.
#[derive(Clone, Copy, Debug)]
pub enum Stamps {
    /// Nothing: eviction does not ask for it.
    None,
    /// Seconds since the last use.
    Idle,
    /// How often it was used lately.
    Frequency { decay_minutes: u32 },
}

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub struct SaveOptions<'a> {
    /// The Redis version whose features the writer has.
    pub version: &'a str,
    pub now_ms: u64,
    pub used_memory_bytes: u64,
    /// Texts of libraries of functions.
    pub libraries: &'a [Bytes],
    pub stamps: Stamps,
    pub compresses: bool,
    pub sums: bool,
}

/// Writes all databases and returns the number of keys. The caller sees to it that nothing changes
/// meanwhile.
///
/// # Errors
/// When the sink fails.
pub fn save(keyspace: &Keyspace, sink: impl Write, options: &SaveOptions<'_>) -> io::Result<u64> {
    let mut writer = Writer {
        output: Output::new(sink, options.sums, options.compresses),
        options,
        clock: LruClock::at(options.now_ms),
        key_count: 0,
    };
    writer.begin(version_of(keyspace))?;
    writer.libraries()?;
    for (db, database) in keyspace.existing() {
        if database.key_count() == 0 {
            continue;
        }
        writer.database(db, database.key_count(), database.volatile_count())?;
        let mut outcome = Ok(());
        keyspace.for_each(db, &mut |entry| {
            if outcome.is_ok() {
                outcome = writer.key(entry);
            }
        });
        outcome?;
    }
    writer.end()
}

/// Returns the version whose readers know the types of all values. Who does not know one then says so
/// before he has loaded half of the file. Cost: O(keys), little for each beside what writing it takes.
fn version_of(keyspace: &Keyspace) -> u16 {
    let mut version = VERSION_BASE;
    for (db, _) in keyspace.existing() {
        keyspace.for_each(db, &mut |entry| version = version.max(Form::of(entry).version));
    }
    version
}

struct Writer<'a, W> {
    output: Output<W>,
    options: &'a SaveOptions<'a>,
    clock: LruClock,
    key_count: u64,
}

impl<W: Write> Writer<'_, W> {
    fn begin(&mut self, version: u16) -> io::Result<()> {
        self.output.raw(format!("REDIS{version:04}").as_bytes())?;
        let numbers = [
            ("redis-bits", u64::from(usize::BITS)),
            ("ctime", self.options.now_ms / 1000),
            ("used-mem", self.options.used_memory_bytes),
            ("aof-base", 0),
        ];
        self.fact("redis-ver", self.options.version)?;
        for (name, number) in numbers {
            self.fact(name, &number.to_string())?;
        }
        Ok(())
    }

    fn libraries(&mut self) -> io::Result<()> {
        self.options.libraries.iter().try_for_each(|text| {
            self.output.byte(opcode::FUNCTION)?;
            self.output.string(text)
        })
    }

    fn fact(&mut self, name: &str, value: &str) -> io::Result<()> {
        self.output.byte(opcode::AUX)?;
        self.output.string(name.as_bytes())?;
        self.output.string(value.as_bytes())
    }

    fn database(&mut self, db: u32, key_count: u64, volatile_count: u64) -> io::Result<()> {
        self.output.byte(opcode::DATABASE)?;
        self.output.count(u64::from(db))?;
        self.output.byte(opcode::SIZES)?;
        self.output.count(key_count)?;
        self.output.count(volatile_count)
    }

    fn key(&mut self, entry: &Entry) -> io::Result<()> {
        if let Some(deadline_ms) = entry.deadline_ms() {
            self.output.byte(opcode::DEADLINE_MS)?;
            self.output.u64(deadline_ms)?;
        }
        match self.options.stamps {
            Stamps::None => {}
            Stamps::Idle => {
                self.output.byte(opcode::IDLE)?;
                self.output.count(idle_ms(entry, self.clock) / 1000)?;
            }
            Stamps::Frequency { decay_minutes } => {
                self.output.byte(opcode::FREQUENCY)?;
                self.output.byte(frequency(entry, self.options.now_ms, decay_minutes))?;
            }
        }
        let form = Form::of(entry);
        self.output.byte(form.kind)?;
        self.output.string(entry.key())?;
        self.key_count += 1;
        encode(entry, &mut self.output)
    }

    fn end(mut self) -> io::Result<u64> {
        self.output.byte(opcode::END)?;
        let checksum = self.output.checksum().unwrap_or_default();
        self.output.u64(checksum)?;
        self.output.into_sink().flush()?;
        Ok(self.key_count)
    }
}
