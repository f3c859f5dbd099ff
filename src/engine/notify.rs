//! Keyspace events: what happened to a key, published for those who listen.
//!
//! A handler names the event right behind the change, while the key's shard is locked, so a listener
//! hears of one key's changes in their order. What befalls keys besides (they expire, are created, are
//! missed) is noted by the keyspace and announced before the next event of the command. Events of hashes
//! come with the fields they concern, for channels of their own.

use super::context::Context;
use super::state::Engine;
use crate::config::KeyspaceEvents;
use crate::keyspace::{Key, KeyEvent, Keys, Noted};
use crate::types::ValueType;

/// An event with its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    class: KeyspaceEvents,
    name: &'static str,
}

macro_rules! events {
    ($($class:ident { $($constant:ident = $name:expr,)+ })+) => {
        impl Event {
            $($(pub const $constant: Self =
                Self { class: KeyspaceEvents::$class, name: $name };)+)+
        }
    };
}

events! {
    GENERIC {
        COPY_TO = "copy_to",
        DEL = "del",
        EXPIRE = "expire",
        MOVE_FROM = "move_from",
        MOVE_TO = "move_to",
        PERSIST = "persist",
        RENAME_FROM = "rename_from",
        RENAME_TO = "rename_to",
        RESTORE = "restore",
    }
    STRING {
        APPEND = "append",
        INCRBY = "incrby",
        INCRBYFLOAT = "incrbyfloat",
        PFADD = "pfadd",
        SET = "set",
        SETBIT = "setbit",
        SETRANGE = "setrange",
    }
    LIST {
        LINSERT = "linsert",
        LPOP = "lpop",
        LPUSH = "lpush",
        LREM = "lrem",
        LSET = "lset",
        LTRIM = "ltrim",
        RPOP = "rpop",
        RPUSH = "rpush",
        SORTSTORE = "sortstore",
    }
    SET {
        SADD = "sadd",
        SDIFFSTORE = "sdiffstore",
        SINTERSTORE = "sinterstore",
        SPOP = "spop",
        SREM = "srem",
        SUNIONSTORE = "sunionstore",
    }
    HASH {
        HDEL = "hdel",
        HEXPIRE = "hexpire",
        HEXPIRED = "hexpired",
        HINCRBY = "hincrby",
        HINCRBYFLOAT = "hincrbyfloat",
        HPERSIST = "hpersist",
        HSET = "hset",
    }
    SORTED_SET {
        GEORADIUSSTORE = "georadiusstore",
        GEOSEARCHSTORE = "geosearchstore",
        ZADD = "zadd",
        ZDIFFSTORE = "zdiffstore",
        ZINCR = "zincr",
        ZINTERSTORE = "zinterstore",
        ZPOPMAX = "zpopmax",
        ZPOPMIN = "zpopmin",
        ZRANGESTORE = "zrangestore",
        ZREM = "zrem",
        ZREMRANGEBYLEX = "zremrangebylex",
        ZREMRANGEBYRANK = "zremrangebyrank",
        ZREMRANGEBYSCORE = "zremrangebyscore",
        ZUNIONSTORE = "zunionstore",
    }
    STREAM {
        XADD = "xadd",
        XDEL = "xdel",
        XGROUP_CREATE = "xgroup-create",
        XGROUP_CREATECONSUMER = "xgroup-createconsumer",
        XGROUP_DELCONSUMER = "xgroup-delconsumer",
        XGROUP_DESTROY = "xgroup-destroy",
        XGROUP_SETID = "xgroup-setid",
        XSETID = "xsetid",
        XTRIM = "xtrim",
    }
    EXPIRED { EXPIRED = "expired", }
    EVICTED { EVICTED = "evicted", }
    KEY_MISS { KEY_MISS = "keymiss", }
    NEW { NEW = "new", }
    OVERWRITTEN { OVERWRITTEN = "overwritten", }
    TYPE_CHANGED { TYPE_CHANGED = "type_changed", }
}

/// Returns what the keyspace has to note.
pub(super) fn noted(events: KeyspaceEvents) -> Noted {
    Noted {
        expired: events.contains(KeyspaceEvents::EXPIRED),
        fields_expired: events.contains(KeyspaceEvents::HASH),
        emptied: events.contains(KeyspaceEvents::GENERIC),
        created: events.contains(KeyspaceEvents::NEW),
        missed: events.contains(KeyspaceEvents::KEY_MISS),
        overwritten: events.contains(KeyspaceEvents::OVERWRITTEN),
        type_changed: events.contains(KeyspaceEvents::TYPE_CHANGED),
    }
}

