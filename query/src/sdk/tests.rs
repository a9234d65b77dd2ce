use proptest::prelude::*;

use super::*;

/// User agent, name of the SDK, its version, version of the language.
const AGENTS: [(&str, &str, &str, Option<&str>); 25] = [
    (
        "Boto3/1.24.59 Python/3.8.18 Linux/5.10.210 exec-env/AWS_Lambda_python3.8 Botocore/1.27.59",
        "boto3",
        "1.24.59",
        Some("3.8.18"),
    ),
    (
        "Boto3/1.42.97 md/Botocore#1.42.97 ua/2.1 os/linux#5.10 md/arch#x86_64 lang/python#3.12.13 md/pyimpl#CPython m/Z,b,0 cfg/retry-mode#legacy Botocore/1.42.97",
        "boto3",
        "1.42.97",
        Some("3.12.13"),
    ),
    (
        "Botocore/1.31.17 Python/3.11.4 Linux/6.1",
        "botocore",
        "1.31.17",
        Some("3.11.4"),
    ),
    (
        "aiobotocore/2.13.0 md/Botocore#1.34.106 ua/2.0 lang/python#3.11.9",
        "botocore",
        "1.34.106",
        Some("3.11.9"),
    ),
    (
        "aws-cli/2.15.38 Python/3.11.8 Linux/5.10 exe/x86_64.amzn.2 prompt/off command/s3.ls",
        "aws-cli-v2",
        "2.15.38",
        Some("3.11.8"),
    ),
    (
        "aws-cli/2.36.32 md/awscrt#0.36.2 ua/2.1 os/linux#6.1 lang/python#3.13.2 m/b,E,n md/command#sts.get-caller-identity",
        "aws-cli-v2",
        "2.36.32",
        Some("3.13.2"),
    ),
    (
        "aws-cli/1.16.200 Python/2.7.18 Linux/4.14 botocore/1.12.190",
        "aws-cli-v1",
        "1.16.200",
        Some("2.7.18"),
    ),
    (
        "aws-sdk-go/1.44.322 (go1.19.12; linux; amd64)",
        "aws-sdk-go-v1",
        "1.44.322",
        Some("1.19.12"),
    ),
    (
        "karpenter.sh-v0.31.2 aws-sdk-go/1.45.15 (go1.21.3; linux; amd64)",
        "aws-sdk-go-v1",
        "1.45.15",
        Some("1.21.3"),
    ),
    (
        "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.5 md/GOOS#linux md/GOARCH#amd64 api/ecr#1.45.0 m/C,E",
        "aws-sdk-go-v2",
        "1.36.3",
        Some("1.24.5"),
    ),
    (
        "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.90.0 aws-sdk-go-v2/1.36.3 os/linux lang/go#1.23.6",
        "aws-sdk-go-v2",
        "1.36.3",
        Some("1.23.6"),
    ),
    (
        "aws-sdk-java/2.20.74 Linux/5.10 OpenJDK_64-Bit_Server_VM/17.0.10+7 Java/17.0.10 kotlin vendor/Eclipse_Adoptium io/sync http/Apache cfg/retry-mode/legacy",
        "aws-sdk-java-v2",
        "2.20.74",
        Some("17.0.10"),
    ),
    (
        "aws-sdk-java/2.31.1 md/io#sync ua/2.1 api/S3#2.31.1 os/Linux#6.1 lang/java#21.0.6 m/D,N,0",
        "aws-sdk-java-v2",
        "2.31.1",
        Some("21.0.6"),
    ),
    (
        "aws-sdk-java/2.20.160-SNAPSHOT Linux/5.10 Java/11.0.23",
        "aws-sdk-java-v2",
        "2.20.160",
        Some("11.0.23"),
    ),
    (
        "aws-sdk-java/1.12.500 Linux/5.10 OpenJDK_64-Bit_Server_VM/11.0.20+8 java/11.0.20 vendor/Amazon.com_Inc. cfg/retry-mode/legacy",
        "aws-sdk-java-v1",
        "1.12.500",
        Some("11.0.20"),
    ),
    (
        "aws-sdk-nodejs/2.802.0 linux/v14.15.1 callback",
        "aws-sdk-js-v2",
        "2.802.0",
        Some("14.15.1"),
    ),
    (
        "aws-sdk-js/3.360.0 ua/2.0 os/linux#5.10 lang/js md/nodejs#18.16.0 api/kms#3.360.0",
        "aws-sdk-js-v3",
        "3.360.0",
        Some("18.16.0"),
    ),
    (
        "aws-sdk-rust/1.3.14 os/linux lang/rust/1.94.1",
        "aws-sdk-rust",
        "1.3.14",
        Some("1.94.1"),
    ),
    (
        "aws-sdk-dotnet-coreclr/3.7.100.20 ua/2.0 os/linux lang/.NET_Core#6.0.25 md/aws-sdk-dotnet-core#3.7.302",
        "aws-sdk-dotnet",
        "3.7.100.20",
        Some("6.0.25"),
    ),
    (
        "aws-sdk-php/3.300.0 OS/Linux/5.10 lang/php/8.2.15 GuzzleHttp/7",
        "aws-sdk-php",
        "3.300.0",
        Some("8.2.15"),
    ),
    (
        "aws-sdk-ruby3/3.190.0 ua/2.0 api/s3#1.141.0 os/linux lang/ruby#3.2.2",
        "aws-sdk-ruby3",
        "3.190.0",
        Some("3.2.2"),
    ),
    (
        "aws-sdk-cpp/1.11.200 Linux/5.10 x86_64 GCC/7.3.1",
        "aws-sdk-cpp",
        "1.11.200",
        None,
    ),
    (
        "aws-sdk-kotlin/1.3.0 ua/2.0 api/s3#1.3.0 lang/kotlin#2.0.0",
        "aws-sdk-kotlin",
        "1.3.0",
        Some("2.0.0"),
    ),
    (
        "[aws-sdk-go-v2/1.30.1 os/linux lang/go#1.22.4 api/s3#1.58.0]",
        "aws-sdk-go-v2",
        "1.30.1",
        Some("1.22.4"),
    ),
    ("rusoto/0.47.0 rust/1.56.0 linux", "rusoto", "0.47.0", None),
];

