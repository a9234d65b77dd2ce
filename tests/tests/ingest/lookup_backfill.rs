//! `podtrail ingest lookup://REGION --backfill`: calls whose credentials were issued before the trail began, or in a
//! record that it lost, are nobody's until LookupEvents gives the record.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use podtrail_tests::endpoint;
use podtrail_tests::inspect::record_columns;
use podtrail_tests::lookup_events::{Fault, LookupEvents};
use podtrail_tests::program::{Run, number, run, sql};
use serde_json::{Value, json};

const SOURCE: &str = "lookup://eu-west-1";

const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";

/// What is known of whose the calls are.
const CALLERS: &str = "SELECT event_id, namespace, service_account, confidence FROM attribution \
                       WHERE event_id LIKE '%-call' AND service_account IS NOT NULL ORDER BY event_id";

/// Credentials that a service account holds by a role.
#[derive(Debug, Clone, Copy)]
struct Session {
    account: &'static str,
    key: &'static str,
    name: &'static str,
    /// When they were issued.
    since: &'static str,
}

/// By IRSA; the trail lacks the record.
const WEB: Session = Session {
    account: "web",
    key: "ASIAEXAMPLEWEB000001",
    name: "1777626000123456789",
    since: "2026-05-01T09:00:00Z",
};

/// By IRSA; nobody has the record.
const LOST: Session = Session {
    account: "lost",
    key: "ASIAEXAMPLELOST00001",
    name: "1777626060123456789",
    since: "2026-05-01T09:01:00Z",
};

/// By IRSA; the trail has the record.
const KNOWN: Session = Session {
    account: "known",
    key: "ASIAEXAMPLEKNOWN0001",
    name: "1777626120123456789",
    since: "2026-05-01T09:02:00Z",
};

/// By EKS Pod Identity; the trail lacks the record.
const API: Session = Session {
    account: "api",
    key: "ASIAEXAMPLEAPI000001",
    name: "eks-prod-api-7d9f6b-d1861451-6ee5-4069-ae5d-741cbb99692a",
    since: "2026-05-01T09:03:00Z",
};

impl Session {
    fn is_pod_identity(&self) -> bool {
        self.name.starts_with("eks-")
    }

    fn role(&self) -> String {
        format!("arn:aws:iam::111122223333:role/{}", self.account)
    }

    fn arn(&self) -> String {
        format!(
            "arn:aws:sts::111122223333:assumed-role/{}/{}",
            self.account, self.name
        )
    }

    /// What every record has.
    fn record(&self, id: &str, time: &str, more: &Value) -> Value {
        let mut record = json!({
            "eventVersion": "1.11", "eventID": format!("{}-{id}", self.account), "eventTime": time, "awsRegion": "eu-west-1",
            "sourceIPAddress": "198.51.100.20", "userAgent": "aws-sdk-go-v2/1.42.1 ua/2.1 os/linux lang/go#1.24.1",
            "requestID": format!("request-{}-{id}", self.account), "readOnly": true, "eventType": "AwsApiCall",
            "managementEvent": true, "recipientAccountId": "111122223333", "eventCategory": "Management",
        });
        let all = record.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        record
    }

    /// The record that issued the credentials.
    fn issued(&self) -> Value {
        let response = json!({
            "credentials": {"accessKeyId": self.key, "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
                "expiration": "May 1, 2026, 3:00:00 PM"},
            "assumedRoleUser": {"assumedRoleId": format!("AROAEXAMPLE{}:{}", self.account, self.name), "arn": self.arn()},
        });
        let mut more = json!({
            "eventSource": "sts.amazonaws.com",
            "requestParameters": {"roleArn": self.role(), "roleSessionName": self.name, "durationSeconds": 21600},
            "responseElements": response,
            "resources": [{"accountId": "111122223333", "type": "AWS::IAM::Role", "ARN": self.role()}],
        });
        if self.is_pod_identity() {
            more["eventName"] = json!("AssumeRole");
            more["sourceIPAddress"] = json!("pods.eks.amazonaws.com");
            more["userAgent"] = json!("pods.eks.amazonaws.com");
            more["userIdentity"] =
                json!({"type": "AWSService", "invokedBy": "pods.eks.amazonaws.com"});
            more["requestParameters"]["tags"] = json!([
                {"key": "eks-cluster-arn", "value": "arn:aws:eks:eu-west-1:111122223333:cluster/prod"},
                {"key": "eks-cluster-name", "value": "prod"},
                {"key": "kubernetes-namespace", "value": "shop"},
                {"key": "kubernetes-service-account", "value": self.account},
                {"key": "kubernetes-pod-name", "value": "api-7d9f6b-x2x4z"},
                {"key": "kubernetes-pod-uid", "value": "376f3cff-0000-4000-8000-000000000001"},
            ]);
        } else {
            let provider = format!("arn:aws:iam::111122223333:oidc-provider/{ISSUER}");
            let subject = format!("system:serviceaccount:shop:{}", self.account);
            more["eventName"] = json!("AssumeRoleWithWebIdentity");
            more["userIdentity"] = json!({"type": "WebIdentityUser", "userName": subject, "identityProvider": provider,
                "principalId": format!("{provider}:sts.amazonaws.com:{subject}")});
            more["responseElements"]["subjectFromWebIdentityToken"] = json!(subject);
            more["responseElements"]["provider"] = json!(provider);
            more["responseElements"]["audience"] = json!("sts.amazonaws.com");
        }
        self.record("issued", self.since, &more)
    }

