//! JSON as Lua values.

use mlua::{Error, Lua, LuaString, Table, Value};

use super::settings::{InvalidNumbers, Settings};
use super::tokens::{Token, Tokens};
use crate::script::libs::NESTING_MAX;
use crate::script::libs::arguments::fail;

/// Returns the value of a document.
pub(super) fn decode(lua: &Lua, document: &[u8], settings: &Settings) -> mlua::Result<Value> {
    if document.len() >= 2 && (document[0] == 0 || document[1] == 0) {
        return Err(fail(lua, "JSON parser does not support UTF-16 or UTF-32"));
    }
    let accepts_invalid = settings.decode_invalid.get() == InvalidNumbers::Accept;
    let depth_max = usize::try_from(settings.decode_depth_max.get()).unwrap_or(1);
    let tokens = Tokens::new(document, accepts_invalid);
    let depth_max = depth_max.min(NESTING_MAX);
    let mut decoder = Decoder { lua, tokens, depth_max, levels: Vec::new() };
    let value = decoder.document()?;
    match decoder.tokens.next() {
        Token::End => Ok(value),
        other => Err(decoder.expected("the end", &other)),
    }
}

/// A table that is being filled, with the place of the next value.
enum Level {
    Array(Table, usize),
    Object(Table, LuaString),
}

/// Where reading goes on behind a value.
enum Placed {
    /// With the token that the table's next value begins with.
    Next(Token),
    /// Behind the table, which is complete.
    Last(Table),
}

struct Decoder<'a> {
    lua: &'a Lua,
    tokens: Tokens<'a>,
    depth_max: usize,
    /// The tables around the value that is read; not the machine's stack, which is shorter.
    levels: Vec<Level>,
}

