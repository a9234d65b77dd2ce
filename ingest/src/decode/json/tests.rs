use super::*;

#[test]
fn strings_stop_where_they_must() {
    for length in 0..40 {
        for stop in [b'"', b'\\', b'\n', 0, 0x1f] {
            let mut bytes = vec![0xc3; length];
            bytes.push(stop);
            bytes.extend(b"after\"");
            assert_eq!(string_stop(&bytes, 0), length);
        }
        assert_eq!(string_stop(&vec![b' '; length], 0), length);
    }
}

#[test]
fn escapes_are_undone() {
    for (raw, plain) in [
        ("plain", "plain"),
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r"\u0041\u00e9\ud55c", "Aé한"),
        (r"\ud83d\ude00!", "😀!"),
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00x", "\u{fffd}x"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\u12", "\u{fffd}12"),
        ("\\", "\u{fffd}"),
    ] {
        assert_eq!(unescape(raw), plain, "{raw}");
    }
}

#[test]
fn strings_survive_writing_and_reading() {
    for text in ["", "a\"b\\c\n\u{1}\u{1f}é😀", "\r\t/"] {
        let mut out = String::new();
        push_string(&mut out, text);
        assert_eq!(string(&out).as_deref(), Some(text));
        assert_eq!(
            serde_json::from_str::<String>(&out).ok().as_deref(),
            Some(text)
        );
    }
}

#[test]
fn walks_and_never_panics() {
    let text = r#" { "a" : [1 , {"x":"]"}], "b\"" :"}", "c":null } "#;
    let found: Vec<_> = members(text)
        .map(|member| (member.key, member.value))
        .collect();
    assert_eq!(
        found,
        [
            ("a", r#"[1 , {"x":"]"}]"#),
            ("b\\\"", "\"}\""),
            ("c", "null")
        ]
    );
    assert_eq!(
        elements("[1, \"a,b\" ,{}]").collect::<Vec<_>>(),
        ["1", "\"a,b\"", "{}"]
    );
    assert_eq!(find(text, "c"), Some("null"));
    for end in 0..text.len() {
        let _ = members(&text[..end]).count() + elements(&text[end..]).count();
    }
    assert_eq!(
        members("[1]").count() + elements("{}").count() + elements("[").count(),
        0
    );
}

#[test]
fn objects_are_written() {
    let mut object = ObjectWriter::default();
    assert_eq!(ObjectWriter::default().finish(), None);
    object.push("a", "1");
    object.push("b", "[]");
    assert_eq!(object.finish().as_deref(), Some(r#"{"a":1,"b":[]}"#));
}
