use super::*;

#[test]
fn pod_identity_session_names_are_cut_and_end_in_a_uuid() {
    let mut rng = Rng::new(4);
    let name = pod_session_name("eksworkshop-eksctl", "app1-v1-56b9f94b4-dvd5c", &mut rng);
    assert!(name.starts_with("eks-eksworksho-app1-v1-56-"), "{name}");
    assert_eq!(name.len(), 62);
}
