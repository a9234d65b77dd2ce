use arrow::array::AsArray;

use super::*;

/// Role that an AssumeRole asks for.
const ROLE: &str = "arn:aws:iam::111122223333:role/team/reports";
const GO_V1: &str = "aws-sdk-go/1.44.322 (go1.19.12; linux; amd64)";
const GO_V2: &str = "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.5 md/GOOS#linux md/GOARCH#amd64 api/ecr#1.45.0 m/C,E";

fn built_in() -> NodeAgentRules {
    NodeAgentRules::built_in().unwrap()
}

/// Rule, then a call that it must be the first to fit: event source, event name, user agent, and of an
/// AssumeRole the session name asked for and the role.
const CALLS: [(&str, &str, &str, &str, &str); 17] = [
    (
        "eks-pod-identity-agent",
        "eks-auth.amazonaws.com",
        "AssumeRoleForPodIdentity",
        "aws-sdk-go-v2/1.21.2 os/linux lang/go#1.19.13",
        "",
    ),
    (
        "kube2iam",
        "sts.amazonaws.com",
        "AssumeRole",
        GO_V1,
        "8e228500-reports",
    ),
    (
        "kiam",
        "sts.amazonaws.com",
        "AssumeRole",
        GO_V1,
        "kiam-kiam",
    ),
    (
        "kubelet-authentication",
        "sts.amazonaws.com",
        "GetCallerIdentity",
        "Go-http-client/1.1",
        "",
    ),
    (
        "vpc-cni",
        "ec2.amazonaws.com",
        "AssignPrivateIpAddresses",
        "amazon-vpc-cni-k8s/version/v1.15.4 aws-sdk-go/1.47.0 (go1.21.3; linux; amd64)",
        "",
    ),
    (
        "image-pull",
        "ecr.amazonaws.com",
        "BatchGetImage",
        "AWS Internal",
        "",
    ),
    (
        "ecr-credential-provider",
        "ecr.amazonaws.com",
        "GetAuthorizationToken",
        GO_V2,
        "",
    ),
    (
        "ecr-public-credential-provider",
        "ecr-public.amazonaws.com",
        "GetAuthorizationToken",
        GO_V2,
        "",
    ),
    (
        "ssm-agent",
        "ssm.amazonaws.com",
        "UpdateInstanceInformation",
        "aws-sdk-go/1.44.260 (go1.20.12; linux; amd64) amazon-ssm-agent/",
        "",
    ),
    (
        "nodeadm",
        "ec2.amazonaws.com",
        "DescribeInstances",
        GO_V2,
        "",
    ),
    (
        "nodeadm-describe-cluster",
        "eks.amazonaws.com",
        "DescribeCluster",
        "aws-cli/2.15.38 Python/3.11.8",
        "",
    ),
    (
        "aws-load-balancer-controller",
        "elasticloadbalancing.amazonaws.com",
        "DescribeLoadBalancers",
        "elbv2.k8s.aws/v2.4.5 aws-sdk-go/1.42.27 (go1.19.3; linux; amd64)",
        "",
    ),
    (
        "cluster-autoscaler",
        "autoscaling.amazonaws.com",
        "DescribeAutoScalingGroups",
        "aws-sdk-go/1.44.241 (go1.20; linux; amd64) cluster-autoscaler/1.27.2",
        "",
    ),
    (
        "karpenter",
        "ec2.amazonaws.com",
        "DescribeInstanceTypes",
        "aws-sdk-go/1.45.15 (go1.21.3; linux; amd64) karpenter.sh-v0.31.2",
        "",
    ),
    (
        "ebs-csi-driver",
        "ec2.amazonaws.com",
        "CreateVolume",
        "aws-sdk-go-v2/1.24.1 os/linux lang/go#1.21.5 md/GOOS#linux md/GOARCH#amd64 exec-env/aws-ebs-csi-driver-v1.28.0 api/ec2#1.143.0",
        "",
    ),
    (
        "cloudwatch-agent",
        "logs.amazonaws.com",
        "CreateLogStream",
        "CWAgent/1.300031.0 (go1.21.5; linux; amd64) aws-sdk-go/1.48.6",
        "",
    ),
    (
        "fluent-bit",
        "logs.amazonaws.com",
        "CreateLogStream",
        "aws-fluent-bit-plugin-k8s",
        "",
    ),
];

