//! The facts of a command, one constant each: COMMAND, the lock plan, the gates, ACL categories and the
//! statistics all come from it.

use super::context::Context;
use super::error::CommandError;
use super::state::Engine;
use crate::keyspace::{KeyPlace, Keyspace};

/// What a command does: reads its arguments from the context, replies into it, or refuses.
pub type Handler = fn(&mut Context<'_>) -> Result<(), CommandError>;

/// Everything known of a command besides its code.
#[derive(Clone, Copy)]
pub struct Command {
    /// Lower case; of a subcommand its own part only.
    pub name: &'static str,
    /// Number of arguments with the command's name; negative: at least that many.
    pub arity: i32,
    pub flags: Flags,
    pub keys: &'static [KeySpec],
    /// Categories that do not follow from the flags (see [`Command::categories`]).
    pub acl: Categories,
    pub since: &'static str,
    pub group: Group,
    pub complexity: &'static str,
    pub summary: &'static str,
    /// Tips for clients, as COMMAND INFO lists them.
    pub tips: &'static [&'static str],
    /// Since when clients should use something else, and what.
    pub deprecated: Option<(&'static str, &'static str)>,
    pub arguments: &'static [Argument],
    pub subcommands: &'static [Self],
    /// How keys are found where the key specs do not say it all (SORT, MIGRATE, ...).
    pub find_keys: Option<KeyFinder>,
    /// How the keys are really used, where their specs say that it depends on the arguments.
    pub key_use: Option<fn(super::Args<'_>) -> KeyFlags>,
    /// It may also run while a client that speaks RESP2 subscribes to channels.
    pub while_subscribed: bool,
    /// Adds the places of keys in other databases than the client's (COPY, MOVE).
    pub other_places: Option<PlaceFinder>,
    /// It notes its client in the shards of its keys, though it changes none.
    pub locks_alone: bool,
    /// It may touch keys that it does not declare: nothing else may be locked while it runs.
    pub looks_beyond: bool,
    /// What it changes makes nothing ready for clients that wait for its keys.
    pub wakes_nobody: bool,
    /// It changes what groups have read of a stream rather than what the stream holds: whoever watches or
    /// tracks the key is not told.
    pub is_unobserved: bool,
    /// Arguments up to which it takes little time however large the value is, where its complexity alone
    /// does not say so: those of up to some kilobytes, its name included.
    pub short_args_max: usize,
    /// Position of the argument that names the element of a collection it looks up, the first of them if
    /// it looks up several; 0 if it looks up none. What leads to it is fetched ahead.
    pub member_at: usize,
    /// It runs a script: says whether that is known, and known to use declared keys only.
    pub script_keeps_to_keys: Option<fn(&Engine, super::Args<'_>) -> bool>,
    /// How it really behaves, where that depends on the script it runs.
    pub flags_by_script: Option<fn(&Engine, super::Args<'_>) -> Flags>,
    /// Which database the commands behind it run in (SELECT).
    pub selects: Option<fn(super::Args<'_>) -> Option<u32>>,
    /// What becomes of it between MULTI and EXEC.
    pub in_transaction: InTransaction,
    pub run: Handler,
}

/// What becomes of a command between MULTI and EXEC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InTransaction {
    Queued,
    /// It runs at once.
    Runs,
    /// It runs at once, and the queue with it.
    RunsQueue,
}

/// Appends the positions of all keys and how each is used; `false` when the arguments make no sense.
pub type KeyFinder = fn(super::Args<'_>, &mut Vec<(usize, KeyFlags)>) -> bool;

/// Appends the places of keys that live in another database than the given one.
pub type PlaceFinder = fn(&Keyspace, u32, super::Args<'_>, &mut Vec<KeyPlace>);

impl Command {
    /// Says whether the replies are messages, which CLIENT REPLY does not hold back.
    pub(super) const fn replies_by_messages(&self) -> bool {
        self.while_subscribed && self.flags.has(Flags::PUBSUB)
    }

    /// Returns how it behaves with these arguments.
    #[inline]
    pub(super) fn flags_with(&self, engine: &Engine, args: super::Args<'_>) -> Flags {
        self.flags_by_script.map_or(self.flags, |flags| flags(engine, args))
    }

    /// What a constant leaves out.
    pub const DEFAULT: Self = Self {
        name: "",
        arity: -1,
        flags: Flags::NONE,
        keys: &[],
        acl: Categories::NONE,
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        summary: "",
        tips: &[],
        deprecated: None,
        arguments: &[],
        subcommands: &[],
        find_keys: None,
        key_use: None,
        while_subscribed: false,
        other_places: None,
        locks_alone: false,
        looks_beyond: false,
        wakes_nobody: false,
        is_unobserved: false,
        short_args_max: 0,
        member_at: 0,
        script_keeps_to_keys: None,
        flags_by_script: None,
        selects: None,
        in_transaction: InTransaction::Queued,
        run: container,
    };

    /// Returns the ACL categories: the stated ones and those that follow from the flags. A script that
    /// only reads may do more than what `@read` is about.
    pub const fn categories(&self) -> Categories {
        let mut all = self.acl;
        let derived = [
            (Flags::WRITE, Categories::WRITE),
            (Flags::READONLY, Categories::READ),
            (Flags::ADMIN, Categories::ADMIN.and(Categories::DANGEROUS)),
            (Flags::PUBSUB, Categories::PUBSUB),
            (Flags::BLOCKING, Categories::BLOCKING),
            (Flags::FAST, Categories::FAST),
        ];
        let mut index = 0;
        while index < derived.len() {
            let (flag, category) = derived[index];
            let is_reading_script =
                flag.has(Flags::READONLY) && self.acl.has(Categories::SCRIPTING);
            if self.flags.has(flag) && !is_reading_script {
                all = all.and(category);
            }
            index += 1;
        }
        if all.has(Categories::FAST) { all } else { all.and(Categories::SLOW) }
    }
}

/// The handler of a command that only has subcommands; look-up never lets it run.
fn container(context: &mut Context<'_>) -> Result<(), CommandError> {
    Err(CommandError::wrong_arity(context.command_name()))
}

macro_rules! bits {
    ($(#[$doc:meta])* $name:ident: $type:ty { $($constant:ident = $bit:expr => $text:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name($type);

        impl $name {
            pub const NONE: Self = Self(0);
            $(pub const $constant: Self = Self(1 << $bit);)+
            /// Every constant with the word clients know it by, if any, in the order COMMAND lists them.
            pub const WORDS: &'static [(Self, &'static str)] = &[$((Self::$constant, $text),)+];

            /// Returns both together.
            pub const fn and(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// Says whether all of `other` is in here.
            pub const fn has(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Says whether any of `other` is in here.
            pub const fn has_any(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Returns the words of what is in here.
            pub fn words(self) -> impl Iterator<Item = &'static str> {
                let told = Self::WORDS.iter().filter(|(_, word)| !word.is_empty());
                told.filter(move |(bit, _)| self.has(*bit)).map(|(_, word)| *word)
            }
        }
    };
}

bits! {
    /// How a command behaves.
    Flags: u32 {
        WRITE = 0 => "write",
        READONLY = 1 => "readonly",
        DENYOOM = 2 => "denyoom",
        ADMIN = 3 => "admin",
        PUBSUB = 4 => "pubsub",
        NOSCRIPT = 5 => "noscript",
        BLOCKING = 6 => "blocking",
        LOADING = 7 => "loading",
        STALE = 8 => "stale",
        SKIP_MONITOR = 9 => "skip_monitor",
        SKIP_COMMANDLOG = 10 => "skip_commandlog",
        ASKING = 11 => "asking",
        FAST = 12 => "fast",
        NO_AUTH = 13 => "no_auth",
        // Clients are not told of it.
        MAY_REPLICATE = 14 => "",
        NO_MULTI = 15 => "no_multi",
        MOVABLEKEYS = 16 => "movablekeys",
        ALLOW_BUSY = 17 => "allow_busy",
        NO_ASYNC_LOADING = 18 => "no_async_loading",
        NO_MANDATORY_KEYS = 19 => "no_mandatory_keys",
    }
}

bits! {
    /// ACL categories.
    Categories: u32 {
        KEYSPACE = 0 => "@keyspace",
        READ = 1 => "@read",
        WRITE = 2 => "@write",
        SET = 3 => "@set",
        SORTEDSET = 4 => "@sortedset",
        LIST = 5 => "@list",
        HASH = 6 => "@hash",
        STRING = 7 => "@string",
        BITMAP = 8 => "@bitmap",
        HYPERLOGLOG = 9 => "@hyperloglog",
        GEO = 10 => "@geo",
        STREAM = 11 => "@stream",
        PUBSUB = 12 => "@pubsub",
        ADMIN = 13 => "@admin",
        FAST = 14 => "@fast",
        SLOW = 15 => "@slow",
        BLOCKING = 16 => "@blocking",
        DANGEROUS = 17 => "@dangerous",
        CONNECTION = 18 => "@connection",
        TRANSACTION = 19 => "@transaction",
        SCRIPTING = 20 => "@scripting",
    }
}

bits! {
    /// How a key is used.
    KeyFlags: u16 {
        RO = 0 => "RO",
        RW = 1 => "RW",
        OW = 2 => "OW",
        RM = 3 => "RM",
        ACCESS = 4 => "access",
        UPDATE = 5 => "update",
        INSERT = 6 => "insert",
        DELETE = 7 => "delete",
        NOT_KEY = 8 => "not_key",
        INCOMPLETE = 9 => "incomplete",
        VARIABLE_FLAGS = 10 => "variable_flags",
    }
}

impl Categories {
    /// Returns the category of a name without its `@`, in any case of letters.
    pub fn named(name: &[u8]) -> Option<Self> {
        let is_it = |word: &str| word.as_bytes()[1..].eq_ignore_ascii_case(name);
        Self::WORDS.iter().find(|(_, word)| is_it(word)).map(|(category, _)| *category)
    }
}

impl KeyFlags {
    /// Says whether keys used like this may be locked shared.
    pub const fn is_read(self) -> bool {
        self.has(Self::RO)
    }
}

/// Where the keys of a command stand among its arguments.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    pub flags: KeyFlags,
    pub begin: BeginSearch,
    pub find: FindKeys,
    pub notes: &'static str,
}

/// Where the first key of a spec stands.
#[derive(Clone, Copy, Debug)]
pub enum BeginSearch {
    Index(usize),
    /// Behind a keyword, looked for from `start_from` (negative: backwards from the end).
    Keyword {
        keyword: &'static str,
        start_from: i32,
    },
    Unknown,
}

/// Which keys follow the first one.
#[derive(Clone, Copy, Debug)]
pub enum FindKeys {
    /// `last` relative to the first key (negative: from the end); `limit` 2 means the first half, ...
    Range {
        last: i32,
        step: usize,
        limit: usize,
    },
    /// A count stands `count_index` arguments behind the start, the first key `first_index` behind it.
    KeyNum {
        count_index: usize,
        first_index: usize,
        step: usize,
    },
    Unknown,
}

impl KeySpec {
    /// One key at a position.
    pub const fn one(index: usize, flags: KeyFlags) -> Self {
        Self::range(index, 0, 1, flags)
    }

    /// Keys from `index` to `last` (relative to the first; negative: from the end) in steps.
    pub const fn range(index: usize, last: i32, step: usize, flags: KeyFlags) -> Self {
        let find = FindKeys::Range { last, step, limit: 0 };
        Self { flags, begin: BeginSearch::Index(index), find, notes: "" }
    }

    /// A counted list of keys whose count stands at `index`.
    pub const fn counted(index: usize, step: usize, flags: KeyFlags) -> Self {
        let find = FindKeys::KeyNum { count_index: 0, first_index: 1, step };
        Self { flags, begin: BeginSearch::Index(index), find, notes: "" }
    }
}

/// What COMMAND DOCS groups a command under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Bitmap,
    Cluster,
    Connection,
    Generic,
    Geo,
    Hash,
    HyperLogLog,
    List,
    PubSub,
    Scripting,
    Server,
    Set,
    SortedSet,
    Stream,
    String,
    Transactions,
}

impl Group {
    /// Returns the name as COMMAND DOCS writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bitmap => "bitmap",
            Self::Cluster => "cluster",
            Self::Connection => "connection",
            Self::Generic => "generic",
            Self::Geo => "geo",
            Self::Hash => "hash",
            Self::HyperLogLog => "hyperloglog",
            Self::List => "list",
            Self::PubSub => "pubsub",
            Self::Scripting => "scripting",
            Self::Server => "server",
            Self::Set => "set",
            Self::SortedSet => "sorted-set",
            Self::Stream => "stream",
            Self::String => "string",
            Self::Transactions => "transactions",
        }
    }
}

/// One argument in COMMAND DOCS, from which redis-cli makes its hints.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    pub name: &'static str,
    pub kind: ArgumentKind,
    /// What hints show in place of the name.
    pub shown_as: Option<&'static str>,
    /// The word that stands before the value (`EX seconds`).
    pub token: Option<&'static str>,
    pub key_spec: Option<usize>,
    pub is_optional: bool,
    pub is_multiple: bool,
    /// The token is repeated with each value.
    pub repeats_token: bool,
    pub since: Option<&'static str>,
    /// The choices of a one-of, the parts of a block.
    pub parts: &'static [Self],
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentKind {
    String,
    Integer,
    Double,
    Key,
    Pattern,
    UnixTime,
    PureToken,
    OneOf,
    Block,
}

impl ArgumentKind {
    /// Returns the name as COMMAND DOCS writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Key => "key",
            Self::Pattern => "pattern",
            Self::UnixTime => "unix-time",
            Self::PureToken => "pure-token",
            Self::OneOf => "oneof",
            Self::Block => "block",
        }
    }
}

