use super::*;

#[test]
fn session_names_are_a_hash_of_the_address_and_the_role() {
    // FNV-1a of "a" is in the published test vectors.
    assert_eq!(session_name("a", "reports"), "e40c292c-reports");
    assert_eq!(session_name("", &"r".repeat(80)).len(), 64);
}
