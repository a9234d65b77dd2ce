use super::*;

#[test]
fn one_text_for_all_writings() {
    let mut out = String::new();
    write_value(
        &mut out,
        r#"{ "b" : [ 1 , "\u0041" ], "a" : { "d":null, "c":{} } }"#,
    );
    assert_eq!(out, r#"{"a":{"c":{},"d":null},"b":[1,"A"]}"#);
    assert_eq!(derived_id("{}"), derived_id(" {  } ".trim()));
    assert_eq!(derived_id("{}"), "derived-44136fa355b3678a1146ad16f7e8649e");
}