#[test]
fn user_agents_name_their_sdk() {
    for (agent, name, version, language_version) in AGENTS {
        let sdk = identify(agent).unwrap_or_else(|| panic!("{agent}"));
        assert_eq!(sdk.name, name, "{agent}");
        assert_eq!(sdk.version, version, "{agent}");
        assert_eq!(sdk.language_version.as_deref(), language_version, "{agent}");
    }
    for agent in [
        "",
        "[]",
        "AWS Internal",
        "Go-http-client/1.1",
        "ec2.amazonaws.com",
        "aws-sdk-go",
        "aws-sdk-go/",
        "aws-sdk-go/new",
        "my-aws-sdk-go/1.0",
        "aws-sdk-java/3.0.0",
        "aws-internal/3 aws-sdk-java/1.12.500 Linux/5.10",
        "aws-fluent-bit-plugin",
    ] {
        assert_eq!(identify(agent), None, "{agent}");
    }
}

#[test]
fn codes_name_where_credentials_came_from() {
    use CredentialSource::{
        AssumeRole, Container, Env, Imds, Login, Process, Profile, WebIdentity,
    };
    for (agent, wanted) in [
        ("aws-sdk-go-v2/1.42.1 ua/2.1 m/0,E", vec![Imds]),
        ("aws-sdk-go-v2/1.42.1 ua/2.1 m/E,z", vec![Container]),
        ("Boto3/1.42.97 ua/2.1 m/Z,b,h,k,D", vec![WebIdentity]),
        ("Boto3/1.42.97 ua/2.1 m/i,z", vec![AssumeRole, Container]),
        (
            "aws-cli/2.36.32 ua/2.1 m/n,w,g",
            vec![Env, Profile, Process],
        ),
        ("[Boto3/1.42.97 m/AD]", vec![Login]),
        // Case counts: E is a retry mode, M a protocol, H an encryption client.
        ("Boto3/1.42.97 m/E,M,H,AP", vec![]),
        ("Boto3/1.24.59 Python/3.8.18 md/z m", vec![]),
        ("", vec![]),
    ] {
        let found: Vec<CredentialSource> = credential_sources(agent).into_iter().collect();
        let mut wanted = wanted;
        wanted.sort();
        assert_eq!(found, wanted, "{agent}");
    }
}

