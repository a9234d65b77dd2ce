use super::*;

#[test]
fn what_is_encoded_is_decoded() {
    let text = "eyJ2IjoibWV0YSJ9+/=&ü %";
    assert_eq!(encoded("a-b.c_d~1"), "a-b.c_d~1");
    assert_eq!(encoded("a b/ü"), "a%20b%2F%C3%BC");
    assert_eq!(decoded(&encoded(text)).as_deref(), Some(text));
}

#[test]
fn broken_codes_stay_and_broken_text_is_none() {
    assert_eq!(decoded("100%").as_deref(), Some("100%"));
    assert_eq!(decoded("%zz%+1").as_deref(), Some("%zz%+1"));
    assert_eq!(decoded("%ff"), None);
}
