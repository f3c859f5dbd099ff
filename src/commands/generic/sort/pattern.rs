//! A pattern of BY or GET: how the name of a key is made of an element.

/// What stands for an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// Without a `*`: nothing at all.
    Constant,
    /// The string of a key, or a field of its hash.
    Key { before: &'a [u8], behind: &'a [u8], field: Option<&'a [u8]> },
}

impl<'a> Pattern<'a> {
    /// Reads `before*behind` and `before*behind->field`.
    pub(super) fn parse(text: &'a [u8]) -> Self {
        if text == b"#" {
            return Self::Element;
        }
        let Some(star) = text.iter().position(|&byte| byte == b'*') else { return Self::Constant };
        let (before, rest) = (&text[..star], &text[star + 1..]);
        let arrow = rest.windows(2).position(|pair| pair == b"->");
        match arrow.filter(|&arrow| arrow + 2 < rest.len()) {
            Some(arrow) => {
                Self::Key { before, behind: &rest[..arrow], field: Some(&rest[arrow + 2..]) }
            }
            None => Self::Key { before, behind: rest, field: None },
        }
    }

    /// Writes the name of the key for an element; `false` if the pattern names none.
    pub(super) fn name(&self, element: &[u8], name: &mut Vec<u8>) -> bool {
        let Self::Key { before, behind, .. } = self else { return false };
        name.clear();
        name.extend_from_slice(before);
        name.extend_from_slice(element);
        name.extend_from_slice(behind);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_name_keys_and_fields() {
        let key = |before, behind, field| Pattern::Key { before, behind, field };
        for (text, expected) in [
            ("#", Pattern::Element),
            ("##", Pattern::Constant),
            ("nosort", Pattern::Constant),
            ("w_*", key(b"w_", b"", None)),
            ("*_w", key(b"", b"_w", None)),
            ("w_*_x*", key(b"w_", b"_x*", None)),
            ("w_*->f", key(b"w_", b"", Some(b"f".as_slice()))),
            ("w_*_x->f->g", key(b"w_", b"_x", Some(b"f->g".as_slice()))),
            ("w_*->", key(b"w_", b"->", None)),
            ("w->*", key(b"w->", b"", None)),
        ] {
            assert_eq!(Pattern::parse(text.as_bytes()), expected, "{text}");
        }
        let mut name = Vec::new();
        assert!(Pattern::parse(b"w_*_x->f").name(b"12", &mut name));
        assert_eq!(name, b"w_12_x");
        assert!(!Pattern::Element.name(b"12", &mut name));
    }
}