#[test]
fn versions_below_the_minimum_are_too_old() {
    use Binding::{Irsa, PodIdentity};
    // The first version that works, and one before.
    for (binding, agent, old, new) in [
        (Irsa, "Boto3/", "1.9.219", "1.9.220"),
        (PodIdentity, "Boto3/", "1.34.40", "1.34.41"),
        (PodIdentity, "Boto3/", "1.9.250", "1.100.0"),
        (Irsa, "Botocore/", "1.12.199", "1.12.200"),
        (PodIdentity, "md/Botocore#", "1.34.40", "1.34.41"),
        (Irsa, "aws-cli/", "1.16.231", "1.16.232"),
        (PodIdentity, "aws-cli/", "1.29.90", "1.30.0"),
        (PodIdentity, "aws-cli/", "2.14.6", "2.15.0"),
        (Irsa, "aws-sdk-java/", "2.10.10", "2.10.11"),
        (PodIdentity, "aws-sdk-java/", "2.21.29", "2.21.30"),
        (Irsa, "aws-sdk-java/", "1.11.703", "1.11.704"),
        (PodIdentity, "aws-sdk-java/", "1.12.745", "1.12.746"),
        (Irsa, "aws-sdk-go/", "1.23.12", "1.23.13"),
        (PodIdentity, "aws-sdk-go/", "1.47.10", "1.47.11"),
        (PodIdentity, "aws-sdk-go-v2/", "1.21.2", "1.22.2"),
        (Irsa, "aws-sdk-nodejs/", "2.524.0", "2.525.0"),
        (PodIdentity, "aws-sdk-nodejs/", "2.1549.0", "2.1550.0"),
        (Irsa, "aws-sdk-js/", "3.26.0", "3.27.0"),
        (PodIdentity, "aws-sdk-js/", "3.457.0", "3.458.0"),
        (Irsa, "aws-sdk-ruby3/", "3.57.9", "3.58.0"),
        (PodIdentity, "aws-sdk-ruby3/", "3.187.9", "3.188.0"),
        (Irsa, "aws-sdk-cpp/", "1.7.173", "1.7.174"),
        (PodIdentity, "aws-sdk-cpp/", "1.11.262", "1.11.263"),
        (PodIdentity, "aws-sdk-dotnet-coreclr/", "3.5.9.1", "3.7.0.1"),
        (Irsa, "aws-sdk-php/", "3.110.6", "3.110.7"),
        (PodIdentity, "aws-sdk-php/", "3.287.0", "3.287.1"),
        (PodIdentity, "aws-sdk-kotlin/", "1.0.0", "1.0.1"),
    ] {
        let found = too_old(&format!("{agent}{old} more"), binding);
        assert_eq!(
            found.as_ref().map(|found| found.version.as_str()),
            Some(old),
            "{agent}{old}"
        );
        assert_eq!(
            too_old(&format!("{agent}{new} more"), binding),
            None,
            "{agent}{new}"
        );
    }
    // Nothing is known, or all versions work.
    for agent in [
        "aws-sdk-go-v2/0.1.0",
        "aws-sdk-rust/0.1.0",
        "Go-http-client/1.1",
        "",
        "aws-cli/2.0.0",
    ] {
        assert_eq!(too_old(agent, Irsa), None, "{agent}");
    }
    assert_eq!(too_old("aws-sdk-rust/1.1.0", PodIdentity), None);
    let found = too_old("aws-sdk-go-v2/1.21.2 os/linux", PodIdentity).unwrap();
    assert_eq!(found.minimum, "release-2023-11-14");
    assert_eq!(found.sdk, "AWS SDK for Go v2");
}

