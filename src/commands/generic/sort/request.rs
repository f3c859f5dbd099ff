//! What SORT is asked for.

use std::ops::Range;

use super::elements::Elements;
use super::pattern::Pattern;
use crate::engine::{Args, CommandError, Context};

/// The options of SORT.
pub(super) struct Request<'a> {
    /// Whose values the elements are sorted by; `None`: their own.
    pub(super) by: Option<Pattern<'a>>,
    /// BY a constant: the elements keep the order they have.
    pub(super) is_unsorted: bool,
    pub(super) gets: Vec<Pattern<'a>>,
    pub(super) is_descending: bool,
    pub(super) is_alphabetic: bool,
    offset: i64,
    count: i64,
    /// The argument that names the key to store under.
    pub(super) destination: Option<usize>,
}

impl<'a> Request<'a> {
    /// Reads the options; STORE only where it is allowed.
    pub(super) fn parse(context: &Context<'a>, may_store: bool) -> Result<Self, CommandError> {
        let args = context.args;
        let mut request = Self {
            by: None,
            is_unsorted: false,
            gets: Vec::new(),
            is_descending: false,
            is_alphabetic: false,
            offset: 0,
            count: -1,
            destination: None,
        };
        let mut index = 2;
        while index < args.len() {
            let left = args.len() - index - 1;
            if args.is_word(index, "ASC") {
                request.is_descending = false;
            } else if args.is_word(index, "DESC") {
                request.is_descending = true;
            } else if args.is_word(index, "ALPHA") {
                request.is_alphabetic = true;
            } else if args.is_word(index, "LIMIT") && left >= 2 {
                request.offset = context.integer(index + 1)?;
                request.count = context.integer(index + 2)?;
                index += 2;
            } else if may_store && args.is_word(index, "STORE") && left >= 1 {
                request.destination = Some(index + 1);
                index += 1;
            } else if args.is_word(index, "BY") && left >= 1 {
                request.sort_by(args.at(index + 1));
                index += 1;
            } else if args.is_word(index, "GET") && left >= 1 {
                request.gets.push(Pattern::parse(args.at(index + 1)));
                index += 1;
            } else {
                return Err(CommandError::Syntax);
            }
            index += 1;
        }
        Ok(request)
    }

    /// A constant wins over any pattern, wherever it stands.
    fn sort_by(&mut self, text: &'a [u8]) {
        let pattern = Pattern::parse(text);
        self.is_unsorted |= !matches!(pattern, Pattern::Key { .. });
        self.by = Some(pattern);
    }

    /// Returns the patterns for which keys are looked up.
    pub(super) fn lookups(&self) -> impl Iterator<Item = &Pattern<'a>> {
        let by = self.by.iter().filter(|_| !self.is_unsorted);
        by.chain(&self.gets).filter(|pattern| matches!(pattern, Pattern::Key { .. }))
    }

    /// Says whether keys are looked up that the arguments do not name.
    pub(super) fn looks_up(&self) -> bool {
        self.lookups().next().is_some()
    }

    /// Sorts a set that is not to be sorted by its members if the result outlasts the command, so that
    /// it is the same wherever the command is repeated; the result of a script's command may.
    pub(super) fn settle_for_set(&mut self, is_in_script: bool) {
        if self.is_unsorted && (self.destination.is_some() || is_in_script) {
            self.is_unsorted = false;
            self.is_alphabetic = true;
            self.by = None;
        }
    }

    /// Returns which of the sorted elements are wanted.
    pub(super) fn window(&self, elements: &Elements) -> Range<usize> {
        let len = elements.len();
        let offset = usize::try_from(self.offset).unwrap_or(0).min(len);
        let count = usize::try_from(self.count).unwrap_or(len);
        offset..offset.saturating_add(count).min(len)
    }
}

/// Returns the argument that names the key to store under: the last one that follows STORE.
pub(super) fn destination_of(args: Args<'_>) -> Option<usize> {
    let (mut index, mut found) = (2, None);
    while index < args.len() {
        if args.is_word(index, "LIMIT") {
            index += 2;
        } else if args.is_word(index, "GET") || args.is_word(index, "BY") {
            index += 1;
        } else if args.is_word(index, "STORE") && index + 1 < args.len() {
            index += 1;
            found = Some(index);
        }
        index += 1;
    }
    found
}