fn find<'a>(rules: &'a NodeAgentRules, call: &(&str, &str, &str, &str, &str)) -> Option<&'a str> {
    let (_, source, name, agent, session) = call;
    rules.find(
        Some(source),
        Some(name),
        Some(agent),
        Some(session),
        Some(ROLE),
    )
}

#[test]
fn every_rule_is_the_first_to_fit_some_call() {
    let rules = built_in();
    for call in &CALLS {
        assert_eq!(find(&rules, call), Some(call.0));
    }
    let mut named: Vec<&str> = rules.rules.iter().map(|rule| rule.name.as_str()).collect();
    let mut tried: Vec<&str> = CALLS.iter().map(|call| call.0).collect();
    named.sort_unstable();
    tried.sort_unstable();
    assert_eq!(named, tried, "each rule once, and a call for each");
}

#[test]
fn a_pods_calls_fit_no_rule() {
    let rules = built_in();
    for call in [
        ("", "s3.amazonaws.com", "ListBuckets", GO_V1, ""),
        ("", "ecr.amazonaws.com", "PutImage", "AWS Internal", ""),
        (
            "",
            "ecr.amazonaws.com",
            "GetAuthorizationToken",
            "aws-cli/2.15.38 Python/3.11.8",
            "",
        ),
        (
            "",
            "ecr.amazonaws.com",
            "BatchGetImage",
            "Boto3/1.34.60 Botocore/1.34.60",
            "",
        ),
        ("", "sts.amazonaws.com", "GetCallerIdentity", GO_V1, ""),
        ("", "sts.amazonaws.com", "AssumeRole", GO_V1, "worker"),
        (
            "",
            "sts.amazonaws.com",
            "AssumeRole",
            GO_V1,
            "8e228500-6ee5-4069-ae5d-741cbb99692a",
        ),
        (
            "",
            "ec2.amazonaws.com",
            "DescribeInstances",
            "aws-cli/2.15.38 Python/3.11.8",
            "",
        ),
        ("", "route53.amazonaws.com", "ListHostedZones", GO_V2, ""),
        ("", "", "", "", ""),
    ] {
        assert_eq!(find(&rules, &call), None, "{call:?}");
    }
    assert_eq!(rules.find(None, None, None, None, None), None);
}

#[test]
fn every_rule_has_a_source_and_becomes_a_row() {
    let rules = built_in();
    for rule in &rules.rules {
        assert!(rule.source.starts_with("https://"), "{}", rule.name);
        assert!(!rule.component.is_empty(), "{}", rule.name);
    }
    let rows = rules.rows().unwrap();
    assert_eq!(rows.num_rows(), rules.rules.len());
    let names = rows.column_by_name("name").unwrap().as_string::<i32>();
    for (row, rule) in rules.rules.iter().enumerate() {
        assert_eq!(names.value(row), rule.name);
    }
}

fn rule(name: &str, members: &str) -> String {
    format!(
        "[[rule]]\nname = \"{name}\"\ncomponent = \"c\"\nactor = \"node_agent\"\nconfidence = \"exact\"\nsource = \"https://example.com\"\n{members}\n"
    )
}

#[test]
fn the_first_rule_that_fits_decides() {
    let text = rule(
        "narrow",
        "event_source = \"s3.amazonaws.com\"\nevent_names = [\"ListBuckets\"]",
    ) + &rule("wide", "event_source = \"s3.amazonaws.com\"")
        + &rule("any", "");
    let rules = NodeAgentRules::parse("test.toml", &text).unwrap();
    let find = |source, name| rules.find(Some(source), Some(name), None, None, None);
    assert_eq!(find("s3.amazonaws.com", "ListBuckets"), Some("narrow"));
    assert_eq!(find("s3.amazonaws.com", "GetBucketAcl"), Some("wide"));
    assert_eq!(find("ec2.amazonaws.com", "ListBuckets"), Some("any"));
}

