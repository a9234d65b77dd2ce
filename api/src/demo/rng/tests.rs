use super::*;

#[test]
fn follows_the_reference_seeding_and_stays_stable() {
    let mut rng = Rng::new(0);
    // First outputs of SplitMix64 with seed 0, the published test vector.
    assert_eq!(rng.state[0], 0xe220_a839_7b1d_cdaf);
    assert_eq!(rng.state[1], 0x6e78_9e6a_a1b9_65f4);
    assert_eq!(rng.state[2], 0x06c4_5d18_8009_454f);
    let first = rng.next_u64();
    assert_eq!(Rng::new(0).next_u64(), first);
}

#[test]
fn bounds_hold() {
    let mut rng = Rng::new(1);
    for _ in 0..1000 {
        assert!(rng.below(7) < 7);
        assert!((-3..=3).contains(&rng.between(-3, 3)));
    }
    assert_eq!((rng.below(0), rng.between(5, 4)), (0, 5));
}

#[test]
fn identifiers_have_their_forms() {
    let mut rng = Rng::new(2);
    for _ in 0..100 {
        let uuid = rng.uuid().text();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"), "{uuid}");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"), "{uuid}");
        assert!(
            uuid.char_indices()
                .all(|(at, c)| (c == '-') == [8, 13, 18, 23].contains(&at))
        );
    }
    assert_eq!(rng.session_key().len(), 20);
    assert_eq!(rng.iam_id("AROA").len(), 21);
    assert_eq!(rng.ec2_id("i-").len(), 19);
}
