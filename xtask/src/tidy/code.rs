//! Rust source without its comments, for rules about what code says.
//!
//! A scanner of a few states and no parser: it knows just enough of strings and characters not to take a `//`
//! inside them for a comment.

/// The source with every comment blanked out. Strings stay, and so do line numbers.
pub(super) fn without_comments(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    // The last character copied, to tell a raw string's `r` from the end of a name.
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        let (taken, is_comment) = match next {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), true),
            '/' if rest.starts_with("/*") => (block_comment(rest), true),
            '"' => (quoted(rest), false),
            '\'' => (character(rest), false),
            'r' if !(before.is_alphanumeric() || before == '_') || before == 'b' => {
                (raw_string(rest).unwrap_or(1), false)
            }
            other => (other.len_utf8(), false),
        };
        let (token, after) = rest.split_at(taken);
        if is_comment {
            code.extend(token.chars().filter(|character| *character == '\n'));
            code.push(' ');
        } else {
            code.push_str(token);
        }
        before = token.chars().next_back().unwrap_or(' ');
        rest = after;
    }
    code
}

/// The length of a block comment, those nested in it included.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of an ordinary string.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character in quotes, or 1 for the quote of a lifetime.
fn character(text: &str) -> usize {
    let inner: Vec<(usize, char)> = text.char_indices().skip(1).take(3).collect();
    match inner[..] {
        // The escaped character itself may be a quote or a backslash.
        [(_, '\\'), (at, escaped), ..] => {
            let from = at + escaped.len_utf8();
            text[from..].find('\'').map_or(1, |end| from + end + 1)
        }
        [_, (end, '\''), ..] => end + 1,
        _ => 1,
    }
}

/// The length of a raw string, if one begins here.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text[1..].chars().take_while(|character| *character == '#').count();
    let open = 1 + hashes;
    text[open..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = text[open + 1..].find(&close)?;
    Some(open + 1 + end + close.len())
}

#[test]
fn comments_go_and_everything_else_stays() {
    for (source, code) in [
        ("a // b\nc", "a  \nc"),
        ("/// doc\nfn f() {}", " \nfn f() {}"),
        ("a /* b /* c */ d\n */ e", "a \n  e"),
        (r#"let s = "//"; // gone"#, r#"let s = "//";  "#),
        (r#"let s = "\"//"; // gone"#, r#"let s = "\"//";  "#),
        (r###"let s = r#""//"#; // gone"###, r###"let s = r#""//"#;  "###),
        (r##"let s = br"\"; // gone"##, r##"let s = br"\";  "##),
        ("let c = '\"'; // gone", "let c = '\"';  "),
        (r"let c = '\''; // gone", r"let c = '\'';  "),
        (r"let c = '\\'; // gone", r"let c = '\\';  "),
        (r"let c = '\u{2F}'; // gone", r"let c = '\u{2F}';  "),
        ("fn f<'a>(x: &'a str) {} // gone", "fn f<'a>(x: &'a str) {}  "),
        ("let c = 'ü'; // gone", "let c = 'ü';  "),
        ("for r in x {} // gone", "for r in x {}  "),
    ] {
        assert_eq!(without_comments(source), code, "{source}");
    }
}