    /// A call that is made with them.
    fn call(&self) -> Value {
        let mut context = json!({
            "sessionIssuer": {"type": "Role", "principalId": format!("AROAEXAMPLE{}", self.account), "arn": self.role(),
                "accountId": "111122223333", "userName": self.account},
            "attributes": {"creationDate": self.since, "mfaAuthenticated": "false"},
        });
        if !self.is_pod_identity() {
            context["webIdFederationData"] = json!({"attributes": {},
                "federatedProvider": format!("arn:aws:iam::111122223333:oidc-provider/{ISSUER}")});
        }
        let more = json!({
            "eventSource": "sqs.amazonaws.com", "eventName": "ListQueues", "requestParameters": null, "responseElements": null,
            "userIdentity": {"type": "AssumedRole", "principalId": format!("AROAEXAMPLE{}:{}", self.account, self.name),
                "arn": self.arn(), "accountId": "111122223333", "accessKeyId": self.key, "sessionContext": context},
        });
        self.record("call", "2026-05-01T09:30:00Z", &more)
    }

    /// How a call of theirs is told once the record is there.
    fn told(&self) -> Value {
        json!({"event_id": format!("{}-call", self.account), "namespace": "shop",
            "service_account": self.account, "confidence": "exact"})
    }
}

/// Reads records from a folder of this name.
fn read(folder: &Path, name: &str, records: &[Value]) -> PathBuf {
    let trail = folder.join(format!("trail-{name}"));
    std::fs::create_dir(&trail).unwrap();
    let text = json!({ "Records": records }).to_string();
    std::fs::write(trail.join("records.json"), text).unwrap();
    let store = folder.join(name);
    run(&store, &["ingest", trail.to_str().unwrap()]).expect(0);
    store
}

/// The trail: calls of all four, and one of the records that issued their credentials.
fn trail() -> Vec<Value> {
    let mut records: Vec<Value> = [WEB, LOST, KNOWN, API].iter().map(Session::call).collect();
    records.push(KNOWN.issued());
    records
}

fn backfill(service: &LookupEvents, store: &Path) -> Run {
    let arguments = ["ingest", SOURCE, "--backfill"];
    let mut command = endpoint::command(service.url(), store, &arguments);
    command.output().unwrap().into()
}

/// The keys that were asked for, in the order of their names.
fn keys(asked: &[Value]) -> Vec<String> {
    let mut keys: Vec<String> = asked
        .iter()
        .map(|body| {
            assert!(body["StartTime"].is_null(), "of any time: {body}");
            let attribute = &body["LookupAttributes"][0];
            assert_eq!(attribute["AttributeKey"], "ResourceName", "{body}");
            attribute["AttributeValue"].as_str().unwrap().to_owned()
        })
        .collect();
    keys.sort();
    keys
}

fn workloads(store: &Path) -> Vec<Value> {
    run(store, &["report", "workloads", "-o", "ndjson"])
        .expect(0)
        .rows()
}

/// The confidence of a service account's calls in the report; none where it does not name it.
fn confidence(rows: &[Value], account: &str) -> Option<String> {
    let row = rows.iter().find(|row| row["service_account"] == account)?;
    row["confidence"].as_str().map(str::to_owned)
}

