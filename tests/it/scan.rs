//! A small scanner of Rust source: what is code, what is a literal, what is a comment, what is a test.
//!
//! It knows just enough of the language for the checks of `tidy`: comments and literals are blanked
//! out so that words in them never count, and items under `#[cfg(test)]` are cut away. Lines keep
//! their numbers throughout.

/// One file, taken apart.
pub(crate) struct Source {
    /// The text with comments and the insides of literals replaced by spaces, tests cut away.
    pub(crate) code: String,
    /// Every string literal outside tests, with the number of the line it starts on.
    pub(crate) literals: Vec<(usize, String)>,
}

/// An identifier of the code, with the number of its line and where it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
    pub(crate) start: usize,
}

impl Source {
    /// Takes the text of a file apart.
    pub(crate) fn new(text: &str) -> Self {
        let (blanked, literals) = blank(text);
        let tests = test_ranges(&blanked);
        let mut code = blanked.into_bytes();
        for &(from, to) in &tests {
            for byte in &mut code[from..to] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        let code = String::from_utf8(code).expect("whole items were blanked");
        let literals = literals
            .into_iter()
            .filter(|(at, _)| !tests.iter().any(|(from, to)| (from..to).contains(&at)))
            .map(|(at, literal)| (line_of(text, at), literal))
            .collect();
        Self { code, literals }
    }

    /// Returns the identifiers of the code in their order.
    pub(crate) fn words(&self) -> Vec<Word<'_>> {
        let mut words = Vec::new();
        let mut line = 1;
        let mut start = None;
        for (at, c) in self.code.char_indices().chain([(self.code.len(), ' ')]) {
            let inside = c.is_alphanumeric() || c == '_';
            match (inside, start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    words.push(Word { text: &self.code[from..at], line, start: from });
                    start = None;
                }
                _ => {}
            }
            line += usize::from(c == '\n');
        }
        words
    }

    /// Returns the modules that the code reaches from the crate's root, with their lines.
    ///
    /// `depth` is how many modules lie between the root and this file: so many times `super` is the
    /// root as well. `root` is what the root is called: `crate`, or the package's name in the binary.
    pub(crate) fn modules_used(&self, root: &str, depth: usize) -> Vec<(usize, String)> {
        let words = self.words();
        let mut used = Vec::new();
        for (index, word) in words.iter().enumerate() {
            let at_root = word.text == root || self.is_root_by_super(&words, index, depth);
            let after = self.after(word);
            if at_root && let Some(path) = after.strip_prefix("::") {
                used.extend(heads(path).into_iter().map(|head| (word.line, head)));
            }
        }
        used
    }

    /// Says whether this word is the last of a chain of `depth` or more `super`.
    fn is_root_by_super(&self, words: &[Word<'_>], index: usize, depth: usize) -> bool {
        let chained = |i: &usize| {
            words[*i].text == "super" && (*i == index || self.after(&words[*i]).starts_with("::"))
        };
        let length = (0..=index).rev().take_while(chained).count();
        depth > 0 && length >= depth
    }

    /// Returns the code after this word, without the blanks in between.
    fn after(&self, word: &Word<'_>) -> &str {
        self.code[word.start + word.text.len()..].trim_start()
    }

    /// Returns the lines on which a crate of this name is used: in a `use`, or as a path.
    pub(crate) fn lines_with_crate(&self, name: &str) -> Vec<usize> {
        let words = self.words();
        let is_used = |index: usize| {
            let word = &words[index];
            let before = self.code[..word.start].trim_end();
            let in_use = index > 0 && words[index - 1].text == "use";
            word.text == name
                && (in_use || self.after(word).starts_with("::"))
                && !before.ends_with("::")
        };
        (0..words.len()).filter(|&index| is_used(index)).map(|index| words[index].line).collect()
    }
}

/// Returns the first names of a path that may begin with a group: `a::b` or `{a::b, c}`.
fn heads(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = path.trim_start().strip_prefix('{') else {
        return vec![name(path)];
    };
    let mut heads = vec![name(group)];
    let mut depth = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

/// Returns the number of the line that this byte stands on, counted from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Replaces comments and the insides of literals by spaces; returns the string literals apart.
fn blank(text: &str) -> (String, Vec<(usize, String)>) {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut literals = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = match token_at(bytes, at) {
            Token::Comment { end } => {
                erase(&mut out[at..end]);
                end
            }
            Token::Text { open, close, end } => {
                literals.push((at, String::from_utf8_lossy(&bytes[open..close]).into_owned()));
                erase(&mut out[open..close]);
                end
            }
            Token::Char { end } => {
                erase(&mut out[at + 1..end - 1]);
                end
            }
            Token::Other { end } => end,
        };
        at = end;
    }
    (String::from_utf8(out).expect("only whole tokens were blanked"), literals)
}

/// What begins at a byte of the source, and where it ends.
enum Token {
    Comment { end: usize },
    Text { open: usize, close: usize, end: usize },
    Char { end: usize },
    Other { end: usize },
}

