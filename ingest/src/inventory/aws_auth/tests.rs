use serde_json::json;

use super::super::Kind;
use super::super::tests::take_json;

#[test]
fn rows_of_both_lists_and_a_listing() {
    let roles = "- groups:\n  - system:bootstrappers\n  - system:nodes\n  rolearn: arn:aws:iam::111122223333:role/node\n  username: system:node:{{EC2PrivateDNSName}}\n";
    let users = "- userarn: arn:aws:iam::111122223333:user/ann\n  username: ann\n";
    let taken = take_json(&json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": roles, "mapUsers": users, "mapAccounts": "[]"}}));
    let rows = taken.of(Kind::AwsAuth);
    assert_eq!(rows[0].name, "arn:aws:iam::111122223333:role/node");
    assert_eq!(
        json!(rows[0].attributes),
        json!({"entry": "role",
        "username": "system:node:{{EC2PrivateDNSName}}", "groups": ["system:bootstrappers", "system:nodes"]})
    );
    assert_eq!(
        json!(rows[1].attributes),
        json!({"entry": "user", "username": "ann"})
    );
    let listing = taken.one(Kind::Listing);
    assert_eq!(
        (listing.name.as_str(), &listing.attributes["items"]),
        ("aws_auth", &json!(2))
    );
    assert_eq!(listing.cluster.as_deref(), Some("prod"));
}

#[test]
fn a_bad_row_costs_itself_and_the_listing() {
    for (roles, rows) in [
        ("- rolearn: a\n- username: b\n- rolearn: c\n", 2),
        ("not: a list", 0),
        ("- [", 0),
        ("&a [*a, *a]", 0),
    ] {
        let taken = take_json(&json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": roles}}));
        assert_eq!(taken.of(Kind::AwsAuth).len(), rows, "{roles}");
        assert!(taken.of(Kind::Listing).is_empty());
        assert_eq!(taken.reasons(), ["invalid_aws_auth"], "{roles}");
    }
}

#[test]
fn other_config_maps_are_counted() {
    let taken = take_json(&json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "kube-system"}, "data": {"mapRoles": "- rolearn: a"}}));
    assert_eq!(taken.skipped("ConfigMap"), 1);
    assert!(taken.observations.is_empty());
}
