//! The functions that run once for each record, call or session: `cargo bench --bench hot`.
//!
//! What they cost together, in a whole run, `tests/bench.sh` measures; these tell which of them changed.
#![allow(missing_docs)] // `criterion_group!` makes a public function without a doc comment.
#![allow(clippy::unwrap_used, clippy::expect_used)] // What fails here should end the measurement.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use podtrail_ingest::decode::{self, Limits, Record, Reject, Sink};
use podtrail_query::policy::{Call, Options, policy};
use podtrail_query::{sdk, text};

const USER_AGENTS: [&str; 4] = [
    "aws-sdk-go-v2/1.39.4 ua/2.1 os/linux lang/go#1.24.9 md/GOOS#linux md/GOARCH#amd64 api/s3#1.88.4 m/E,h",
    "Boto3/1.26.90 md/Botocore#1.29.90 ua/2.0 os/linux#5.10.235 md/arch#x86_64 lang/python#3.11.2 Botocore/1.29.90",
    "aws-sdk-java/2.31.50 md/io#sync md/http#Apache ua/2.1 api/DynamoDB#2.31.x os/Linux#6.1.134 lang/java#21.0.7 m/D,h",
    "amazon-vpc-cni-k8s/v1.20.1 aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.4 api/ec2#1.210.1",
];

const ACCOUNT: &str = "111122223333";

/// Takes records and forgets them.
struct Forget(u64);

impl Sink for Forget {
    type Error = Infallible;