/// Tells what begins at `at`.
fn token_at(bytes: &[u8], at: usize) -> Token {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        return Token::Comment { end: at + length };
    }
    if rest.starts_with(b"/*") {
        return Token::Comment { end: at + block_comment_length(rest) };
    }
    if let Some((open, close, end)) = string_at(rest) {
        return Token::Text { open: at + open, close: at + close, end: at + end };
    }
    if rest[0] == b'\'' {
        return char_or_lifetime(rest, at);
    }
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80;
    let length = rest.iter().take_while(|b| is_word(b)).count().max(1);
    Token::Other { end: at + length }
}

/// Returns the length of a block comment, nested ones included.
fn block_comment_length(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Returns where the inside of a string literal starts and stops and where the literal ends, if
/// one begins here: plain, byte, C or raw.
fn string_at(rest: &[u8]) -> Option<(usize, usize, usize)> {
    let prefix = rest.iter().take_while(|b| matches!(b, b'b' | b'c' | b'r')).count();
    let raw = rest[..prefix].contains(&b'r');
    let hashes = if raw { rest[prefix..].iter().take_while(|b| **b == b'#').count() } else { 0 };
    if prefix > 2 || rest.get(prefix + hashes) != Some(&b'"') {
        return None;
    }
    let open = prefix + hashes + 1;
    let mut at = open;
    while at < rest.len() {
        let closing = rest[at] == b'"'
            && rest[at + 1..].len() >= hashes
            && rest[at + 1..at + 1 + hashes].iter().all(|b| *b == b'#');
        if closing {
            return Some((open, at, at + 1 + hashes));
        }
        at += if rest[at] == b'\\' && !raw { 2 } else { 1 };
    }
    Some((open, rest.len(), rest.len()))
}

/// Tells a character literal from a lifetime.
fn char_or_lifetime(rest: &[u8], at: usize) -> Token {
    let width = match rest.get(1) {
        Some(b'\\') => 2,
        Some(first) if *first < 0x80 => 1,
        Some(_) => rest[1..].iter().skip(1).take_while(|b| **b & 0xc0 == 0x80).count() + 1,
        None => return Token::Other { end: at + 1 },
    };
    let limit = if width == 2 { 12 } else { width + 1 };
    match rest.iter().skip(1 + width).take(limit).position(|b| *b == b'\'') {
        Some(gap) if gap == 0 || rest[1] == b'\\' => Token::Char { end: at + 1 + width + gap + 1 },
        _ => Token::Other { end: at + 1 },
    }
}

/// Blanks a range, keeping its line ends.
fn erase(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Returns the byte ranges of the items under `#[cfg(test)]`.
fn test_ranges(code: &str) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let start = from + found;
        let end = item_end(code, start);
        ranges.push((start, end));
        from = end;
    }
    ranges
}

/// Returns where the item that starts here ends: at its closing brace or its semicolon.
fn item_end(code: &str, start: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[start..].char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(c, '}' | ';') {
            return start + at + 1;
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::Source;

    fn words(text: &str) -> Vec<String> {
        Source::new(text).words().iter().map(|word| word.text.to_owned()).collect()
    }

    #[test]
    fn words_in_comments_and_literals_do_not_count() {
        let text = "let a = \"unsafe \\\" b\"; // unsafe\n/* x /* y */ z */ r#\"q \" q\"# '\\'' 'c' &'life ok";
        assert_eq!(words(text), ["let", "a", "r", "life", "ok"]);
    }

    #[test]
    fn items_under_cfg_test_do_not_count_and_lines_keep_their_numbers() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { let x = [1]; }\n}\nfn c() {}\n";
        let source = Source::new(text);
        let found: Vec<_> = source.words().iter().map(|w| (w.text.to_owned(), w.line)).collect();
        let expected = [("fn", 1), ("a", 1), ("fn", 6), ("c", 6)];
        assert_eq!(found, expected.map(|(text, line)| (text.to_owned(), line)));
    }

    #[test]
    fn literals_come_with_their_lines_and_without_those_of_tests() {
        let text = "\n f(b\"GET\");\n#[cfg(test)]\nconst A: &str = \"SET\";\n g(\"x\");";
        let literals = Source::new(text).literals;
        assert_eq!(literals, [(2, "GET".to_owned()), (5, "x".to_owned())]);
    }

    #[test]
    fn the_modules_of_a_grouped_import_are_all_found() {
        let text =
            "use crate::{base::{clock, crc}, config, types::Value};\nfn f() { crate::net::run() }";
        let used = Source::new(text).modules_used("crate", 1);
        let expected = [(1, "base"), (1, "config"), (1, "types"), (2, "net")];
        assert_eq!(used, expected.map(|(line, name)| (line, name.to_owned())));
    }

    #[test]
    fn climbing_to_the_root_counts_as_naming_it() {
        let text = "use super::super::engine::Command;\nuse super::shard::Shard;";
        assert_eq!(Source::new(text).modules_used("crate", 2), [(1, "engine".to_owned())]);
    }

    #[test]
    fn a_crate_counts_where_it_is_imported_or_leads_a_path() {
        let text =
            "use mio;\nuse mio::net::TcpStream;\nfn f(mio: u8) { mio::Poll::new(); x::mio::y() }";
        assert_eq!(Source::new(text).lines_with_crate("mio"), [1, 2, 3]);
    }
}
