//! Keyspace events: what happened to a key, published for those who listen.
//!
//! A handler names the event right behind the change, while the key's shard is locked, so a listener
//! hears of one key's changes in their order. What befalls keys besides (they expire, are created, are
//! missed) is noted by the keyspace and announced before the next event of the command.

use super::context::Context;
use super::state::Engine;
use crate::config::KeyspaceEvents;
use crate::keyspace::{Key, KeyEvent, Keys, Noted};

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
}

/// Returns what the keyspace has to note.
pub(super) fn noted(events: KeyspaceEvents) -> Noted {
    Noted {
        expired: events.contains(KeyspaceEvents::EXPIRED),
        fields_expired: events.contains(KeyspaceEvents::HASH),
        emptied: events.contains(KeyspaceEvents::GENERIC),
        created: events.contains(KeyspaceEvents::NEW),
        missed: events.contains(KeyspaceEvents::KEY_MISS),
    }
}

impl Context<'_> {
    /// Announces what the command has just done to a key, if that is wanted.
    #[inline]
    pub fn notify(&mut self, event: Event, key: &Key<'_>) {
        if self.tuning.events.contains(event.class) {
            self.announce(event, key);
        }
    }

    /// The same for a command that takes something away; it may have gone with the key.
    #[inline]
    pub fn notify_taken(&mut self, event: Event, key: &Key<'_>) {
        if !self.tuning.events.is_empty() {
            self.announce_taken(event, key);
        }
    }

    #[cold]
    fn announce_taken(&mut self, event: Event, key: &Key<'_>) {
        self.notify(event, key);
        if self.keys.peek(key).is_none() {
            self.notify(Event::DEL, key);
        }
    }

    #[cold]
    fn announce(&mut self, event: Event, key: &Key<'_>) {
        let from = Some(self.worker);
        if self.keys.has_news() {
            self.engine.announce(from, &mut self.keys);
        }
        self.engine.notify(from, self.tuning.events, event, (key.place().db, key.bytes));
    }
}

impl Engine {
    /// Announces what befell keys besides what their command is about.
    pub(super) fn announce(&self, from: Option<usize>, keys: &mut Keys<'_>) {
        for (event, key) in keys.take_events() {
            let event = match event {
                KeyEvent::Expired => Event::EXPIRED,
                KeyEvent::FieldsExpired => Event::HEXPIRED,
                KeyEvent::Emptied => Event::DEL,
                KeyEvent::Created => Event::NEW,
                KeyEvent::Missed => Event::KEY_MISS,
            };
            self.notify(from, self.config.keyspace_events(), event, (key.db, &key.bytes));
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
        (db, key): (u32, &[u8]),
    ) {
        if wanted.contains(event.class) && !self.pubsub.is_silent() {
            self.publish_event(from, wanted, event.name, (db, key));
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
}
