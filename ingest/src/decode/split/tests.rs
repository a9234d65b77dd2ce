use super::*;

fn whole(text: &str) -> Step {
    Scanner::new(128).run(text.as_bytes())
}

#[test]
fn agrees_with_a_json_parser() {
    let sound = [
        "{}",
        "[]",
        "[1]",
        "{\"a\":-0.5e+3}",
        "\"x\"",
        "[true,false,null]",
        "[[],{}]",
        "{\"a\":{\"b\":[\"\\u00e9\\n\"]}}",
        "[0,-1,1E5,10.25]",
        "[ 1 , 2 ]",
    ];
    let broken = [
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[1e]",
        "[-]",
        "[1}",
        "{\"a\":1]",
        "[tru]",
        "[nul1]",
        "[\"\\x\"]",
        "[\"\\u12g4\"]",
        "[\"\n\"]",
        "[1 2]",
        "[\"a\" \"b\"]",
        "{1:2}",
        ":",
        ",",
        "]",
        "[\u{e9}]",
        "{\"a\" 1}",
        "[1:2]",
    ];
    for text in sound {
        assert!(serde_json::from_str::<serde_json::Value>(text).is_ok());
        assert_eq!(whole(text), Step::End(text.len()), "{text}");
        for end in 0..text.len() {
            assert_eq!(whole(&text[..end]), Step::More, "{text} to {end}");
        }
    }
    for text in broken {
        assert!(
            matches!(whole(text), Step::Broken(_)),
            "{text}: {:?}",
            whole(text)
        );
    }
}

#[test]
fn pieces_give_the_same_as_the_whole() {
    let text =
        r#"{"a\"b" : [1.5e3, true, "\ud83d\ude00"], "sessionToken":"x", "c":{"d":null}} tail"#;
    let mut once = Scanner::new(128);
    let step = once.run(text.as_bytes());
    let mut grown = Scanner::new(128);
    let mut last = Step::More;
    for end in 0..=text.len() {
        last = grown.run(&text.as_bytes()[..end]);
        if last != Step::More {
            break;
        }
    }
    assert_eq!(step, last);
    assert_eq!(format!("{:?}", once.shape), format!("{:?}", grown.shape));
    assert!(once.shape.suspect && once.shape.spaced);
    let keys: Vec<_> = once
        .shape
        .members
        .iter()
        .map(|span| &text[span.key.clone()])
        .collect();
    assert_eq!(keys, ["a\\\"b", "sessionToken", "c"]);
}

#[test]
fn a_skipped_value_still_shows_its_container() {
    let text = format!("{{\"x\":\"{}\",\"Records\":[1]}}", "y".repeat(5000));
    let bytes = text.as_bytes();
    let mut scanner = Scanner::new(128);
    scanner.start(true);
    let (mut from, mut to) = (0, 0);
    loop {
        to += 3;
        match scanner.run(&bytes[from..to]) {
            Step::More => from += scanner.discard(),
            step => {
                assert_eq!(step, Step::Container(text.find("[1").unwrap() + 1 - from));
                break;
            }
        }
    }
}

#[test]
fn depth_is_seen() {
    assert!(!shape_of("[[1]]", 2).unwrap().too_deep);
    assert!(shape_of("[[[1]]]", 2).unwrap().too_deep);
    assert!(shape_of("[1] x", 2).is_none() && shape_of("[1", 2).is_none());
    let deep = "[".repeat(1000) + &"]".repeat(1000);
    assert_eq!(whole(&deep), Step::End(2000));
}
