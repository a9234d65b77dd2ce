//! No secret leaves the module, whether a file is sound or not.

use super::*;

const SECRET: &str = "s3cr3t-Value-4711";

fn secret_pod() -> Value {
    let mut pod = pod("shop", "web");
    pod["metadata"]["annotations"] = json!({
        "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"password\":\"{SECRET}\"}}"),
        "iam.amazonaws.com/role": "legacy-role",
    });
    pod["metadata"]["labels"] = json!({"app": "web", "note": SECRET});
    pod["spec"]["containers"][0]["env"] = json!([
        {"name": "DB_PASSWORD", "value": SECRET},
        {"name": "AWS_SECRET_ACCESS_KEY", "value": SECRET},
        {"name": "AWS_SESSION_TOKEN", "value": SECRET},
        {"name": "AWS_ACCESS_KEY_ID", "value": SECRET},
        {"name": "AWS_REGION", "value": SECRET},
        {"name": "AWS_ROLE_ARN", "value": SECRET},
        {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": SECRET},
    ]);
    pod["spec"]["containers"][0]["args"] = json!(["--password", SECRET]);
    pod["spec"]["containers"][0]["command"] = json!([SECRET]);
    pod
}

fn secret_event(verb: &str, resource: &str, subresource: &str, answer: &Value) -> Value {
    json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
        "stage": "ResponseComplete", "verb": verb, "requestURI": format!("/api?token={SECRET}"),
        "user": {"username": "system:node:n1",
            "extra": {"accessKeyId": ["ASIAEXAMPLE0000000AA"], "token": [SECRET]}},
        "objectRef": {"resource": resource, "subresource": subresource, "namespace": "shop",
            "name": "web"},
        "responseObject": answer, "requestObject": answer,
        "stageTimestamp": "2025-06-01T10:00:00Z"})
}

fn sources() -> Vec<String> {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"},
        "data": {"password": SECRET}});
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"password": SECRET},
        "metadata": {"name": "aws-auth", "namespace": "kube-system"}});
    let token = json!({"kind": "TokenRequest", "status": {"token": SECRET},
        "spec": {"audiences": ["sts.amazonaws.com"]}});
    let cluster = json!({"cluster": {"name": "prod", "certificateAuthority": {"data": SECRET},
        "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod"}});
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "web", "namespace": "shop", "annotations": {"note": SECRET}}});
    let message = secret_event("create", "serviceaccounts", "token", &token).to_string();
    let values = [
        secret_pod(),
        list(&[secret_pod(), secret, config.clone(), account]),
        json!({"unknown": SECRET, "name": {"value": SECRET}, SECRET: 1}),
        json!({"events": [{"message": message}, {"message": format!("log line {SECRET}")}]}),
        secret_event("create", "pods", "", &secret_pod()),
        secret_event("delete", "pods", "", &secret_pod()),
        secret_event("update", "configmaps", "", &config),
        cluster,
        json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "aws-auth", "namespace": "kube-system"},
            "data": {"mapRoles": format!("password: {SECRET}\n: :"), "mapUsers": format!("- pw: {SECRET}")}}),
        json!({"Role": {"RoleId": "AROAEXAMPLE", "Secret": SECRET}}),
    ];
    values
        .iter()
        .flat_map(|value| {
            [
                value.to_string(),
                serde_json::to_string_pretty(value).unwrap(),
            ]
        })
        .collect()
}

fn shown(taken: &Taken) -> String {
    format!(
        "{:?} {:?} {:?}",
        taken.observations, taken.rejects, taken.summary
    )
}

#[test]
fn sound_files_show_no_secret() {
    for source in sources() {
        let taken = take(&source);
        assert!(
            !shown(&taken).contains(SECRET),
            "{source}\n{}",
            shown(&taken)
        );
    }
    let taken = take(&secret_pod().to_string());
    let pod = taken.one(Kind::Pod);
    assert_eq!(pod.attributes["iam_role"], "legacy-role");
    let names = pod.attributes["aws_env"].as_array().unwrap();
    assert!(names.contains(&json!("AWS_SECRET_ACCESS_KEY")));
}

#[test]
fn damaged_files_show_no_secret() {
    for source in sources() {
        for at in 0..source.len() {
            if !source.is_char_boundary(at) {
                continue;
            }
            let mut damaged = source.clone();
            match at % 5 {
                0 => damaged.truncate(at),
                1 => drop(damaged.drain(..at)),
                2 => damaged.insert(at, '"'),
                3 => damaged.insert(at, '\n'),
                _ => drop(damaged.remove(at)),
            }
            let taken = take(&damaged);
            // A cut through the secret leaves pieces of it.
            for piece in ["4711", "s3cr"] {
                assert!(
                    !shown(&taken).contains(piece),
                    "at {at} of {source}\n{}",
                    shown(&taken)
                );
            }
        }
    }
}
