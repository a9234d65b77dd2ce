use std::collections::BTreeSet;

use super::*;

#[test]
fn a_subnet_gives_every_address_once_before_any_comes_back() {
    let mut subnet = Subnet::new(1, &mut Rng::new(3));
    let all: BTreeSet<_> = (0..HOSTS).filter_map(|_| subnet.take()).collect();
    assert_eq!(all.len(), HOSTS as usize);
    assert!(subnet.take().is_none());
    let nets: BTreeSet<_> = all.iter().map(|ip| ip.split('.').nth(2).unwrap()).collect();
    assert!(nets.contains("34") && nets.contains("62") && !nets.contains("63"));
    subnet.released.push_back(Rc::from("192.168.40.9"));
    assert_eq!(subnet.take().as_deref(), Some("192.168.40.9"));
}