#[test]
fn a_malformed_text_is_refused_with_its_reason() {
    let good = rule("r", "");
    let table = [
        ("not toml at all".to_owned(), "expected"),
        ("[[rule]]\nname = \"r\"\n".to_owned(), "missing field"),
        (rule("r", "colour = \"red\""), "unknown field `colour`"),
        (
            good.replace("node_agent", "nobody"),
            "rule r: actor nobody is none of node_agent, workload",
        ),
        (
            good.replace("\"exact\"", "\"sure\""),
            "rule r: confidence sure is none of exact, inferred",
        ),
        (
            rule("r", "pattern = \"lunch\""),
            "rule r: pattern lunch is none of boot, pull",
        ),
        (
            rule("r", "session_name_pattern = \"(\""),
            "rule r: regex parse error",
        ),
        (rule("r", "") + &rule("r", ""), "rule r: stands twice"),
    ];
    for (text, reason) in table {
        let error = NodeAgentRules::parse("test.toml", &text)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("rules test.toml: "), "{error}");
        assert!(error.contains(reason), "{error}, expected {reason}");
    }
}

#[test]
fn bare_go_sdks() {
    for bare in [
        GO_V1,
        GO_V2,
        "aws-sdk-go-v2/1.21.2 os/linux lang/go#1.19.13 md/GOOS#linux md/GOARCH#amd64 api/ecr#1.20.0",
        "aws-sdk-go-v2/1.42.1 ua/2.1 os/linux lang/go#1.24.5 md/GOOS#linux md/GOARCH#arm64 api/ec2#1.200.0 m/0,E",
    ] {
        assert!(is_bare_go_sdk(bare), "{bare}");
    }
    for other in [
        "aws-sdk-go/1.44.260 (go1.20.12; linux; amd64) amazon-ssm-agent/",
        "aws-sdk-go/1.45.15 (go1.21.3; linux; amd64) karpenter.sh-v0.31.2",
        "aws-sdk-go/1.44.322 (go1.19.12; linux; amd64) exec-env/AWS_Lambda_go1.x (more)",
        "aws-sdk-go/1.44.322",
        "elbv2.k8s.aws/v2.4.5 aws-sdk-go/1.42.27 (go1.19.3; linux; amd64)",
        "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.5 md/GOOS#linux md/GOARCH#amd64 api/elasticloadbalancingv2#1.45.0 elbv2.k8s.aws/v2.13.4 m/C,E",
        "aws-sdk-go-v2/1.24.1 os/linux exec-env/aws-ebs-csi-driver-v1.28.0 api/ec2#1.143.0",
        "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux app/billing api/ec2#1.143.0",
        "Boto3/1.24.59 Python/3.8.18 Linux/5.10 Botocore/1.27.59",
        "Boto3/1.42.97 md/Botocore#1.42.97 ua/2.1 os/linux#5.10 md/arch#x86_64 lang/python#3.12.13 m/Z,b,D,C Botocore/1.42.97",
        "aws-cli/2.15.38 Python/3.11.8 Linux/5.10 exe/x86_64.amzn.2 prompt/off command/s3.ls",
        "aws-cli/2.36.32 md/awscrt#0.36.2 ua/2.1 os/linux md/command#sts.get-caller-identity",
        "aws-sdk-java/2.20.74 Linux/5.10 OpenJDK_64-Bit_Server_VM/17.0.10+7 Java/17.0.10 io/sync http/Apache cfg/retry-mode/legacy",
        "aws-sdk-nodejs/2.802.0 linux/v14.15.1 promise",
        "aws-sdk-js/3.360.0 ua/2.0 os/linux#5.10 lang/js md/nodejs#18.16.0 api/kms#3.360.0",
        "aws-sdk-rust/1.3.14 os/linux lang/rust/1.94.1",
        "aws-sdk-dotnet-coreclr/3.7.100 ua/2.0 os/linux lang/.NET_Core#6.0",
        "aws-sdk-php/3.300.0 os/linux",
        "aws-sdk-ruby3/3.190.0 ua/2.0 lang/ruby#3.2.2",
        "aws-sdk-cpp/1.11.200 Linux/5.10 x86_64 GCC/7.3.1",
        "Go-http-client/1.1",
        "AWS Internal",
        "aws-fluent-bit-plugin",
        "",
    ] {
        assert!(!is_bare_go_sdk(other), "{other}");
    }
}
