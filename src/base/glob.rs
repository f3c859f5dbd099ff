//! Glob patterns as KEYS, SCAN MATCH, PSUBSCRIBE and ACL rules use them: `*`, `?`, `[a-z]`, `[^x]`, `\`.
//!
//! One loop with a single point to return to (the last `*`), so that a pattern of many stars costs
//! at most text × pattern, never exponential time.

/// Runs of stars beyond which a pattern matches nothing, as in the originals.
const STAR_COUNT_MAX: usize = 1000;

/// Says whether the whole text matches the pattern; `nocase` folds ASCII letters.
pub fn matches(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    let (mut at_pattern, mut at_text, mut star_count) = (0, 0, 0);
    let mut resume: Option<(usize, usize)> = None;
    while at_text < text.len() || at_pattern < pattern.len() {
        if pattern.get(at_pattern) == Some(&b'*') {
            at_pattern += pattern[at_pattern..].iter().take_while(|&&byte| byte == b'*').count();
            if at_pattern == pattern.len() {
                return true;
            }
            star_count += 1;
            if star_count > STAR_COUNT_MAX {
                return false;
            }
            resume = Some((at_pattern, at_text + 1));
            continue;
        }
        if at_text < text.len()
            && let Some(next) = match_one(pattern, at_pattern, text[at_text], nocase)
        {
            at_pattern = next;
            at_text += 1;
            continue;
        }
        match resume {
            Some((after_star, from)) if from <= text.len() => {
                at_pattern = after_star;
                at_text = from;
                resume = Some((after_star, from + 1));
            }
            _ => return false,
        }
    }
    true
}

/// Returns the position behind the pattern element at `at` if that element matches `byte`.
fn match_one(pattern: &[u8], at: usize, byte: u8, nocase: bool) -> Option<usize> {
    match *pattern.get(at)? {
        b'?' => Some(at + 1),
        b'[' => match_class(pattern, at + 1, byte, nocase),
        b'\\' if at + 1 < pattern.len() => same(pattern[at + 1], byte, nocase).then_some(at + 2),
        literal => same(literal, byte, nocase).then_some(at + 1),
    }
}

/// Matches a bracket class whose `[` stands before `at`; an unclosed class ends with the pattern.
fn match_class(pattern: &[u8], mut at: usize, byte: u8, nocase: bool) -> Option<usize> {
    let negated = pattern.get(at) == Some(&b'^');
    at += usize::from(negated);
    let mut found = false;
    while at < pattern.len() && pattern[at] != b']' {
        if pattern[at] == b'\\' && at + 1 < pattern.len() {
            found |= same(pattern[at + 1], byte, nocase);
            at += 2;
        } else if at + 2 < pattern.len() && pattern[at + 1] == b'-' {
            found |= in_range(pattern[at], pattern[at + 2], byte, nocase);
            at += 3;
        } else {
            found |= same(pattern[at], byte, nocase);
            at += 1;
        }
    }
    let behind = if at < pattern.len() { at + 1 } else { at };
    (found != negated).then_some(behind)
}

fn same(left: u8, right: u8, nocase: bool) -> bool {
    left == right || (nocase && left.eq_ignore_ascii_case(&right))
}

fn in_range(first: u8, last: u8, byte: u8, nocase: bool) -> bool {
    let fold = |byte: u8| if nocase { byte.to_ascii_lowercase() } else { byte };
    let (low, high) = (fold(first.min(last)), fold(first.max(last)));
    (low..=high).contains(&fold(byte))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn each_form_of_pattern_matches_what_it_should() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("h?llo", "hallo", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hello", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("h\\?llo", "h?llo", true),
            ("h\\?llo", "hallo", false),
            ("[\\]]", "]", true),
            ("[abc", "b", true),
            ("a**b", "ab", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("abc", "abcd", false),
            ("foo*", "foo", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes(), false),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn letters_fold_when_asked() {
        assert!(matches(b"FOO[A-C]*", b"foobar", true));
        assert!(!matches(b"FOO*", b"foobar", false));
    }

    #[test]
    fn a_pattern_of_too_many_stars_matches_nothing() {
        let text = [b'a'; 2000];
        assert!(matches("*?".repeat(1000).as_bytes(), &text, false));
        assert!(!matches("*?".repeat(1001).as_bytes(), &text, false));
        assert!(matches("*".repeat(1001).as_bytes(), &text, false));
    }

    #[test]
    fn many_stars_end_in_time() {
        let pattern = "a*".repeat(60) + "b";
        assert!(!matches(pattern.as_bytes(), "a".repeat(2000).as_bytes(), false));
    }
}
