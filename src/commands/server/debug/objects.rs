//! How values and databases are kept: DEBUG OBJECT, SDSLEN, HTSTATS.

use crate::base::text;
use crate::config::Setting;
use crate::engine::{CommandError, Context};
use crate::keyspace::{Lookup, LruClock, SHARD_COUNT, idle_ms};
use crate::rdb;
use crate::types::{IntegerText, StringRef, ValueType};

/// Handles DEBUG OBJECT.
pub(super) fn object(context: &mut Context<'_>) -> Result<(), CommandError> {
    if context.args.len() > 3 && !context.args.is_word(3, "FAST") {
        return Err(CommandError::Syntax);
    }
    let compresses = context.engine.config.flag(Setting::Rdbcompression);
    let key = context.key(2);
    let clock = LruClock::at(context.now_ms);
    let entry = context.keys.stored(&key).ok_or(CommandError::NoSuchKey)?;
    let line = format!(
        "Value at:{:p} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
        entry.key().as_ptr(),
        entry.encoding().name(),
        rdb::serialized_bytes(entry, compresses),
        entry.stamp(),
        idle_ms(entry, clock) / 1000,
    );
    context.reply.simple(&line);
    Ok(())
}

/// Handles DEBUG SDSLEN.
pub(super) fn string_lengths(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(2);
    let entry = context.keys.get(&key, Lookup::PEEK).ok_or(CommandError::NoSuchKey)?;
    let is_string = entry.value_type() == ValueType::String;
    if !is_string || matches!(entry.string(), StringRef::Integer(_)) {
        return Err(CommandError::refused("ERR Not an sds encoded string."));
    }
    let value_bytes = entry.string().bytes(&mut IntegerText::new()).len();
    let line = format!(
        "key_sds_len:{}, key_sds_avail:0, key_zmalloc: {}, val_sds_len:{value_bytes}, \
         val_sds_avail:0, val_zmalloc: {}",
        entry.key().len(),
        entry.key().len(),
        entry.memory_bytes(),
    );
    context.reply.simple(&line);
    Ok(())
}

/// Handles DEBUG HTSTATS.
pub(super) fn database_table(context: &mut Context<'_>) -> Result<(), CommandError> {
    let number = text::parse_i64(context.args.at(2)).ok_or(CommandError::NotAnInteger)?;
    let keyspace = &context.engine.keyspace;
    let db = u32::try_from(number).ok().filter(|&db| db < keyspace.database_count());
    let db = db.ok_or(CommandError::refused("ERR Out of range database"))?;
    let (keys, volatile) = keyspace
        .database(db)
        .map_or((0, 0), |database| (database.key_count(), database.volatile_count()));
    let shards = if keyspace.database(db).is_some() { SHARD_COUNT } else { 0 };
    let text = format!(
        "[Dictionary HT]\nHash table 0 stats (main hash table):\n number of shards: {shards}\n \
         number of elements: {keys}\n[Expires HT]\n number of elements: {volatile}\n"
    );
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// Handles DEBUG HTSTATS-KEY: no type kept in a table exists yet.
pub(super) fn key_table(context: &mut Context<'_>) -> Result<(), CommandError> {
    let key = context.key(2);
    context.keys.get(&key, Lookup::PEEK).ok_or(CommandError::NoSuchKey)?;
    Err(CommandError::refused(
        "ERR The value stored at the specified key is not represented using an hash table",
    ))
}
