use std::io::Write;

use serde_json::{Value, json};

use super::*;
use crate::collect::testing::{Reply, Server, clock, output};

fn file(config: &Value) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(config.to_string().as_bytes()).unwrap();
    file
}

fn config(url: &str, user: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Config", "current-context": "other",
        "clusters": [{"name": "dev.eu-west-1.eksctl.io", "cluster": {"server": url}},
            {"name": "other", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "me@dev", "context": {"cluster": "dev.eu-west-1.eksctl.io", "user": "me"}},
            {"name": "other", "context": {"cluster": "other", "user": "none"}}],
        "users": [{"name": "me", "user": user}, {"name": "none", "user": {}}]})
}

fn access(file: &tempfile::NamedTempFile, context: Option<&str>) -> Access {
    Access::Kubeconfig {
        path: Some(file.path().to_owned()),
        context: context.map(str::to_owned),
    }
}

#[tokio::test]
async fn a_plugin_gives_the_token_and_names_the_cluster() {
    let server = Server::start(|_| Reply::Json(404, json!({}))).await;
    let credential = json!({"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential",
        "status": {"token": "plugin-token"}});
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "/bin/sh",
        "args": ["-c", format!("echo '{credential}'"), "sh", "eks", "get-token", "--cluster-name", "dev"]}});
    let file = file(&config(&server.url, &user));
    let connection = connect(&access(&file, Some("me@dev")), None, clock)
        .await
        .unwrap();
    assert_eq!(connection.cluster(), Some("dev"));
    assert_eq!(connection.server(), server.url);
    let (out, _receiver) = output();
    connection.collect(&out).await.unwrap();
    let requests = server.requests();
    assert!(!requests.is_empty());
    assert!(
        requests
            .iter()
            .all(|each| each.header("authorization") == "Bearer plugin-token")
    );
}

#[tokio::test]
async fn the_user_names_the_cluster_first() {
    let file = file(&config("http://127.0.0.1:1", &json!({})));
    let connection = connect(&access(&file, None), Some("prod"), clock)
        .await
        .unwrap();
    assert_eq!(connection.cluster(), Some("prod"));
    assert_eq!(connection.server(), "http://127.0.0.1:1");
    let unnamed = connect(&access(&file, None), None, clock).await.unwrap();
    assert_eq!(unnamed.cluster(), None);
}

#[tokio::test]
async fn the_issuer_names_a_cluster_without_a_name() {
    let issuer = "https://oidc.eks.us-east-1.amazonaws.com/id/AB";
    let server = Server::start(move |request| match request.path.as_str() {
        "/.well-known/openid-configuration" => Reply::Json(200, json!({"issuer": issuer})),
        _ => Reply::Json(404, json!({})),
    })
    .await;
    let file = file(&config(&server.url, &json!({})));
    let connection = connect(&access(&file, Some("me@dev")), None, clock).await;
    let connection = connection.unwrap();
    assert_eq!(connection.cluster(), None);
    assert_eq!(connection.oidc_issuer().await.as_deref(), Some(issuer));
    let (out, receiver) = output();
    connection.named("dev").collect(&out).await.unwrap();
    let documents = crate::collect::testing::taken(receiver).documents;
    assert!(!documents.is_empty());
    assert!(
        documents
            .iter()
            .all(|each| each.cluster.as_deref() == Some("dev"))
    );

    let silent = Server::start(|_| Reply::Json(403, json!({}))).await;
    let file = self::file(&self::config(&silent.url, &json!({})));
    let connection = connect(&access(&file, Some("me@dev")), None, clock).await;
    assert_eq!(connection.unwrap().oidc_issuer().await, None);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let file = file(&config("http://127.0.0.1:1", &json!({})));
    let error = connect(&access(&file, Some("prod")), None, clock)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("context prod") && text.contains("me@dev, other"),
        "{text}"
    );
    let nowhere = Access::Kubeconfig {
        path: Some("/nowhere/config".into()),
        context: None,
    };
    let error = connect(&nowhere, None, clock).await.unwrap_err();
    assert!(matches!(error, Error::NoKubeconfig(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("/nowhere/config"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("config");
    std::fs::write(&broken, "clusters: 7").unwrap();
    for path in [folder.path(), &broken] {
        let unusable = Access::Kubeconfig {
            path: Some(path.to_owned()),
            context: None,
        };
        let error = connect(&unusable, None, clock).await.unwrap_err();
        assert!(matches!(error, Error::Kubeconfig { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&path.display().to_string()), "{text}");
    }
    let failing = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "/nowhere/aws"}});
    let file = self::file(&config("http://127.0.0.1:1", &failing));
    let text = connect(&access(&file, Some("me@dev")), None, clock)
        .await
        .unwrap_err()
        .to_string();
    assert!(text.contains("/nowhere/aws"), "{text}");
}

#[tokio::test]
async fn outside_of_a_cluster_there_is_no_service_account() {
    let error = connect(&Access::InCluster, None, clock).await.unwrap_err();
    assert!(error.to_string().contains("not in a cluster"), "{error}");
}
