//! DEBUG DIGEST and DIGEST-VALUE: SHA-1 sums that are equal for equal data, whatever the order of the
//! keys, on this server and on the originals.
//!
//! Two operations: `add` XORs the SHA-1 of some bytes into a sum (the order does not matter), `mix`
//! does that and hashes the sum again (the order matters).

use sha1::{Digest as _, Sha1};

use crate::base::double::DoubleText;
use crate::engine::{CommandError, Context, Engine};
use crate::keyspace::{Entry, Lookup};
use crate::types::{
    Hash, IntegerText, List, ObjectRef, Set, SortedSet, Stream, StreamId, ValueType,
};

const DIGEST_BYTES: usize = 20;
/// Added to the sum of a key that expires.
const EXPIRES_MARK: &[u8] = b"!!expire!!";
/// The same for a field of a hash.
const FIELD_EXPIRES_MARK: &[u8] = b"!!hexpire!!";

#[derive(Clone, Copy, Default)]
struct Sum([u8; DIGEST_BYTES]);

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let hash: [u8; DIGEST_BYTES] = Sha1::digest(bytes).into();
        self.0.iter_mut().zip(hash).for_each(|(sum, byte)| *sum ^= byte);
    }

    fn mix(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.0 = Sha1::digest(self.0).into();
    }

    fn mix_value(&mut self, entry: &Entry) {
        self.mix(&type_code(entry.value_type()).to_be_bytes());
        match entry.object() {
            None => self.mix(entry.string().bytes(&mut IntegerText::new())),
            Some(ObjectRef::Hash(value)) => self.add_fields(value),
            Some(ObjectRef::List(value)) => self.mix_elements(value),
            Some(ObjectRef::Set(value)) => self.add_members(value),
            Some(ObjectRef::SortedSet(value)) => self.add_scored(value),
            Some(ObjectRef::Stream(value)) => self.mix_entries(value),
        }
        if entry.deadline_ms().is_some() {
            self.add(EXPIRES_MARK);
        }
    }

    fn add_fields(&mut self, hash: &Hash) {
        let (mut field_digits, mut value_digits) = (IntegerText::new(), IntegerText::new());
        for field in hash.iter() {
            let mut sum = Self::default();
            sum.mix(field.field.bytes(&mut field_digits));
            sum.mix(field.value.bytes(&mut value_digits));
            if field.deadline_ms.is_some() {
                sum.add(FIELD_EXPIRES_MARK);
            }
            self.add(&sum.0);
        }
    }

    fn mix_elements(&mut self, list: &List) {
        let mut digits = IntegerText::new();
        list.iter_from(0).for_each(|element| self.mix(element.bytes(&mut digits)));
    }

    fn add_members(&mut self, set: &Set) {
        let mut digits = IntegerText::new();
        set.iter().for_each(|member| self.add(member.bytes(&mut digits)));
    }

    fn add_scored(&mut self, set: &SortedSet) {
        let mut digits = IntegerText::new();
        for (member, score) in set.iter() {
            let mut sum = Self::default();
            sum.mix(member.bytes(&mut digits));
            sum.mix(DoubleText::by_digits(score).as_bytes());
            self.add(&sum.0);
        }
    }

    fn mix_entries(&mut self, stream: &Stream) {
        let (mut name_digits, mut value_digits) = (IntegerText::new(), IntegerText::new());
        for entry in stream.log().range(StreamId::MIN, StreamId::MAX) {
            self.mix(format!("{}.{}", entry.id().ms, entry.id().sequence).as_bytes());
            for (name, value) in entry.fields() {
                self.mix(name.bytes(&mut name_digits));
                self.mix(value.bytes(&mut value_digits));
            }
        }
    }

    fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Returns the number the originals know a type by.
fn type_code(value_type: ValueType) -> u32 {
    match value_type {
        ValueType::String => 0,
        ValueType::List => 1,
        ValueType::Set => 2,
        ValueType::SortedSet => 3,
        ValueType::Hash => 4,
        ValueType::Stream => 6,
    }
}

/// Handles DEBUG DIGEST. Nothing changes meanwhile. Cost: two hashes a key.
pub(super) fn of_all(context: &mut Context<'_>) -> Result<(), CommandError> {
    let closed = context.stop_the_world()?;
    let sum = sum_of_all(context.engine);
    drop(closed);
    context.reply.simple(&sum.hex());
    Ok(())
}

fn sum_of_all(engine: &Engine) -> Sum {
    let mut all = Sum::default();
    for (db, database) in engine.keyspace.existing() {
        if database.key_count() == 0 {
            continue;
        }
        all.mix(&db.to_be_bytes());
        engine.keyspace.for_each(db, &mut |entry| {
            let mut sum = Sum::default();
            sum.mix(entry.key());
            sum.mix_value(entry);
            all.add(&sum.0);
        });
    }
    all
}

/// Handles DEBUG DIGEST-VALUE.
pub(super) fn of_values(context: &mut Context<'_>) -> Result<(), CommandError> {
    context.reply.array(context.args.len() - 2);
    for index in 2..context.args.len() {
        let key = context.key(index);
        let mut sum = Sum::default();
        if let Some(entry) = context.keys.get(&key, Lookup::PEEK) {
            sum.mix_value(entry);
        }
        context.reply.simple(&sum.hex());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::testing::Bench;

    // The expected sums are those of a released server.
    #[test]
    fn equal_data_has_the_digest_of_the_originals() {
        let mut bench = Bench::with_settings("enable-debug-command yes");
        bench.expect(&[("DEBUG DIGEST", "0000000000000000000000000000000000000000")]);
        bench.expect(&[
            ("SET a 1", "OK"),
            ("DEBUG DIGEST", "943d800368fb9c0e951138f1bc0e313ac769d91f"),
            (
                "DEBUG DIGEST-VALUE a missing",
                "[b4fc66738120fba0b5aa500ab5c2bf89cea1c5da, \
                 0000000000000000000000000000000000000000]",
            ),
            ("SET a 1 EX 1000", "OK"),
            ("DEBUG DIGEST-VALUE a", "[5279988c5d1911f474bcbbf2f0a87012d40f8459]"),
        ]);
    }

    #[test]
    fn collections_have_the_digests_of_the_originals() {
        let mut bench = Bench::with_settings("enable-debug-command yes");
        for (command, sum) in [
            ("HSET a a b", "e74b6918422998016f954e98a1a8c89a0e1e4a25"),
            ("HEXPIRE a 1000 FIELDS 1 a", "42cb17736f4f4fe1a74f3a8d31a45bea2b8868ee"),
            ("ZADD b 0.1 a 1e20 b 3 c -inf d 1e-5 e", "cce95a97f2a682777863958b5a69860f9924c2dc"),
            ("ZADD c 5000000000 a", "b39db4855c11cb989d9111a8bc125e795f622037"),
            ("RPUSH d a b 1", "981fd62c1655c074205cff40b800bd5a5bfdcd41"),
            ("SADD e a b 1", "e8f32bbb1ad9bf537c8867de4f19fec9e001296d"),
            ("XADD f 1-1 a b c d", "2f06edaefc387eea993b3104d4b133e527de184b"),
            ("XADD f 2-2 e f", "6541fd6c71955e36bbc4fd33e1d4af168a7a1289"),
        ] {
            bench.say(command);
            let key = command.split(' ').nth(1).expect("a key");
            assert_eq!(bench.say(&format!("DEBUG DIGEST-VALUE {key}")), format!("[{sum}]"));
        }
    }
}
