use super::*;

#[test]
fn an_outsider_has_nothing_of_a_cluster() {
    let credential = Credential {
        role_arn: Some("arn:aws:iam::1:role/r"),
        hops: 1,
        issued_by: Some("i"),
    };
    let label = Label::outsider("ci");
    let truth = label.truth("e", credential);
    assert_eq!(
        truth,
        Truth {
            event_id: "e",
            outsider: Some("ci"),
            ..Truth::default()
        }
    );
}

#[test]
fn a_part_has_its_role_and_node() {
    let (cluster, node) = (Rc::from("c"), Rc::from("i-1"));
    let label = Label::part("node_role", "node_agent", "kubelet", &cluster, Some(&node));
    let credential = Credential {
        role_arn: Some("r"),
        hops: 0,
        issued_by: None,
    };
    let truth = label.truth("e", credential);
    assert_eq!((truth.cluster, truth.node), (Some("c"), Some("i-1")));
    assert_eq!((truth.role_arn, truth.hops), (Some("r"), Some(0)));
}