#[test]
fn two_calls_of_one_program_look_alike() {
    for (one, other) in [
        (
            "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.5 md/GOOS#linux md/GOARCH#amd64 api/s3#1.79.0 m/C,E,0 ft/s3-transfer",
            "[aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.5 md/GOOS#linux md/GOARCH#amd64 api/dynamodb#1.42.1 m/E]",
        ),
        (
            "aws-cli/2.36.32 ua/2.1 os/linux#6.1 lang/python#3.13.2 m/b,n cfg/retry-mode#standard md/prompt#off md/command#s3.cp",
            "aws-cli/2.36.32 ua/2.1 os/linux#6.1 lang/python#3.13.2 cfg/retry-mode#adaptive md/prompt#on md/command#sts.get-caller-identity",
        ),
        (
            "aws-cli/2.15.38 Python/3.11.8 Linux/5.10 exe/x86_64.amzn.2 prompt/off command/s3.ls",
            "aws-cli/2.15.38 Python/3.11.8 Linux/5.10 exe/x86_64.amzn.2 prompt/off command/ec2.describe-instances",
        ),
        (
            "Boto3/1.42.97 md/Botocore#1.42.97 ua/2.1 lang/python#3.12.13 m/Z,b cfg/retry-mode#legacy Botocore/1.42.97 Resource",
            "Boto3/1.42.97 md/Botocore#1.42.97 ua/2.1 lang/python#3.12.13 m/D,0 cfg/retry-mode#legacy Botocore/1.42.97",
        ),
        (
            "aws-sdk-java/2.20.74 Linux/5.10 Java/17.0.10 io/sync http/Apache cfg/retry-mode/legacy",
            "aws-sdk-java/2.20.74 Linux/5.10 Java/17.0.10 io/async http/NettyNio cfg/retry-mode/legacy PAGINATED/2.20.74",
        ),
        (
            "aws-sdk-nodejs/2.802.0 linux/v14.15.1 promise",
            "aws-sdk-nodejs/2.802.0 linux/v14.15.1 callback",
        ),
        (
            "aws-sdk-js/3.360.0 ua/2.0 md/nodejs#18.16.0 api/kms#3.360.0 md/id#0da4a0bd-5a1f-4dbd-a0f6-93f2ff0e4a3c",
            "aws-sdk-js/3.360.0 ua/2.0 md/nodejs#18.16.0 api/s3#3.360.0",
        ),
    ] {
        assert_eq!(program(one), program(other));
        assert!(!program(one).is_empty());
    }
    for (one, other) in [
        (
            "aws-sdk-go/1.44.322 (go1.19.12; linux; amd64)",
            "aws-sdk-go/1.44.322 (go1.19.12; linux; arm64)",
        ),
        (
            "elbv2.k8s.aws/v2.4.5 aws-sdk-go/1.42.27",
            "elbv2.k8s.aws/v2.4.6 aws-sdk-go/1.42.27",
        ),
        ("Boto3/1.42.97 app/billing", "Boto3/1.42.97 app/orders"),
    ] {
        assert_ne!(program(one), program(other));
    }
    assert_eq!(program(""), "");
}

#[test]
fn a_malformed_text_is_refused_with_its_reason() {
    let good = "[[sdk]]\nname = \"s\"\ntitle = \"S\"\nlanguage = \"Go\"\ntokens = [\"s/\"]\nirsa = \"1.2\"\nsource = \"https://example.com\"\n";
    assert_eq!(parse("test.toml", good).unwrap().len(), 1);
    for (from, to, reason) in [
        ("title", "label", "unknown field `label`"),
        ("[\"s/\"]", "[]", "no tokens"),
        ("https", "ftp", "is no address"),
        ("irsa = \"1.2\"", "irsa = \"next\"", "cannot be compared"),
        (
            "irsa = \"1.2\"",
            "irsa_certain = \"1.2\"",
            "certain without a minimum",
        ),
    ] {
        let error = parse("test.toml", &good.replace(from, to))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("rules test.toml: "), "{error}");
        assert!(error.contains(reason), "{error}, expected {reason}");
    }
    assert!(built_in().unwrap().len() > 15);
}

proptest! {
    #[test]
    fn any_text_is_taken(agent in "\\PC{0,80}") {
        let _ = (identify(&agent), credential_sources(&agent));
        let _ = (too_old(&agent, Binding::Irsa), too_old(&agent, Binding::PodIdentity));
        let once = program(&agent);
        // Brackets that a client wrote itself are only taken off once.
        if !once.starts_with('[') {
            prop_assert_eq!(program(&once), once);
        }
    }

    #[test]
    fn versions_are_ordered(a in "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}", b in "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}") {
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        prop_assert_eq!(compare(&a, &a), Ordering::Equal);
    }
}
