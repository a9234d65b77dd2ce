use super::*;

#[test]
fn commas_and_nesting() {
    let mut out = Json::default();
    out.open()
        .text("a", "1")
        .object("b")
        .close()
        .list("c")
        .open()
        .number("d", -2)
        .close();
    out.open()
        .bool("e", true)
        .close()
        .close_list()
        .texts("f", ["x", "y"])
        .json("g", "null");
    out.close();
    let want = r#"{"a":"1","b":{},"c":[{"d":-2},{"e":true}],"f":["x","y"],"g":null}"#;
    assert_eq!(out.as_str(), want);
}

#[test]
fn texts_are_escaped() {
    for value in [
        "plain",
        "quote \" and \\",
        "line\nbreak\u{1}",
        "ünïcode",
        "",
    ] {
        let mut out = Json::default();
        out.open().text("v", value).close();
        let back: serde_json::Value = serde_json::from_str(out.as_str()).unwrap();
        assert_eq!(back["v"], value);
    }
}
