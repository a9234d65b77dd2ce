//! `podtrail inventory collect` as a user runs it: a cluster by its kubeconfig, an account by its credentials, and what of
//! both is in the store afterwards.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use podtrail_tests::aws_account::{
    ALL, AwsAccount, ISSUER as TOKEN_ISSUER, TAGGED_INSTANCE, UNTAGGED_INSTANCE, role_arn,
};
use podtrail_tests::endpoint;
use podtrail_tests::kubernetes_api::{
    AWS_AUTH, ISSUER, KubernetesApi, NODE_CLASSES, NODES, PODS, SERVICE_ACCOUNTS, TOKEN, node, pod,
    service_account,
};
use podtrail_tests::program::{Run, number, sql};
use serde_json::json;

/// An endpoint where nobody listens: AWS is left out.
const NO_AWS: &str = "http://127.0.0.1:1";

/// A small cluster: five pods on two nodes, of which the API server gives two a page.
fn cluster() -> KubernetesApi {
    let api = KubernetesApi::start();
    api.page(2);
    api.list(
        NODES,
        vec![
            node("node-1", TAGGED_INSTANCE),
            node("node-2", UNTAGGED_INSTANCE),
        ],
    );
    api.list(
        SERVICE_ACCOUNTS,
        vec![
            service_account("shop", "web", Some(&role_arn("web"))),
            service_account("shop", "api", None),
            service_account("kube-system", "aws-node", None),
        ],
    );
    api.list(
        PODS,
        vec![
            pod("web-1", "web", "node-1", "10.0.0.11"),
            pod("web-2", "web", "node-2", "10.0.0.12"),
            pod("api-1", "api", "node-1", "10.0.0.13"),
            pod("api-2", "api", "node-2", "10.0.0.14"),
            pod("api-3", "api", "node-2", "10.0.0.15"),
        ],
    );
    api.list(
        NODE_CLASSES,
        vec![json!({"metadata": {"name": "default", "uid": "uid-class"},
            "spec": {"role": "node", "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1}}})],
    );
    api.put(
        AWS_AUTH,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"},
            "data": {"mapRoles": format!("- rolearn: {}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups:\n  - system:nodes\n", role_arn("node"))}}),
    );
    api.put(
        ISSUER,
        json!({"issuer": TOKEN_ISSUER, "id_token_signing_alg_values_supported": ["RS256"]}),
    );
    api
}

/// A place for a store, and a kubeconfig that names no cluster of EKS.
struct Place {
    folder: tempfile::TempDir,
    kubeconfig: PathBuf,
}

impl Place {
    fn of(api: &KubernetesApi) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = api.kubeconfig(folder.path(), "local");
        Self { folder, kubeconfig }
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn collect(&self, aws: &str, options: &[&str]) -> Run {
        let kubeconfig = self.kubeconfig.to_str().unwrap();
        let mut arguments = vec!["inventory", "collect", "--kubeconfig", kubeconfig];
        arguments.extend(options);
        let mut command = endpoint::command(aws, &self.store(), &arguments);
        command.output().unwrap().into()
    }

    /// Kubernetes alone, of a cluster that is named.
    fn collect_cluster(&self) -> Run {
        self.collect(NO_AWS, &["--no-aws", "--cluster", "prod"])
    }
}

/// How many different objects of each kind were seen.
fn kinds(store: &Path) -> Vec<(String, i64)> {
    let query = "SELECT kind, count(DISTINCT concat(coalesce(namespace, ''), '/', name)) AS objects \
                 FROM inventory WHERE kind <> 'listing' GROUP BY kind ORDER BY kind";
    sql(store, query)
        .iter()
        .map(|row| {
            let kind = row["kind"].as_str().unwrap().to_owned();
            (kind, row["objects"].as_i64().unwrap())
        })
        .collect()
}

/// Kinds of which a complete list was seen.
fn listed(store: &Path) -> BTreeSet<String> {
    sql(
        store,
        "SELECT DISTINCT name FROM inventory WHERE kind = 'listing'",
    )
    .iter()
    .map(|row| row["name"].as_str().unwrap().to_owned())
    .collect()
}

#[test]
fn a_cluster_and_its_account_arrive_in_the_store() {
    let (api, account) = (cluster(), AwsAccount::start());
    // The list of pods becomes too old while it is read, and is begun anew.
    api.expire(PODS, 1);
    let place = Place::of(&api);
    let store = place.store();
    let run = place.collect(account.url(), &[]).expect(0);
    assert!(!run.stderr.contains("warnings"), "{}", run.stderr);

    let wanted = [
        ("access_entry", 1),
        ("aws_auth", 1),
        ("cluster", 1),
        ("instance", 2),
        ("instance_profile", 1),
        ("managed_policy", 1),
        ("node", 2),
        ("node_class", 1),
        ("nodegroup", 2),
        ("pod", 5),
        ("pod_identity_association", 1),
        // Of the cluster, its nodes, pods and access entries; not that of a Lambda function.
        ("role", 5),
        ("service_account", 3),
    ];
    let wanted: Vec<(String, i64)> = wanted
        .iter()
        .map(|(kind, objects)| ((*kind).to_owned(), *objects))
        .collect();
    assert_eq!(kinds(&store), wanted);
    let listed = listed(&store);
    for kind in [
        "access_entry",
        "aws_auth",
        "node",
        "pod",
        "pod_identity_association",
        "service_account",
    ] {
        assert!(listed.contains(kind), "{kind} in {listed:?}");
    }
    // Instances are filtered: what the list lacks may be there.
    assert!(!listed.contains("instance"), "{listed:?}");

    // The kubeconfig does not say which cluster of EKS this is; the issuer of its tokens does.
    let places = "SELECT DISTINCT cluster, account_id, region FROM inventory \
                  WHERE kind IN ('pod', 'node', 'service_account', 'aws_auth', 'cluster', 'nodegroup')";
    let dev = json!({"cluster": "dev", "account_id": "111122223333", "region": "eu-west-1"});
    assert_eq!(sql(&store, places), [dev]);
    let kept = "SELECT count(*) AS seen FROM inventory WHERE attributes LIKE '%not-to-be-kept%'";
    assert_eq!(
        number(&store, kept),
        0,
        "values of environment variables go no further"
    );

    let asked = api.asked();
    assert!(
        asked
            .iter()
            .all(|request| request.header("authorization") == format!("Bearer {TOKEN}"))
    );
    let begun = asked
        .iter()
        .filter(|request| request.path == PODS && request.member("continue").is_none());
    assert_eq!(begun.count(), 2, "the list that expired, and the whole one");
}

#[test]
fn what_was_collected_is_what_the_views_tell() {
    let (api, account) = (cluster(), AwsAccount::start());
    let place = Place::of(&api);
    let store = place.store();
    place.collect(account.url(), &[]).expect(0);

    let pods = "SELECT pod, namespace, service_account, node, instance_id, pod_ip, workload FROM pods \
                WHERE cluster = 'dev' AND pod IN ('api-3', 'web-1') ORDER BY pod";
    assert_eq!(
        sql(&store, pods),
        [
            json!({"pod": "api-3", "namespace": "shop", "service_account": "api", "node": "node-2",
                "instance_id": UNTAGGED_INSTANCE, "pod_ip": "10.0.0.15", "workload": "Deployment/api"}),
            json!({"pod": "web-1", "namespace": "shop", "service_account": "web", "node": "node-1",
                "instance_id": TAGGED_INSTANCE, "pod_ip": "10.0.0.11", "workload": "Deployment/web"}),
        ]
    );
    let accounts = "SELECT namespace, service_account, role_arn FROM service_accounts WHERE role_arn IS NOT NULL";
    assert_eq!(
        sql(&store, accounts),
        [json!({"namespace": "shop", "service_account": "web", "role_arn": role_arn("web")})]
    );
    let associations =
        "SELECT cluster, namespace, service_account, role_arn FROM pod_identity_associations";
    assert_eq!(
        sql(&store, associations),
        [
            json!({"cluster": "dev", "namespace": "shop", "service_account": "api", "role_arn": role_arn("api")})
        ]
    );
    let admins = "SELECT name FROM inventory WHERE kind = 'access_entry' \
                  AND attributes LIKE '%AmazonEKSClusterAdminPolicy%'";
    assert_eq!(sql(&store, admins), [json!({"name": role_arn("admin")})]);
    let instances = "SELECT instance_id, account_id, hop_limit, http_tokens FROM instances ORDER BY instance_id";
    assert_eq!(
        sql(&store, instances),
        [(TAGGED_INSTANCE, 1), (UNTAGGED_INSTANCE, 2)].map(|(id, hops)| {
            json!({"instance_id": id, "account_id": "111122223333", "hop_limit": hops, "http_tokens": "required"})
        })
    );
    let clusters = "SELECT cluster, region, oidc_issuer, cluster_role_arn FROM clusters";
    let issuer = TOKEN_ISSUER.trim_start_matches("https://");
    assert_eq!(
        sql(&store, clusters),
        [
            json!({"cluster": "dev", "region": "eu-west-1", "oidc_issuer": issuer, "cluster_role_arn": role_arn("cluster")})
        ]
    );
    let roles = sql(&store, "SELECT role_name FROM roles ORDER BY role_name");
    let roles: Vec<&str> = roles
        .iter()
        .map(|row| row["role_name"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["admin", "api", "cluster", "node", "web"]);
    // Two pages of node groups.
    let groups = "SELECT DISTINCT name, json_text(attributes, 'node_role_arn') AS node_role FROM inventory \
                  WHERE kind = 'nodegroup' ORDER BY name";
    assert_eq!(
        sql(&store, groups),
        ["spare", "workers"].map(|name| json!({"name": name, "node_role": role_arn("node")}))
    );
    // Whom the config map lets in.
    let entries = "SELECT name FROM inventory WHERE kind = 'aws_auth'";
    assert_eq!(sql(&store, entries), [json!({ "name": role_arn("node") })]);
}

#[test]
fn a_cluster_that_is_given_by_its_name_has_the_account_that_describes_it() {
    let (api, account) = (cluster(), AwsAccount::start());
    let place = Place::of(&api);
    place
        .collect(account.url(), &["--cluster", "dev"])
        .expect(0);
    let places = "SELECT DISTINCT cluster, account_id, region FROM inventory WHERE kind IN ('pod', 'node', 'cluster')";
    let dev = json!({"cluster": "dev", "account_id": "111122223333", "region": "eu-west-1"});
    assert_eq!(sql(&place.store(), places), [dev]);
}

#[test]
fn what_is_not_permitted_is_named_and_the_rest_is_collected() {
    let (api, account) = (cluster(), AwsAccount::start());
    api.forbid(SERVICE_ACCOUNTS);
    account.deny("eks:ListNodegroups");
    let place = Place::of(&api);
    let store = place.store();
    let run = place.collect(account.url(), &[]).expect(3);
    for named in [
        "kubernetes serviceaccounts",
        r#"{apiGroups: [""], resources: ["serviceaccounts"], verbs: ["list", "watch"]}"#,
        "cannot list resource \"serviceaccounts\"",
        "allow eks:ListNodegroups on arn:aws:eks:*:*:cluster/dev",
        "warnings   2: the rest was read",
    ] {
        assert!(run.stderr.contains(named), "{named} in {}", run.stderr);
    }
    let kinds = kinds(&store);
    let objects = |kind: &str| {
        let found = kinds.iter().find(|(name, _)| name == kind);
        found.map_or(0, |(_, objects)| *objects)
    };
    assert_eq!((objects("service_account"), objects("nodegroup")), (0, 0));
    assert_eq!((objects("pod"), objects("node")), (5, 2));
    assert_eq!((objects("cluster"), objects("instance")), (1, 2));
    assert_eq!(objects("pod_identity_association"), 1);
    // What was not read is not taken to be gone.
    let listed = listed(&store);
    assert!(
        listed.contains("pod") && !listed.contains("service_account"),
        "{listed:?}"
    );
}

#[test]
fn credentials_that_are_refused_everywhere_end_the_collection() {
    let api = cluster();
    api.refuse_credentials();
    let place = Place::of(&api);
    let run = place.collect_cluster().expect(4);
    assert!(
        run.stderr.contains("cannot read anything from")
            && run.stderr.contains(api.url())
            && run.stderr.contains("credentials refused"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains(TOKEN), "{}", run.stderr);
}

#[test]
fn an_account_that_denies_everything_costs_only_what_it_would_have_told() {
    let (api, account) = (cluster(), AwsAccount::start());
    account.deny(ALL);
    let place = Place::of(&api);
    let run = place
        .collect(account.url(), &["--cluster", "prod"])
        .expect(3);
    assert!(
        run.stderr.contains("cannot read anything from AWS"),
        "{}",
        run.stderr
    );
    let kinds = kinds(&place.store());
    assert!(kinds.contains(&("pod".to_owned(), 5)), "{kinds:?}");
    assert!(kinds.contains(&("node".to_owned(), 2)), "{kinds:?}");
}

#[test]
fn a_cluster_that_refuses_costs_only_what_it_would_have_told() {
    let (api, account) = (cluster(), AwsAccount::start());
    api.refuse_credentials();
    let place = Place::of(&api);
    let run = place.collect(account.url(), &[]).expect(3);
    assert!(run.stderr.contains("credentials refused"), "{}", run.stderr);
    let kinds = kinds(&place.store());
    assert!(kinds.contains(&("cluster".to_owned(), 1)), "{kinds:?}");
    assert!(kinds.iter().all(|(kind, _)| kind != "pod"), "{kinds:?}");
}

#[test]
fn where_neither_can_be_read_the_collection_fails() {
    let (api, account) = (cluster(), AwsAccount::start());
    api.refuse_credentials();
    account.deny(ALL);
    let run = Place::of(&api).collect(account.url(), &[]).expect(4);
    for named in ["credentials refused", "cannot read anything from AWS"] {
        assert!(run.stderr.contains(named), "{named} in {}", run.stderr);
    }
}

#[test]
fn a_kubeconfig_that_is_not_there_is_wrong_usage() {
    let (api, account) = (cluster(), AwsAccount::start());
    let place = Place {
        kubeconfig: PathBuf::from("/no/such/kubeconfig"),
        ..Place::of(&api)
    };
    let run = place.collect(account.url(), &[]).expect(2);
    assert!(run.stderr.contains("/no/such/kubeconfig"), "{}", run.stderr);
    assert!(!place.store().exists());
}

#[test]
fn what_is_gone_by_the_next_look_has_an_end() {
    let api = cluster();
    let place = Place::of(&api);
    let store = place.store();
    place.collect_cluster().expect(0);
    let living = "SELECT count(*) AS living FROM pods WHERE valid_to IS NULL";
    assert_eq!(number(&store, living), 5);

    api.remove(PODS, "web-2");
    api.remove(NODES, "node-2");
    api.remove(SERVICE_ACCOUNTS, "web");
    place.collect_cluster().expect(0);
    let pods =
        "SELECT pod, valid_to IS NULL AS lives FROM pods WHERE cluster = 'prod' ORDER BY pod";
    assert_eq!(
        sql(&store, pods),
        [
            ("api-1", true),
            ("api-2", true),
            ("api-3", true),
            ("web-1", true),
            ("web-2", false)
        ]
        .map(|(pod, lives)| json!({"pod": pod, "lives": lives}))
    );
    // It was seen by the first look and not by the second, which is when it had gone by.
    let span = "SELECT count(*) AS pods FROM pods WHERE pod = 'web-2' AND valid_from < certain_to AND certain_to < valid_to \
                AND valid_to = (SELECT max(observed_at) FROM inventory WHERE kind = 'listing' AND name = 'pod')";
    assert_eq!(number(&store, span), 1);
    let nodes = "SELECT node, valid_to IS NULL AS lives FROM nodes ORDER BY node";
    assert_eq!(
        sql(&store, nodes),
        [("node-1", true), ("node-2", false)]
            .map(|(node, lives)| json!({"node": node, "lives": lives}))
    );
    let accounts = "SELECT service_account, valid_to IS NULL AS lives FROM service_accounts \
                    WHERE namespace = 'shop' ORDER BY service_account";
    assert_eq!(
        sql(&store, accounts),
        [("api", true), ("web", false)]
            .map(|(name, lives)| json!({"service_account": name, "lives": lives}))
    );
}

#[test]
fn the_last_pod_of_a_namespace_and_of_a_cluster_has_an_end() {
    let api = cluster();
    let place = Place::of(&api);
    let store = place.store();
    let mut job = pod("job-1", "jobs", "node-1", "10.0.0.21");
    job["metadata"]["namespace"] = json!("batch");
    api.list(PODS, vec![pod("web-1", "web", "node-1", "10.0.0.11"), job]);
    place.collect_cluster().expect(0);
    let living = || -> Vec<String> {
        let pods = "SELECT pod FROM pods WHERE valid_to IS NULL ORDER BY pod";
        let rows = sql(&store, pods);
        let names = rows.iter().map(|row| row["pod"].as_str().unwrap());
        names.map(str::to_owned).collect()
    };
    assert_eq!(living(), ["job-1", "web-1"]);
    // What is left is of one namespace, as if only that had been asked for.
    api.remove(PODS, "web-1");
    place.collect_cluster().expect(0);
    assert_eq!(living(), ["job-1"]);
    api.remove(PODS, "job-1");
    place.collect_cluster().expect(0);
    assert_eq!(living(), Vec::<String>::new());
}
