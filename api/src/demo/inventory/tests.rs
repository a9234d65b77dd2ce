use super::pretty::pretty;

fn text(json: &str) -> String {
    String::from_utf8(pretty(json)).unwrap()
}

#[test]
fn indents_like_kubectl() {
    let json = r#"{"a":[1,{"b":"c,:[\"{"}],"d":{},"e":[]}"#;
    let lines = [
        "{",
        "    \"a\": [",
        "        1,",
        "        {",
        "            \"b\": \"c,:[\\\"{\"",
        "        }",
        "    ],",
        "    \"d\": {},",
        "    \"e\": []",
        "}",
        "",
    ];
    assert_eq!(text(json), lines.join("\n"));
}

#[test]
fn separates_texts_that_follow_one_another() {
    assert_eq!(
        text(r#"{"a":1},{"b":2}"#),
        "{\n    \"a\": 1\n}\n{\n    \"b\": 2\n}\n"
    );
}