    fn record(&mut self, record: &Record<'_>) -> Result<(), Infallible> {
        black_box(record);
        self.0 += 1;
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<(), Infallible> {
        black_box(&reject);
        Ok(())
    }
}

/// One call of a role session, as CloudTrail writes it; every hundredth issues credentials, which the
/// decoder looks into and redacts.
fn record(out: &mut String, number: usize) {
    let agent = USER_AGENTS[number % USER_AGENTS.len()];
    let (minute, second) = (number / 60 % 60, number % 60);
    let (source, name, request, response) = if number.is_multiple_of(100) {
        (
            "sts.amazonaws.com",
            "AssumeRole",
            format!(
                r#"{{"roleArn":"arn:aws:iam::{ACCOUNT}:role/app-{number}","roleSessionName":"app","durationSeconds":3600}}"#
            ),
            format!(
                r#"{{"credentials":{{"accessKeyId":"ASIA{number:016}","sessionToken":"IQoJb3JpZ2luX2VjEXAMPLE","expiration":"May 1, 2026, 1:00:00 PM"}},"assumedRoleUser":{{"assumedRoleId":"AROAEXAMPLE{number:010}:app","arn":"arn:aws:sts::{ACCOUNT}:assumed-role/app-{number}/app"}}}}"#
            ),
        )
    } else {
        (
            "s3.amazonaws.com",
            "GetObject",
            format!(
                r#"{{"bucketName":"reports-{ACCOUNT}","Host":"reports-{ACCOUNT}.s3.eu-central-1.amazonaws.com","key":"2026/05/01/part-{number}.parquet"}}"#
            ),
            "null".to_owned(),
        )
    };
    write!(
        out,
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE0123456789:i-0123456789abcdef0","arn":"arn:aws:sts::{ACCOUNT}:assumed-role/nodes/i-0123456789abcdef0","accountId":"{ACCOUNT}","accessKeyId":"ASIAEXAMPLE{number:09}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE0123456789","arn":"arn:aws:iam::{ACCOUNT}:role/nodes","accountId":"{ACCOUNT}","userName":"nodes"}},"attributes":{{"creationDate":"2026-05-01T11:00:00Z","mfaAuthenticated":"false"}},"ec2RoleDelivery":"2.0"}}}},"eventTime":"2026-05-01T12:{minute:02}:{second:02}Z","eventSource":"{source}","eventName":"{name}","awsRegion":"eu-central-1","sourceIPAddress":"192.0.2.{octet}","userAgent":"{agent}","requestParameters":{request},"responseElements":{response},"additionalEventData":{{"SignatureVersion":"SigV4","bytesTransferredIn":0,"bytesTransferredOut":{number}}},"requestID":"EXAMPLE{number:09}","eventID":"00000000-0000-4000-8000-{number:012}","readOnly":true,"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"{ACCOUNT}","eventCategory":"Data","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"reports-{ACCOUNT}.s3.eu-central-1.amazonaws.com"}}}}"#,
        octet = number % 250,
    )
    .unwrap();
}

/// A log file as it lies in the bucket, and the bytes of its text.
fn log_file(records: usize) -> (Vec<u8>, u64) {
    let mut text = String::from(r#"{"Records":["#);
    for number in 0..records {
        if number > 0 {
            text.push(',');
        }
        record(&mut text, number);
    }
    text.push_str("]}");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    (encoder.finish().unwrap(), text.len() as u64)
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for records in [20, 5_000] {
        let (stored, inflated) = log_file(records);
        group.throughput(Throughput::Bytes(inflated));
        group.bench_function(format!("{records} records"), |bencher| {
            bencher.iter(|| {
                let mut sink = Forget(0);
                let limits = Limits::default();
                decode::decode(black_box(stored.as_slice()), &limits, &mut sink).unwrap();
                assert_eq!(sink.0, records as u64);
            });
        });
    }
    group.finish();
}

fn texts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("text");
    let role = "arn:aws:iam::111122223333:role/platform/compute/nodes";
    let provider = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";
    let issuer = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";
    let tags = r#"{"external_id":"prod/shop/orders","tags":[{"key":"eks-cluster-name","value":"prod"},{"key":"kubernetes-namespace","value":"shop"}]}"#;
    group.bench_function("role_name", |b| b.iter(|| text::role_name(black_box(role))));
    group.bench_function("plain_role_arn", |b| {
        b.iter(|| text::plain_role_arn(black_box(role)));
    });
    group.bench_function("assumed_role_arn", |b| {
        b.iter(|| text::assumed_role_arn(black_box(role), black_box("i-0123456789abcdef0")));
    });
    group.bench_function("oidc_issuer", |b| {
        b.iter(|| text::oidc_issuer(black_box(provider)));
    });
    group.bench_function("is_eks_issuer", |b| {
        b.iter(|| text::is_eks_issuer(black_box(issuer)));
    });
    group.bench_function("is_instance_id", |b| {
        b.iter(|| text::is_instance_id(black_box("i-0123456789abcdef0")));
    });
    group.bench_function("is_pod_identity_session", |b| {
        let name = "eks-prod-orders-5d4f8-0123abcd-4567-89ef-0123-456789abcdef";
        b.iter(|| text::is_pod_identity_session(black_box(name)));
    });
    group.bench_function("service_account", |b| {
        b.iter(|| text::service_account(black_box("system:serviceaccount:shop:orders")));
    });
    group.bench_function("is_denied", |b| {
        b.iter(|| text::is_denied(black_box("Client.UnauthorizedOperation")));
    });
    group.bench_function("json_text", |b| {
        b.iter(|| text::json_text(black_box(tags), &["external_id"]));
    });
    group.bench_function("json_list", |b| {
        b.iter(|| text::json_list(black_box(tags), &["tags"]));
    });
    group.finish();
}

fn user_agents(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("user agent");
    group.throughput(Throughput::Elements(USER_AGENTS.len() as u64));
    group.bench_function("identify", |bencher| {
        bencher.iter(|| USER_AGENTS.map(|agent| sdk::identify(black_box(agent))));
    });
    group.bench_function("program", |bencher| {
        bencher.iter(|| USER_AGENTS.map(|agent| sdk::program(black_box(agent))));
    });
    group.bench_function("credential_sources", |bencher| {
        bencher.iter(|| USER_AGENTS.map(|agent| sdk::credential_sources(black_box(agent))));
    });
    group.bench_function("too_old", |bencher| {
        let binding = sdk::Binding::PodIdentity;
        bencher.iter(|| USER_AGENTS.map(|agent| sdk::too_old(black_box(agent), binding)));
    });
    group.finish();
}

/// A thousand calls to a policy: mostly the mapping of calls to IAM actions and resources.
fn policies(criterion: &mut Criterion) {
    let names = [
        ("s3.amazonaws.com", "GetObject"),
        ("s3.amazonaws.com", "ListObjects"),
        ("dynamodb.amazonaws.com", "GetItem"),
        ("ec2.amazonaws.com", "DescribeInstances"),
        ("sqs.amazonaws.com", "ReceiveMessage"),
        ("kms.amazonaws.com", "Decrypt"),
    ];
    let requests: Vec<String> = (0..1_000)
        .map(|number| {
            format!(
                r#"{{"bucketName":"reports-{}","key":"part-{number}"}}"#,
                number % 7
            )
        })
        .collect();
    let calls: Vec<Call<'_>> = requests
        .iter()
        .zip(names.into_iter().cycle())
        .map(|(request, (event_source, event_name))| Call {
            event_source,
            event_name,
            region: "eu-central-1",
            account_id: ACCOUNT,
            request_parameters_json: Some(request),
            calls: 1,
            ..Call::default()
        })
        .collect();
    let mut group = criterion.benchmark_group("policy");
    group.throughput(Throughput::Elements(calls.len() as u64));
    group.bench_function("of 1,000 calls", |bencher| {
        bencher.iter_batched(
            || calls.clone(),
            |calls| policy(calls, Options::default()).unwrap(),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(hot, decoding, texts, user_agents, policies);
criterion_main!(hot);
