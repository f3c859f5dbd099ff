//! The first line of a script: `#!lua flags=no-writes,allow-stale`.

use crate::config::split_words;

/// What a script says of itself in its first line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScriptFlags {
    /// It has such a line; without one, a script may do what scripts could before there were flags.
    pub has_shebang: bool,
    /// It writes nothing.
    pub no_writes: bool,
    /// It runs while memory is short.
    pub allow_oom: bool,
    /// It runs on a replica that is out of touch with its leader.
    pub allow_stale: bool,
    /// It runs only without a cluster.
    pub no_cluster: bool,
    /// It may use keys of several slots.
    pub allow_cross_slot_keys: bool,
}

impl ScriptFlags {
    /// Returns what the first line of a script says; nothing, if it makes no sense.
    pub fn of(body: &[u8]) -> Self {
        split(body).map(|(flags, _)| flags).unwrap_or_default()
    }

    /// Sets the flag of this name; says whether there is one.
    pub(super) fn set(&mut self, name: &[u8]) -> bool {
        match name {
            b"no-writes" => self.no_writes = true,
            b"allow-oom" => self.allow_oom = true,
            b"allow-stale" => self.allow_stale = true,
            b"no-cluster" => self.no_cluster = true,
            b"allow-cross-slot-keys" => self.allow_cross_slot_keys = true,
            _ => return false,
        }
        true
    }

    /// Returns the names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.no_writes, "no-writes"),
            (self.allow_oom, "allow-oom"),
            (self.allow_stale, "allow-stale"),
            (self.no_cluster, "no-cluster"),
            (self.allow_cross_slot_keys, "allow-cross-slot-keys"),
        ];
        all.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name)
    }
}

/// Splits a script into its flags and its code: the code keeps the line's end, so that lines are
/// counted as in the text. `Err` holds what the client reads.
pub(super) fn split(body: &[u8]) -> Result<(ScriptFlags, &[u8]), String> {
    let mut flags = ScriptFlags::default();
    if !body.starts_with(b"#!") {
        return Ok((flags, body));
    }
    flags.has_shebang = true;
    let end = memchr::memchr(b'\n', body).ok_or("ERR Invalid script shebang")?;
    let parts = split_words(&body[..end]).ok_or("ERR Invalid engine in script shebang")?;
    let (engine, options) = parts.split_first().ok_or("ERR Invalid engine in script shebang")?;
    if engine != b"#!lua" {
        let engine = String::from_utf8_lossy(engine);
        return Err(format!("ERR Unexpected engine in script shebang: {engine}"));
    }
    for part in options {
        let Some(names) = part.strip_prefix(b"flags=") else {
            let part = String::from_utf8_lossy(part);
            return Err(format!("ERR Unknown lua shebang option: {part}"));
        };
        // No flags at all are fine, an empty one among others is not.
        let names = (!names.is_empty()).then(|| names.split(|&byte| byte == b','));
        for name in names.into_iter().flatten() {
            if !flags.set(name) {
                let name = String::from_utf8_lossy(name);
                return Err(format!("ERR Unexpected flag in script shebang: {name}"));
            }
        }
    }
    Ok((flags, &body[end..]))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_of_the_first_line_may_be_quoted() {
        for line in [
            "#!lua flags=no-writes,allow-oom",
            "#!lua flags=\"no-writes,allow-oom\"",
            "#!'lua' \"flags=no-writes\" flags='allow-oom'",
        ] {
            let body = format!("{line}\nreturn 1");
            let (flags, code) = split(body.as_bytes()).expect(line);
            assert_eq!(flags.names().collect::<Vec<_>>(), ["no-writes", "allow-oom"], "{line}");
            assert_eq!(code, b"\nreturn 1");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_the_words_of_the_originals() {
        for (body, error) in [
            ("#!lua", "Invalid script shebang"),
            ("#!lua \"flags=no-writes\n", "Invalid engine in script shebang"),
            ("#!\n", "Unexpected engine in script shebang: #!"),
            ("#!lua name=foo\n", "Unknown lua shebang option: name=foo"),
            ("#!lua flags=no-writes,bad\n", "Unexpected flag in script shebang: bad"),
            ("#!lua flags=no-writes, allow-stale\n", "Unexpected flag in script shebang: "),
            ("#!lua flags=,no-writes\n", "Unexpected flag in script shebang: "),
        ] {
            assert_eq!(split(body.as_bytes()), Err(format!("ERR {error}")), "{body}");
        }
    }
}
