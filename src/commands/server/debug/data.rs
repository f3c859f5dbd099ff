//! DEBUG POPULATE: many keys at once, for tests.

use crate::base::text;
use crate::engine::{CommandError, Context};
use crate::types::StringValue;

/// Handles DEBUG POPULATE. The keys are neither propagated nor counted as changes.
pub(super) fn populate(context: &mut Context<'_>) -> Result<(), CommandError> {
    let args = context.args;
    let count = positive(args.at(2))?;
    let prefix = args.get(3).unwrap_or(b"key");
    let value_bytes = args.get(4).map_or(Ok(0), positive)?;
    let (keyspace, db) = (&context.engine.keyspace, context.session.db);
    let access = *context.keys.access();
    let mut digits = itoa::Buffer::new();
    let (mut name, mut value) = (Vec::new(), Vec::new());
    for number in 0..count {
        let digits = digits.format(number).as_bytes();
        name.clear();
        name.extend_from_slice(prefix);
        name.push(b':');
        name.extend_from_slice(digits);
        value.clear();
        value.extend_from_slice(b"value:");
        value.extend_from_slice(digits);
        if value_bytes > 0 {
            value.resize(value_bytes, 0);
        }
        keyspace.add(&keyspace.key(db, &name), StringValue::text(&value, false), &access);
    }
    context.reply.ok();
    Ok(())
}

fn positive(argument: &[u8]) -> Result<usize, CommandError> {
    text::parse_i64(argument)
        .and_then(|number| usize::try_from(number).ok())
        .ok_or(CommandError::refused("ERR value is out of range, must be positive"))
}