#[test]
fn the_records_that_issued_missing_keys_are_found_and_their_calls_are_attributed() {
    // What LookupEvents remembers: all but one, and much that is not asked for.
    let service = LookupEvents::start(vec![
        WEB.issued(),
        API.issued(),
        KNOWN.issued(),
        WEB.call(),
        API.call(),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let store = read(folder.path(), "store", &trail());
    assert_eq!(sql(&store, CALLERS), [KNOWN.told()]);
    assert_eq!(confidence(&workloads(&store), "web"), None);
    assert_eq!(confidence(&workloads(&store), "api"), None);

    let found = backfill(&service, &store).expect(0);
    assert!(
        found
            .stderr
            .contains("3 access keys whose issuing record is missing")
            && found.stderr.contains("2: 2 new, 0 duplicate"),
        "{}",
        found.stderr
    );
    assert_eq!(keys(&service.asked()), [API.key, LOST.key, WEB.key]);
    assert_eq!(
        sql(&store, CALLERS),
        [API.told(), KNOWN.told(), WEB.told()],
        "by the name of the account"
    );
    let rows = workloads(&store);
    for account in ["api", "known", "web"] {
        assert_eq!(
            confidence(&rows, account).as_deref(),
            Some("exact"),
            "{rows:?}"
        );
    }
    let pod = "SELECT pod FROM attribution WHERE event_id = 'api-call'";
    assert_eq!(sql(&store, pod), [json!({"pod": "api-7d9f6b-x2x4z"})]);
    let missing = sql(&store, "SELECT DISTINCT access_key_id FROM missing_keys");
    assert_eq!(missing, [json!({ "access_key_id": LOST.key })]);

    // What is not found is asked for again, and nothing else.
    let again = backfill(&service, &store).expect(0);
    assert!(
        again.stderr.contains("0: 0 new, 0 duplicate"),
        "{}",
        again.stderr
    );
    assert_eq!(keys(&service.asked()), [LOST.key]);
    let copies = "SELECT count(*) - count(DISTINCT event_id) AS copies FROM events";
    assert_eq!(number(&store, copies), 0);

    let mut all = trail();
    all.extend([WEB.issued(), API.issued()]);
    let other = read(folder.path(), "of-one-folder", &all);
    let query = format!("SELECT {} FROM events ORDER BY event_id", record_columns());
    let contents = |store: &Path| run(store, &["sql", "-o", "csv", &query]).expect(0).stdout;
    assert_eq!(number(&other, "SELECT count(*) AS events FROM events"), 7);
    assert!(contents(&store) == contents(&other), "the stores differ");
}

#[test]
fn a_key_that_is_refused_is_named_and_asked_for_again() {
    let service = LookupEvents::start(vec![WEB.issued(), API.issued(), LOST.issued()]);
    let folder = tempfile::tempdir().unwrap();
    let store = read(folder.path(), "store", &trail());
    service.always(Some(Fault::Denied));
    let run = backfill(&service, &store).expect(3);
    assert!(
        run.stderr
            .contains("allow the IAM action cloudtrail:LookupEvents")
            && run.stderr.contains(WEB.key),
        "{}",
        run.stderr
    );
    assert_eq!(service.asked().len(), 3);
    assert_eq!(sql(&store, CALLERS), [KNOWN.told()]);

    service.always(None);
    service.disturb(&[Some(Fault::Throttled)]);
    backfill(&service, &store).expect(0);
    assert_eq!(
        sql(&store, CALLERS),
        [API.told(), KNOWN.told(), LOST.told(), WEB.told()]
    );
    let missing = "SELECT count(*) AS keys FROM missing_keys";
    assert_eq!(number(&store, missing), 0);
}

#[test]
fn what_cannot_be_asked_for_keys_is_refused_before_anything_is_asked() {
    let service = LookupEvents::start(Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let store = read(folder.path(), "store", &trail());
    let trail = folder.path().join("trail-store");
    let trail = trail.to_str().unwrap();
    for (store, source, named) in [
        (&store, trail, "give lookup://REGION"),
        (&folder.path().join("no-store"), SOURCE, "store"),
    ] {
        let arguments = ["ingest", source, "--backfill"];
        let mut command = endpoint::command(service.url(), store, &arguments);
        let run = Run::from(command.output().unwrap()).expect(2);
        assert!(run.stderr.contains(named), "{}", run.stderr);
    }
    assert!(service.asked().is_empty());
    assert!(!folder.path().join("no-store").exists());
}
