#![allow(clippy::unwrap_used)]
use serde_json::{Value, json};

use super::trusted_service_accounts;

const PROVIDER: &str =
    "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0A1B";
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B";

fn policy(condition: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
    }]})
    .to_string()
}

fn trusted(policy: &str) -> Vec<String> {
    trusted_service_accounts(policy)
        .unwrap()
        .iter()
        .map(|row| {
            let row: Value = serde_json::from_str(row).unwrap();
            assert_eq!(row["issuer"], ISSUER);
            let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
            let more = if row["wildcard"] == true {
                " and others"
            } else {
                ""
            };
            format!("{}/{}{more}", text("namespace"), text("service_account"))
        })
        .collect()
}

#[test]
fn subjects_are_named_or_wildcards() {
    let sub = format!("{ISSUER}:sub");
    for (condition, expected) in [
        (
            json!({"StringEquals": {&sub: "system:serviceaccount:shop:web"}}),
            vec!["shop/web"],
        ),
        (
            json!({"StringEquals": {&sub: ["system:serviceaccount:shop:web", "system:serviceaccount:shop:api"]}}),
            vec!["shop/web", "shop/api"],
        ),
        (
            json!({"StringLike": {&sub: "system:serviceaccount:shop:*"}}),
            vec!["shop/* and others"],
        ),
        (
            json!({"StringLike": {&sub: "system:serviceaccount:*"}}),
            vec!["-/- and others"],
        ),
        (
            json!({"StringEquals": {format!("{ISSUER}:aud"): "sts.amazonaws.com"}}),
            vec!["-/- and others"],
        ),
        (
            json!({"ForAnyValue:StringLikeIfExists": {&sub: "system:serviceaccount:shop:web"}}),
            vec!["shop/web"],
        ),
        (
            json!({"StringEquals": {&sub: "repo:a/b:ref:refs/heads/main"}}),
            vec![],
        ),
    ] {
        assert_eq!(trusted(&policy(&condition)), expected, "{condition}");
    }
}

#[test]
fn other_principals_and_effects_are_left_out() {
    for statement in [
        json!({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}),
        json!({"Effect": "Deny", "Principal": {"Federated": PROVIDER}, "Action": "*"}),
        json!({"Effect": "Allow", "Principal": {"Federated": "accounts.google.com"}, "Action": "*"}),
        json!({"Effect": "Allow", "Principal": "*", "Action": "*"}),
    ] {
        let policy = json!({"Statement": statement}).to_string();
        assert_eq!(trusted(&policy), Vec::<String>::new(), "{policy}");
    }
    assert_eq!(trusted_service_accounts("no json"), None);
}
