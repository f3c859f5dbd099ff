//! The first line of a library: `#!lua name=library`.

use super::{BAD_NAME, is_name};
use crate::config::split_words;

/// Returns the name a library gives itself, and its code: the code keeps the end of the first line, so
/// that lines are counted as in the text. `Err` holds what the client reads.
pub(super) fn split(text: &[u8]) -> Result<(String, &[u8]), String> {
    if !text.starts_with(b"#!") {
        return Err("ERR Missing library metadata".to_owned());
    }
    let invalid = || "ERR Invalid library metadata".to_owned();
    let end = memchr::memchr2(b'\n', 0, text).filter(|&end| text[end] == b'\n');
    let end = end.ok_or_else(invalid)?;
    let words = split_words(&text[..end]).ok_or_else(invalid)?;
    let (engine, options) = words.split_first().ok_or_else(invalid)?;
    let name = name_among(options)?;
    let is_ours = engine.get(2..).is_some_and(|engine| engine.eq_ignore_ascii_case(b"lua"));
    if !is_name(name) {
        return Err(format!("ERR {BAD_NAME}"));
    }
    if !is_ours {
        let engine = String::from_utf8_lossy(engine.get(2..).unwrap_or_default());
        return Err(format!("ERR Engine '{engine}' not found"));
    }
    Ok((String::from_utf8_lossy(name).into_owned(), &text[end..]))
}

fn name_among(options: &[Vec<u8>]) -> Result<&[u8], String> {
    const KEY: &[u8] = b"name=";
    let mut name = None;
    for option in options {
        if !option.get(..KEY.len()).is_some_and(|key| key.eq_ignore_ascii_case(KEY)) {
            let option = String::from_utf8_lossy(option);
            return Err(format!("ERR Invalid metadata value given: {option}"));
        }
        if name.replace(&option[KEY.len()..]).is_some() {
            return Err("ERR Invalid metadata value, name argument was given multiple times".into());
        }
    }
    name.ok_or_else(|| "ERR Library name was not given".to_owned())
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_first_line_names_the_library_and_its_language() {
        for (text, name, code) in [
            ("#!lua name=a\nx", "a", "\nx"),
            ("#!LUA Name=\"a_1\"\n", "a_1", "\n"),
            ("#!\"lua\" 'name=b' \r\n\n", "b", "\n\n"),
        ] {
            assert_eq!(split(text.as_bytes()), Ok((name.to_owned(), code.as_bytes())), "{text}");
        }
    }

    #[test]
    fn what_is_no_first_line_is_refused_in_the_words_of_the_originals() {
        for (text, error) in [
            ("x", "Missing library metadata"),
            ("#!lua name=a", "Invalid library metadata"),
            ("#!lua name=\"a\n", "Invalid library metadata"),
            ("#!lua na\0me=a\n", "Invalid library metadata"),
            ("#!\n", "Library name was not given"),
            ("#!lua x=1\n", "Invalid metadata value given: x=1"),
            (
                "#!lua name=a name=a\n",
                "Invalid metadata value, name argument was given multiple times",
            ),
            ("#! name=a\n", "Engine '' not found"),
            ("#!js name=a\n", "Engine 'js' not found"),
            ("#!js name=a-b\n", super::BAD_NAME),
            ("#!lua name=\n", super::BAD_NAME),
        ] {
            assert_eq!(split(text.as_bytes()), Err(format!("ERR {error}")), "{text}");
        }
    }
}
