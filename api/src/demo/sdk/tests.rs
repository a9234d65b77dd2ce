use super::*;

fn codes(agent: &str) -> Vec<&str> {
    agent
        .split(' ')
        .find_map(|token| token.strip_prefix("m/"))
        .map(|codes| codes.split(',').collect())
        .unwrap_or_default()
}

#[test]
fn the_code_tells_where_credentials_came_from() {
    for sdk in [
        Sdk::Cli,
        Sdk::Boto3,
        Sdk::Go2(""),
        Sdk::Js3,
        Sdk::Java2,
        Sdk::Rust,
    ] {
        assert!(
            codes(&sdk.agent(Source::Imds, "s3", "s3.ls")).contains(&"0"),
            "{sdk:?}"
        );
        assert!(
            codes(&sdk.agent(Source::Container, "s3", "s3.ls")).contains(&"z"),
            "{sdk:?}"
        );
        assert!(
            codes(&sdk.agent(Source::WebIdentity, "s3", "s3.ls")).contains(&"h"),
            "{sdk:?}"
        );
        assert!(
            !sdk.agent(Source::Imds, "s3", "s3.ls").contains("  "),
            "{sdk:?}"
        );
    }
}

#[test]
fn old_sdks_tell_nothing() {
    for sdk in [Sdk::Boto3Old, Sdk::Go1(""), Sdk::Java1] {
        let imds = sdk.agent(Source::Imds, "s3", "s3.ls");
        assert_eq!(imds, sdk.agent(Source::WebIdentity, "s3", "s3.ls"));
        assert!(!imds.contains("  "), "{imds}");
    }
}

#[test]
fn session_names_carry_their_time() {
    let mut rng = Rng::new(3);
    assert_eq!(Sdk::Go2("").session_name(1_782_467_664, &mut rng).len(), 19);
    let name = Sdk::Boto3.session_name(1_782_467_664, &mut rng);
    assert_eq!(name, "botocore-session-1782467664");
    let name = Sdk::Java2.session_name(1_782_467_664, &mut rng);
    assert!(
        name.starts_with("aws-sdk-java-1782467664") && name.len() == 26,
        "{name}"
    );
}