impl Decoder<'_> {
    /// Reads the document's value.
    fn document(&mut self) -> mlua::Result<Value> {
        let mut token = self.tokens.next();
        loop {
            let mut value = match token {
                Token::String => Value::String(self.lua.create_string(self.tokens.text())?),
                Token::Number(number) => Value::Number(number),
                Token::Boolean(truth) => Value::Boolean(truth),
                Token::Null => Value::NULL,
                Token::ObjectBegin | Token::ArrayBegin => {
                    let (empty, first) = self.open(&token)?;
                    match empty {
                        Some(table) => Value::Table(table),
                        None => {
                            token = first;
                            continue;
                        }
                    }
                }
                other => return Err(self.expected("value", &other)),
            };
            // A value may be the last of its table, which then is a value itself.
            token = loop {
                let Some(level) = self.levels.pop() else { return Ok(value) };
                match self.put(level, value)? {
                    Placed::Next(token) => break token,
                    Placed::Last(table) => value = Value::Table(table),
                }
            };
        }
    }

    /// Begins a table: returns it if it is empty, else the token its first value begins with.
    fn open(&mut self, begin: &Token) -> mlua::Result<(Option<Table>, Token)> {
        let depth = self.levels.len() + 1;
        if depth > self.depth_max {
            let place = self.tokens.position();
            let text =
                format!("Found too many nested data structures ({depth}) at character {place}");
            return Err(fail(self.lua, &text));
        }
        let table = self.lua.create_table()?;
        let token = self.tokens.next();
        let is_array = *begin == Token::ArrayBegin;
        let end = if is_array { Token::ArrayEnd } else { Token::ObjectEnd };
        if token == end {
            return Ok((Some(table), token));
        }
        if is_array {
            self.levels.push(Level::Array(table, 1));
            return Ok((None, token));
        }
        let (key, first) = self.key(&token)?;
        self.levels.push(Level::Object(table, key));
        Ok((None, first))
    }

    /// Puts a value into its table and reads what follows it.
    fn put(&mut self, level: Level, value: Value) -> mlua::Result<Placed> {
        let token = self.tokens.next();
        match level {
            Level::Array(table, index) => {
                table.raw_seti(index, value)?;
                match token {
                    Token::ArrayEnd => return Ok(Placed::Last(table)),
                    Token::Comma => {}
                    other => return Err(self.expected("comma or array end", &other)),
                }
                self.levels.push(Level::Array(table, index + 1));
                Ok(Placed::Next(self.tokens.next()))
            }
            Level::Object(table, key) => {
                table.raw_set(key, value)?;
                match token {
                    Token::ObjectEnd => return Ok(Placed::Last(table)),
                    Token::Comma => {}
                    other => return Err(self.expected("comma or object end", &other)),
                }
                let token = self.tokens.next();
                let (key, first) = self.key(&token)?;
                self.levels.push(Level::Object(table, key));
                Ok(Placed::Next(first))
            }
        }
    }

    /// Returns the key that a token is, and the token behind the colon.
    fn key(&mut self, token: &Token) -> mlua::Result<(LuaString, Token)> {
        if *token != Token::String {
            return Err(self.expected("object key string", token));
        }
        let key = self.lua.create_string(self.tokens.text())?;
        match self.tokens.next() {
            Token::Colon => Ok((key, self.tokens.next())),
            other => Err(self.expected("colon", &other)),
        }
    }

    fn expected(&self, what: &str, found: &Token) -> Error {
        let place = self.tokens.begin() + 1;
        let found = found.name();
        fail(self.lua, &format!("Expected {what} but found {found} at character {place}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::script::libs::testing::evaluate;

    /// Returns what is left of a document after reading and writing it.
    fn round_trip(document: &str) -> String {
        evaluate(&format!("return cjson.encode(cjson.decode([==[{document}]==]))"))
    }

    #[test]
    fn documents_come_back() {
        let document = r#"{"a":[1,2.5,-3e10,"x\ty",true,false,null,[],{}]}"#;
        let expected = r#"{"a":[1,2.5,-30000000000,"x\ty",true,false,null,{},{}]}"#;
        assert_eq!(round_trip(document), expected);
        assert_eq!(round_trip(r#""\u00e9\ud83d\ude00\/""#), r#""é😀\/""#);
        assert_eq!(evaluate("return cjson.decode('[null]')[1] == cjson.null"), "true");
    }

    #[test]
    fn numbers_of_c_are_read_unless_forbidden() {
        assert_eq!(
            evaluate("return unpack(cjson.decode('[0x1F, 007, +1, -inf, 1.]'))"),
            "31,7,1,-inf,1"
        );
        let text = "t:1: Expected value but found invalid number at character 2";
        assert_eq!(
            evaluate("cjson.decode_invalid_numbers(false) return cjson.decode('[0x1]')"),
            text
        );
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let cases = [
            ("", "value but found T_END at character 1"),
            ("[1,]", "value but found T_ARR_END at character 4"),
            ("[1 2]", "comma or array end but found T_NUMBER at character 4"),
            ("{1:2}", "object key string but found T_NUMBER at character 2"),
            ("{\"a\":1,}", "object key string but found T_OBJ_END at character 8"),
            ("{\"a\" 1}", "colon but found T_NUMBER at character 6"),
            ("{\"a\":1 \"b\"}", "comma or object end but found T_STRING at character 8"),
            ("[1] x", "the end but found invalid token at character 5"),
            ("\"abc", "value but found unexpected end of string at character 5"),
            ("\"a\\x\"", "value but found invalid escape code at character 3"),
            ("\"\\ud800\"", "value but found invalid unicode escape code at character 2"),
            ("-x", "value but found invalid number at character 1"),
        ];
        for (document, text) in cases {
            assert_eq!(round_trip(document), format!("t:1: Expected {text}"), "{document}");
        }
    }

    #[test]
    fn a_zero_byte_ends_a_document() {
        assert_eq!(evaluate("return cjson.decode('[1]\\0garbage')[1]"), "1");
        let text = "t:1: JSON parser does not support UTF-16 or UTF-32";
        assert_eq!(evaluate("return cjson.decode('1\\0')"), text);
    }

    #[test]
    fn nesting_ends_with_an_error() {
        let text = "t:1: Found too many nested data structures (1001) at character 1001";
        assert_eq!(evaluate("return cjson.decode(string.rep('[', 1e6))"), text);
        let text = "t:1: Found too many nested data structures (1501) at character 1501";
        assert_eq!(
            evaluate("cjson.decode_max_depth(1e9) return cjson.decode(string.rep('[', 1e6))"),
            text
        );
    }
}
