//! What a row says beside its value: when the setting may change, who may see it, what it does.

/// When CONFIG SET may change a setting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// At any time.
    Live,
    /// Only at start; CONFIG SET is always refused.
    Fixed,
    /// Only at start; CONFIG SET to the value it already has does nothing. For settings Redis 7
    /// does not know: its clients may write back everything they read but what they know is fixed.
    Pinned,
}

/// What a value other than the default does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// What the documentation says.
    Full,
    /// Nothing, ever: the mechanism does not exist here.
    Never,
    /// Nothing yet: the feature it belongs to has not arrived.
    Later,
    /// It is refused, because to accept it would be a promise that nobody keeps; says why.
    Refused(&'static str),
}

/// The facts of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) change: Change,
    pub(crate) effect: Effect,
    /// CONFIG SET needs `enable-protected-configs`.
    pub(crate) protected: bool,
    /// The value is a secret.
    pub(crate) sensitive: bool,
    /// CONFIG GET shows it only when asked by its exact name.
    pub(crate) hidden: bool,
    /// CONFIG SET is refused while a dataset is being loaded.
    pub(crate) not_while_loading: bool,
}

/// May change at any time.
pub(crate) const LIVE: Facts = Facts {
    change: Change::Live,
    effect: Effect::Full,
    protected: false,
    sensitive: false,
    hidden: false,
    not_while_loading: false,
};
/// May not change after start.
pub(crate) const FIXED: Facts = Facts { change: Change::Fixed, ..LIVE };
/// May not change after start, but may be set to what it is.
pub(crate) const PINNED: Facts = Facts { change: Change::Pinned, ..LIVE };

impl Facts {
    pub(crate) const fn protected(self) -> Self {
        Self { protected: true, ..self }
    }

    pub(crate) const fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }

    pub(crate) const fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    pub(crate) const fn not_while_loading(self) -> Self {
        Self { not_while_loading: true, ..self }
    }

    /// The mechanism does not exist here; a value that would have changed behaviour gets a warning.
    pub(crate) const fn never(self) -> Self {
        Self { effect: Effect::Never, ..self }
    }

    /// The feature has not arrived yet; a value that would have changed behaviour gets a warning.
    pub(crate) const fn later(self) -> Self {
        Self { effect: Effect::Later, ..self }
    }

    /// Only the default is accepted.
    pub(crate) const fn refused(self, reason: &'static str) -> Self {
        Self { effect: Effect::Refused(reason), ..self }
    }
}
