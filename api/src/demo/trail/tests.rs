use super::*;

#[test]
fn object_sizes_have_the_measured_median_and_tail() {
    let mut rng = Rng::new(5);
    let mut sizes: Vec<usize> = (0..10_000).map(|_| object_size(&mut rng)).collect();
    sizes.sort_unstable();
    assert!((5..=7).contains(&sizes[5_000]), "{}", sizes[5_000]);
    assert!((400..=622).contains(&sizes[9_999]), "{}", sizes[9_999]);
    assert_eq!(sizes[0], 1);
}