impl Context<'_> {
    /// Announces what the command has just done to a key, if that is wanted.
    #[inline]
    pub fn notify(&mut self, event: Event, key: &Key<'_>) {
        if self.tuning.events.contains(event.class) {
            self.announce(event, key, &[]);
        }
    }

    /// The same for a command that takes something away; it may have gone with the key.
    #[inline]
    pub fn notify_taken(&mut self, event: Event, key: &Key<'_>) {
        self.notify(event, key);
        self.notify_if_gone(key);
    }

    /// Announces that a key has gone with what was taken away from it, if it has.
    #[inline]
    pub fn notify_if_gone(&mut self, key: &Key<'_>) {
        if self.tuning.events.contains(Event::DEL.class) && self.keys.peek(key).is_none() {
            self.notify(Event::DEL, key);
        }
    }

    /// Announces what the command has just done to fields of a key's hash.
    #[inline]
    pub fn notify_fields<'f>(
        &mut self,
        event: Event,
        key: &Key<'_>,
        fields: impl Iterator<Item = &'f [u8]>,
    ) {
        if self.tuning.events.contains(event.class) {
            let named = if self.wants_fields() { fields.collect() } else { Vec::new() };
            self.announce(event, key, &named);
        }
    }

    /// The same for fields that were taken away; the key may have gone with them.
    #[inline]
    pub fn notify_fields_taken(&mut self, event: Event, key: &Key<'_>, fields: &[&[u8]]) {
        self.notify_fields(event, key, fields.iter().copied());
        self.notify_if_gone(key);
    }

    /// Says whether anybody may want to hear which fields of hashes change.
    #[inline]
    pub fn wants_fields(&self) -> bool {
        self.tuning.events.include_fields()
    }

    /// Announces that a key stands in the place of one with a value of type `was`, if there was one.
    #[inline]
    pub fn notify_replaced(&mut self, key: &Key<'_>, was: Option<ValueType>) {
        if let Some(was) = was {
            self.notify(Event::OVERWRITTEN, key);
            if self.keys.peek(key).is_some_and(|entry| entry.value_type() != was) {
                self.notify(Event::TYPE_CHANGED, key);
            }
        }
    }

    #[cold]
    fn announce(&mut self, event: Event, key: &Key<'_>, fields: &[&[u8]]) {
        let from = Some(self.worker);
        if self.keys.has_news() {
            self.engine.announce(from, &mut self.keys);
        }
        let place = (key.place().db, key.bytes);
        self.engine.notify_fields(from, self.tuning.events, event, place, fields);
    }
}

impl Engine {
    /// Announces what befell keys besides what their command is about.
    pub(super) fn announce(&self, from: Option<usize>, keys: &mut Keys<'_>) {
        let wanted = self.config.keyspace_events();
        for (event, key) in keys.take_events() {
            let place = (key.db, &*key.bytes);
            let event = match event {
                KeyEvent::Expired => Event::EXPIRED,
                KeyEvent::FieldsExpired(fields) => {
                    let fields: Vec<&[u8]> = fields.iter().map(|field| &**field).collect();
                    self.notify_fields(from, wanted, Event::HEXPIRED, place, &fields);
                    continue;
                }
                KeyEvent::Emptied => Event::DEL,
                KeyEvent::Created => Event::NEW,
                KeyEvent::Missed => Event::KEY_MISS,
                KeyEvent::Overwritten => Event::OVERWRITTEN,
                KeyEvent::TypeChanged => Event::TYPE_CHANGED,
            };
            self.notify(from, wanted, event, place);
        }
    }

    /// Announces an event, if its class is among those wanted. `from` is the worker whose commands
    /// this thread is running, if it runs any.
    #[inline]
    pub(super) fn notify(
        &self,
        from: Option<usize>,
        wanted: KeyspaceEvents,
        event: Event,
        place: (u32, &[u8]),
    ) {
        self.notify_fields(from, wanted, event, place, &[]);
    }

    /// The same for an event that concerns fields of the key's hash.
    #[inline]
    pub(super) fn notify_fields(
        &self,
        from: Option<usize>,
        wanted: KeyspaceEvents,
        event: Event,
        place: (u32, &[u8]),
        fields: &[&[u8]],
    ) {
        if wanted.contains(event.class) && !self.pubsub.is_silent() {
            self.publish_event(from, wanted, event.name, place);
            if wanted.include_fields() && !fields.is_empty() {
                self.publish_fields(from, wanted, event.name, place, fields);
            }
        }
    }

    #[cold]
    fn publish_event(
        &self,
        from: Option<usize>,
        wanted: KeyspaceEvents,
        name: &str,
        (db, key): (u32, &[u8]),
    ) {
        if wanted.contains(KeyspaceEvents::KEYSPACE) {
            let mut channel = format!("__keyspace@{db}__:").into_bytes();
            channel.extend_from_slice(key);
            self.publish(from, &channel, name.as_bytes());
        }
        if wanted.contains(KeyspaceEvents::KEYEVENT) {
            self.publish(from, format!("__keyevent@{db}__:{name}").as_bytes(), key);
        }
    }

    /// Publishes an event with the fields it concerns. They are written with their lengths, for they may
    /// hold any byte.
    #[cold]
    fn publish_fields(
        &self,
        from: Option<usize>,
        wanted: KeyspaceEvents,
        name: &str,
        (db, key): (u32, &[u8]),
        fields: &[&[u8]],
    ) {
        let listed = fields.iter().map(|field| with_length(field)).collect::<Vec<_>>().join(&b',');
        let channel = |kind: &str, parts: &[&[u8]]| -> Vec<u8> {
            [format!("__{kind}@{db}__:").as_bytes(), &parts.concat()].concat()
        };
        let name = name.as_bytes();
        if wanted.contains(KeyspaceEvents::FIELDS_BY_KEY) {
            let text = [name, b"|", &listed].concat();
            self.publish(from, &channel("subkeyspace", &[key]), &text);
        }
        if wanted.contains(KeyspaceEvents::FIELDS_BY_EVENT) {
            let text = [&*with_length(key), b"|", &listed].concat();
            self.publish(from, &channel("subkeyevent", &[name]), &text);
        }
        // Where a line end stands in the key, nobody could tell where the field begins.
        if wanted.contains(KeyspaceEvents::FIELD) && !key.contains(&b'\n') {
            for field in fields {
                self.publish(from, &channel("subkeyspaceitem", &[key, b"\n", field]), name);
            }
        }
        if wanted.contains(KeyspaceEvents::FIELDS_BY_BOTH) {
            self.publish(from, &channel("subkeyspaceevent", &[name, b"|", key]), &listed);
        }
    }
}

/// Returns bytes behind their number.
fn with_length(bytes: &[u8]) -> Vec<u8> {
    [format!("{}:", bytes.len()).as_bytes(), bytes].concat()
}
