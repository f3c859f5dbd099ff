//! The order of the elements: by their weights, which are their own values or those of other keys.

use std::cmp::Ordering;

use super::elements::Elements;
use super::output::Found;
use super::request::Request;
use crate::base::text;
use crate::engine::{CommandError, Context};

const NO_SCORE: CommandError =
    CommandError::refused("ERR One or more scores can't be converted into double");

/// What the elements are compared by.
pub(super) enum Weights {
    /// They stay as they are.
    None,
    /// Their own bytes.
    Own,
    Scores(Vec<f64>),
    /// Texts of other keys; those that are missing come first.
    Texts(Vec<Option<Box<[u8]>>>),
}

impl Weights {
    /// Looks up the weights of all elements.
    ///
    /// # Errors
    /// A weight is no number, but should be one.
    pub(super) fn look_up(
        context: &mut Context<'_>,
        request: &Request<'_>,
        elements: &Elements,
    ) -> Result<Self, CommandError> {
        match (&request.by, request.is_alphabetic) {
            _ if request.is_unsorted => Ok(Self::None),
            (None, true) => Ok(Self::Own),
            (None, false) => {
                let scores = elements.iter().map(|element| score_of(element).ok_or(NO_SCORE));
                Ok(Self::Scores(scores.collect::<Result<_, _>>()?))
            }
            (Some(pattern), true) => {
                let mut texts = Vec::with_capacity(elements.len());
                for element in elements.iter() {
                    let found = Found::look_up(context, pattern, element);
                    texts.push(found.map(|found| found.with_bytes(|bytes| bytes.into())));
                }
                Ok(Self::Texts(texts))
            }
            (Some(pattern), false) => {
                let mut scores = Vec::with_capacity(elements.len());
                for element in elements.iter() {
                    let found = Found::look_up(context, pattern, element);
                    let score = found.map_or(Some(0.0), |found| found.with_bytes(score_of));
                    scores.push(score.ok_or(NO_SCORE)?);
                }
                Ok(Self::Scores(scores))
            }
        }
    }

    /// Returns the indices of the elements in their order.
    pub(super) fn sorted(&self, request: &Request<'_>, elements: &Elements) -> Vec<usize> {
        let mut order: Vec<usize> = (0..elements.len()).collect();
        let compare = |a: &usize, b: &usize| {
            let ordering = self.compare(elements, *a, *b);
            if request.is_descending { ordering.reverse() } else { ordering }
        };
        if !matches!(self, Self::None) {
            order.sort_by(compare);
        }
        order
    }

    fn compare(&self, elements: &Elements, a: usize, b: usize) -> Ordering {
        match self {
            Self::None => Ordering::Equal,
            Self::Own => elements.at(a).cmp(elements.at(b)),
            Self::Texts(texts) => texts[a].cmp(&texts[b]),
            // Equal scores leave it to the elements, so that the order is always the same.
            Self::Scores(scores) => scores[a]
                .partial_cmp(&scores[b])
                .unwrap_or(Ordering::Equal)
                .then_with(|| elements.at(a).cmp(elements.at(b))),
        }
    }
}

/// Returns the number a text is: it ends at a zero byte, nothing at all is zero, too much is infinite.
/// Spaces and hexadecimal digits make none.
fn score_of(text: &[u8]) -> Option<f64> {
    let number = text::before_zero(text);
    if number.is_empty() {
        return Some(0.0);
    }
    text::parse_f64(number).filter(|_| !text::is_hexadecimal(number))
}

#[cfg(test)]
mod tests {
    use super::score_of;

    #[test]
    fn scores_are_read_as_the_originals_read_them() {
        for (text, score) in [
            ("", Some(0.0)),
            ("1.5\0x", Some(1.5)),
            ("\0x", Some(0.0)),
            ("-3e2", Some(-300.0)),
            ("inf", Some(f64::INFINITY)),
            ("1e999", Some(f64::INFINITY)),
            ("0e5", Some(0.0)),
            ("0x10", None),
            ("1e-400", Some(0.0)),
            (" 1.5", None),
            (" ", None),
            ("1 ", None),
            ("x", None),
            ("nan", None),
        ] {
            assert_eq!(score_of(text.as_bytes()), score, "{text:?}");
        }
    }
}