impl Argument {
    /// A mandatory argument of a kind.
    pub const fn new(name: &'static str, kind: ArgumentKind) -> Self {
        Self {
            name,
            kind,
            shown_as: None,
            token: None,
            key_spec: None,
            is_optional: false,
            is_multiple: false,
            repeats_token: false,
            since: None,
            parts: &[],
        }
    }

    /// A key of the command's first key spec.
    pub const fn key(name: &'static str) -> Self {
        Self { key_spec: Some(0), ..Self::new(name, ArgumentKind::Key) }
    }

    /// A word that stands for itself.
    pub const fn word(name: &'static str, token: &'static str) -> Self {
        Self { token: Some(token), ..Self::new(name, ArgumentKind::PureToken) }
    }

    /// One of several.
    pub const fn one_of(name: &'static str, parts: &'static [Self]) -> Self {
        Self { parts, ..Self::new(name, ArgumentKind::OneOf) }
    }

    /// Several that belong together.
    pub const fn block(name: &'static str, parts: &'static [Self]) -> Self {
        Self { parts, ..Self::new(name, ArgumentKind::Block) }
    }

    /// The same with a word before the value.
    pub const fn after(self, token: &'static str) -> Self {
        Self { token: Some(token), ..self }
    }

    /// The same, with another name in hints.
    pub const fn shown_as(self, text: &'static str) -> Self {
        Self { shown_as: Some(text), ..self }
    }

    /// The same, but it may be left out.
    pub const fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }

    /// The same, but it may be repeated.
    pub const fn multiple(self) -> Self {
        Self { is_multiple: true, ..self }
    }

    /// The same, with its token before each value.
    pub const fn repeating_token(self) -> Self {
        Self { is_multiple: true, repeats_token: true, ..self }
    }

    /// The same, known since a version.
    pub const fn since(self, version: &'static str) -> Self {
        Self { since: Some(version), ..self }
    }

    /// The same for another of the command's key specs.
    pub const fn of_spec(self, key_spec: usize) -> Self {
        Self { key_spec: Some(key_spec), ..self }
    }
}
