//! A JSON document as tokens, with the liberties of lua-cjson.

use crate::script::libs::numbers::leading_double;

/// A piece of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    /// The text is in [`Tokens::text`].
    String,
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    /// No token: what is wrong.
    Wrong(&'static str),
}

impl Token {
    /// Returns what an error's text calls it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::ObjectBegin => "T_OBJ_BEGIN",
            Self::ObjectEnd => "T_OBJ_END",
            Self::ArrayBegin => "T_ARR_BEGIN",
            Self::ArrayEnd => "T_ARR_END",
            Self::String => "T_STRING",
            Self::Number(_) => "T_NUMBER",
            Self::Boolean(_) => "T_BOOLEAN",
            Self::Null => "T_NULL",
            Self::Colon => "T_COLON",
            Self::Comma => "T_COMMA",
            Self::End => "T_END",
            Self::Wrong(what) => what,
        }
    }
}

/// Reads tokens off a document.
pub(super) struct Tokens<'a> {
    document: &'a [u8],
    /// What comes next.
    position: usize,
    /// Where the last token begins, or its mistake lies.
    begin: usize,
    /// The last string, without its escapes.
    text: Vec<u8>,
    accepts_invalid_numbers: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(document: &'a [u8], accepts_invalid_numbers: bool) -> Self {
        Self { document, position: 0, begin: 0, text: Vec::new(), accepts_invalid_numbers }
    }

    /// Returns how many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Returns where the last token begins, or its mistake lies.
    pub(super) fn begin(&self) -> usize {
        self.begin
    }

    /// Returns the last string.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Reads the next token.
    pub(super) fn next(&mut self) -> Token {
        while matches!(self.byte(0), b' ' | b'\t' | b'\n' | b'\r') {
            self.position += 1;
        }
        self.begin = self.position;
        let (token, length) = match self.byte(0) {
            b'{' => (Token::ObjectBegin, 1),
            b'}' => (Token::ObjectEnd, 1),
            b'[' => (Token::ArrayBegin, 1),
            b']' => (Token::ArrayEnd, 1),
            b':' => (Token::Colon, 1),
            b',' => (Token::Comma, 1),
            // A zero byte ends a document wherever it stands.
            0 => (Token::End, 0),
            b'"' => return self.string(),
            b'-' | b'0'..=b'9' => return self.number(),
            _ if self.begins(b"true") => (Token::Boolean(true), 4),
            _ if self.begins(b"false") => (Token::Boolean(false), 5),
            _ if self.begins(b"null") => (Token::Null, 4),
            _ if self.accepts_invalid_numbers && self.is_invalid_number() => return self.number(),
            _ => (Token::Wrong("invalid token"), 0),
        };
        self.position += length;
        token
    }

    /// Returns a byte ahead; zero behind the end.
    fn byte(&self, ahead: usize) -> u8 {
        self.document.get(self.position + ahead).copied().unwrap_or(0)
    }

    fn begins(&self, word: &[u8]) -> bool {
        self.document[self.position..].starts_with(word)
    }

    fn number(&mut self) -> Token {
        if !self.accepts_invalid_numbers && self.is_invalid_number() {
            return Token::Wrong("invalid number");
        }
        match leading_double(&self.document[self.position..]) {
            Some((value, length)) => {
                self.position += length;
                Token::Number(value)
            }
            None => Token::Wrong("invalid number"),
        }
    }

    /// Whether what comes is a number to C, but not to JSON: hexadecimal, with leading zeros or a plus,
    /// infinite or none.
    fn is_invalid_number(&self) -> bool {
        let sign = usize::from(self.byte(0) == b'-');
        let word = self.document.get(self.position + sign..).unwrap_or_default();
        let begins = |name: &[u8]| {
            word.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
        };
        match self.byte(sign) {
            b'+' => sign == 0,
            b'0' => self.byte(sign + 1) | 0x20 == b'x' || self.byte(sign + 1).is_ascii_digit(),
            0..=b'9' => false,
            _ => begins(b"inf") || begins(b"nan"),
        }
    }

    /// Reads a string behind its opening quote.
    fn string(&mut self) -> Token {
        self.text.clear();
        self.position += 1;
        loop {
            let rest = &self.document[self.position.min(self.document.len())..];
            let plain = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0)).count();
            self.text.extend_from_slice(&rest[..plain]);
            self.position += plain;
            match self.byte(0) {
                b'"' => {
                    self.position += 1;
                    return Token::String;
                }
                0 => return self.wrong("unexpected end of string"),
                _ => {
                    if let Err(what) = self.escape() {
                        return self.wrong(what);
                    }
                }
            }
        }
    }

    fn wrong(&mut self, what: &'static str) -> Token {
        self.begin = self.position;
        Token::Wrong(what)
    }

    /// Reads an escape, of which the backslash comes next.
    fn escape(&mut self) -> Result<(), &'static str> {
        let byte = match self.byte(1) {
            b'u' => return self.unicode().ok_or("invalid unicode escape code"),
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 0x0c,
            b'r' => b'\r',
            _ => return Err("invalid escape code"),
        };
        self.text.push(byte);
        self.position += 2;
        Ok(())
    }

    /// Reads a code point, for which two escapes may stand.
    fn unicode(&mut self) -> Option<()> {
        let first = self.hexadecimal(2)?;
        let (code, length) = if first & 0xf800 == 0xd800 {
            // Neither a second half alone nor a first one without it stands for anything.
            if first & 0x400 != 0 || self.byte(6) != b'\\' || self.byte(7) != b'u' {
                return None;
            }
            let second = self.hexadecimal(8)?;
            if second & 0xfc00 != 0xdc00 {
                return None;
            }
            (((first & 0x3ff) << 10 | second & 0x3ff) + 0x1_0000, 12)
        } else {
            (first, 6)
        };
        let mut buffer = [0; 4];
        self.text.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut buffer).as_bytes());
        self.position += length;
        Some(())
    }

    /// Reads four hexadecimal digits.
    fn hexadecimal(&self, ahead: usize) -> Option<u32> {
        (ahead..ahead + 4).try_fold(0, |value, ahead| {
            Some(value << 4 | char::from(self.byte(ahead)).to_digit(16)?)
        })
    }
}
