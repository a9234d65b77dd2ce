use arrow::util::pretty::pretty_format_batches;

use super::*;

fn context() -> SessionContext {
    let context = SessionContext::new();
    register(&context, &Arc::new(NodeAgentRules::built_in().unwrap()));
    register_json(&context).unwrap();
    context
}

async fn select(context: &SessionContext, what: &str) -> String {
    let rows = context
        .sql(&format!("SELECT {what} AS x"))
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let table = pretty_format_batches(&rows).unwrap().to_string();
    let line = table.lines().nth(3).unwrap();
    line.trim_matches(['|', ' ']).to_owned()
}

#[tokio::test]
async fn every_function_is_documented_and_registered() {
    let context = context();
    let state = context.state();
    let mut documented: Vec<&str> = FUNCTIONS
        .iter()
        .map(|function| function.usage.split('(').next().unwrap())
        .collect();
    for name in &documented {
        assert!(
            state.scalar_functions().contains_key(*name)
                || state.aggregate_functions().contains_key(*name),
            "{name}"
        );
    }
    documented.sort_unstable();
    documented.dedup();
    assert_eq!(documented.len(), FUNCTIONS.len());
    for function in FUNCTIONS {
        assert!(function.doc.ends_with('.'), "{}", function.usage);
    }
}

#[tokio::test]
async fn values_and_nulls() {
    let context = context();
    let table = [
        ("role_name('arn:aws:iam::111122223333:role/a/b')", "b"),
        ("role_name(CAST(NULL AS VARCHAR))", ""),
        (
            "assumed_role_arn('arn:aws:iam::111122223333:role/a/b', 's')",
            "arn:aws:sts::111122223333:assumed-role/b/s",
        ),
        (
            "assumed_role_arn('arn:aws:iam::111122223333:role/a/b', CAST(NULL AS VARCHAR))",
            "",
        ),
        (
            "is_eks_issuer(oidc_issuer('arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/AB'))",
            "true",
        ),
        ("is_eks_issuer(CAST(NULL AS VARCHAR))", ""),
        ("is_instance_id('i-0a1b2c3d')", "true"),
        (
            "is_kube2iam_session('8e228500-b', 'arn:aws:iam::111122223333:role/a/b')",
            "true",
        ),
        (
            "is_kube2iam_session('8e228500-b', CAST(NULL AS VARCHAR))",
            "false",
        ),
        ("is_from_imds('Boto3/1.42.97 ua/2.1 m/b,0')", "true"),
        ("is_from_imds('Boto3/1.42.97 ua/2.1 m/b,z')", "false"),
        ("is_from_imds('Boto3/1.24.59 Python/3.8.18')", "false"),
        ("is_from_imds(CAST(NULL AS VARCHAR))", ""),
        ("is_denied('AccessDenied')", "true"),
        ("is_denied(CAST(NULL AS VARCHAR))", "false"),
        (
            "service_account_namespace('system:serviceaccount:n:a')",
            "n",
        ),
        ("service_account_name('system:serviceaccount:n:a')", "a"),
        ("service_account_name('somebody')", ""),
        (
            "external_id_part('us-east-1/111122223333/c/n/a', 'cluster')",
            "c",
        ),
        (
            "external_id_part('us-east-1/111122223333/c/n/a', 'account')",
            "111122223333",
        ),
        (
            "cluster_arn('prod', '111122223333', 'eu-west-1')",
            "arn:aws:eks:eu-west-1:111122223333:cluster/prod",
        ),
        (
            "cluster_name('arn:aws:eks:eu-west-1:111122223333:cluster/prod')",
            "prod",
        ),
        ("cluster_name('prod')", "prod"),
        (
            "cluster_identity('prod', '111122223333', CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR))",
            "prod",
        ),
        (r#"json_text('{"tags":{"a":"x"}}', 'tags', 'a')"#, "x"),
        (r#"json_text('{"tags":{"a":"x"}}', 'tags', 'b')"#, ""),
        ("json_text(CAST(NULL AS VARCHAR), 'a')", ""),
        (
            "evidence('one', 'e1', 'why', NULL, 'e2', 'left out', 'two', NULL, 'because')",
            r#"[{"detail":"why","event_id":"e1","fact":"one"},{"detail":"because","fact":"two"}]"#,
        ),
        ("evidence(CAST(NULL AS VARCHAR), 'e', 'd')", "[]"),
        (
            "node_agent_rule('sts.amazonaws.com', 'GetCallerIdentity', 'Go-http-client/1.1', NULL, NULL)",
            "kubelet-authentication",
        ),
        (
            "node_agent_rule('s3.amazonaws.com', 'ListBuckets', 'x', NULL, NULL)",
            "",
        ),
    ];
    for (call, value) in table {
        assert_eq!(select(&context, call).await, value, "{call}");
    }
}

#[tokio::test]
async fn columns_of_any_text_type() {
    let context = context();
    for kind in ["Utf8", "LargeUtf8", "Utf8View"] {
        let call = format!("role_name(arrow_cast('arn:aws:iam::111122223333:role/a/b', '{kind}'))");
        assert_eq!(select(&context, &call).await, "b", "{kind}");
    }
    let rows = context
        .sql("SELECT string_agg(coalesce(role_name(arn), '-'), ' ' ORDER BY arn) FROM (VALUES ('arn:aws:iam::1:role/x'), ('arn:aws:iam::1:role/y'), ('z')) AS t(arn)")
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    assert!(
        pretty_format_batches(&rows)
            .unwrap()
            .to_string()
            .contains("x y -")
    );
}

#[tokio::test]
async fn seen_calls_are_put_together() {
    let rows = "VALUES
        ('s3.amazonaws.com', 'GetObject', CAST(NULL AS VARCHAR), 'Data', 'eu-west-1', '111122223333', 'b'),
        ('s3.amazonaws.com', 'ListBuckets', 'AccessDenied', 'Management', 'eu-west-1', '111122223333', NULL),
        ('s3.amazonaws.com', 'GetObject', 'NoSuchKey', 'Data', 'eu-west-1', '111122223333', 'a'),
        (NULL, 'GetObject', NULL, NULL, NULL, NULL, NULL)";
    let query = format!(
        "SELECT seen_calls(a, b, c, d, e, f, g) AS x, seen_calls(a, b, c, d, e, f, g) FILTER (WHERE a = 'none') IS NULL AS none
         FROM ({rows}) AS calls(a, b, c, d, e, f, g)"
    );
    let found = context()
        .sql(&query)
        .await
        .unwrap()
        .collect()
        .await
        .unwrap();
    let json = found[0].column(0).as_string::<i32>().value(0);
    let object = |name: &str, denied: bool, resources: Value| {
        serde_json::json!({
            "event_source": "s3.amazonaws.com",
            "event_name": name,
            "denied": denied,
            "management_event": denied,
            "region": "eu-west-1",
            "account_id": "111122223333",
            "resources": resources,
        })
    };
    assert_eq!(
        serde_json::from_str::<Value>(json).unwrap(),
        serde_json::json!([
            object("GetObject", false, serde_json::json!(["a", "b"])),
            object("ListBuckets", true, serde_json::json!([null])),
        ])
    );
    assert!(found[0].column(1).as_boolean().value(0));
}
