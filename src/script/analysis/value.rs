//! Kinds of values.

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nil or a boolean, or nothing has come here yet: no command takes it as an argument.
    Nothing,
    /// Anything through which none of the tables and functions below is to be had.
    Plain,
    /// This text, or a number that is written like this.
    Text(usize),
    /// One of the given keys, or nil.
    Key,
    /// The table of the given keys.
    Keys,
    /// The given argument of this number, or nil.
    Given(usize),
    /// The table of the given arguments.
    Arguments,
    /// The table `redis`.
    Redis,
    /// `redis.call` or `redis.pcall`.
    Call,
    /// `redis.register_function`.
    Register,
    /// A table of functions some of which only read what they are given.
    Library,
    /// A function that only reads what it is given.
    Reader,
    /// `pairs` or `ipairs`.
    Pairs,
    /// What these two return to walk over the given keys.
    Each,
    Next,
    Unpack,
    Pcall,
    /// A function of the code.
    Closure(usize),
    /// A table that nothing else refers to, with the function that it has as `callback`.
    Fresh(Option<usize>),
    /// One of several that have to be told apart.
    Unknown,
}

impl Value {
    /// Returns what is known of a value that is one of two.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            _ if self == other => self,
            (Self::Nothing, value) | (value, Self::Nothing) => value,
            _ if self.is_plain() && other.is_plain() => Self::Plain,
            _ => Self::Unknown,
        }
    }

    /// Says whether the value may go wherever the code puts it.
    pub(super) fn is_plain(self) -> bool {
        match self {
            Self::Keys
            | Self::Arguments
            | Self::Redis
            | Self::Call
            | Self::Unknown
            | Self::Closure(_)
            | Self::Fresh(Some(_)) => false,
            Self::Nothing
            | Self::Plain
            | Self::Text(_)
            | Self::Key
            | Self::Given(_)
            | Self::Register
            | Self::Library
            | Self::Reader
            | Self::Pairs
            | Self::Each
            | Self::Next
            | Self::Unpack
            | Self::Pcall
            | Self::Fresh(None) => true,
        }
    }

    /// Returns what a script finds under the name of a global variable; `None` if with it could be done
    /// what cannot be followed, or if there is none.
    pub(super) fn of_global(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"KEYS" => Self::Keys,
            b"ARGV" => Self::Arguments,
            b"redis" | b"server" => Self::Redis,
            b"pairs" | b"ipairs" => Self::Pairs,
            b"next" => Self::Next,
            b"unpack" => Self::Unpack,
            b"pcall" => Self::Pcall,
            b"type" | b"tostring" | b"rawequal" => Self::Reader,
            b"table" | b"cjson" | b"cmsgpack" => Self::Library,
            b"string" | b"math" | b"bit" | b"struct" | b"os" | b"coroutine" | b"tonumber"
            | b"select" | b"assert" | b"error" | b"xpcall" | b"rawget" | b"rawset"
            | b"setmetatable" | b"getmetatable" | b"collectgarbage" | b"gcinfo" | b"_VERSION" => {
                Self::Plain
            }
            _ => return None,
        })
    }

    /// Returns what the table `redis` has under a name.
    pub(super) fn of_redis(name: &[u8]) -> Self {
        match name {
            b"call" | b"pcall" => Self::Call,
            b"register_function" => Self::Register,
            _ => Self::Plain,
        }
    }

    /// Returns what a library has under a name.
    pub(super) fn of_library(name: &[u8]) -> Self {
        match name {
            b"getn" | b"concat" | b"maxn" | b"encode" | b"pack" => Self::Reader,
            _ => Self::Plain,
        }
    }
}
