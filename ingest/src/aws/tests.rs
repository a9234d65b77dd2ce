use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;

use super::*;
use crate::source::s3::tests::proxy::{Fault, Proxy};

const ROLE: &str = "arn:aws:iam::444455556666:role/trail-reader";

fn options() -> AwsOptions {
    let own = Credentials::new("AKIAI44QH8DHBEXAMPLE", "not-a-secret", None, None, "test");
    AwsOptions {
        region: Some("eu-west-1".to_owned()),
        credentials: Some(SharedCredentialsProvider::new(own)),
        ..AwsOptions::default()
    }
}

#[tokio::test]
async fn what_is_given_is_used() {
    let mut options = options();
    options.endpoint = Some("http://127.0.0.1:9".to_owned());
    let config = aws_config(&options).await;
    assert_eq!(config.region().map(AsRef::as_ref), Some("eu-west-1"));
    assert_eq!(config.endpoint_url(), Some("http://127.0.0.1:9"));
    let timeouts = config.timeout_config().unwrap();
    assert_eq!(timeouts.connect_timeout(), Some(CONNECT_TIMEOUT));
    assert_eq!(timeouts.operation_timeout(), Some(OPERATION_TIMEOUT));
    assert_eq!(config.retry_config().unwrap().max_attempts(), ATTEMPTS);
    assert_eq!(config.app_name().unwrap().to_string(), SESSION_NAME);
    let provider = config.credentials_provider().unwrap();
    let credentials = provider.provide_credentials().await.unwrap();
    assert_eq!(credentials.access_key_id(), "AKIAI44QH8DHBEXAMPLE");
}

/// An answer of STS in the shape that its API reference gives.
fn assumed() -> Fault {
    let body = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROAEXAMPLEROLE:podtrail</AssumedRoleId><Arn>arn:aws:sts::444455556666:assumed-role/trail-reader/podtrail</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>not-a-secret-either</SecretAccessKey><SessionToken>a-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    let headers = vec![("content-type", "text/xml".to_owned())];
    Fault::Answer(200, headers, body.to_owned())
}

#[tokio::test]
async fn a_role_is_assumed_with_its_external_id_and_our_name() {
    let proxy = Proxy::start("http://127.0.0.1:9").await;
    proxy.breaks("POST*", 1, assumed());
    let mut options = options();
    options.endpoint = Some(proxy.endpoint.clone());
    options.role_arn = Some(ROLE.to_owned());
    options.external_id = Some("shared-with-us".to_owned());
    let config = aws_config(&options).await;
    assert_eq!(
        proxy.log(),
        Vec::<String>::new(),
        "nothing is asked before it is needed"
    );
    let provider = config.credentials_provider().unwrap();
    let credentials = provider.provide_credentials().await.unwrap();
    assert_eq!(credentials.access_key_id(), "ASIAIOSFODNN7EXAMPLE");
    let log = proxy.log();
    assert_eq!(log.len(), 1, "{log:?}");
    for part in [
        "Action=AssumeRole",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A444455556666%3Arole%2Ftrail-reader",
        "RoleSessionName=podtrail",
        "ExternalId=shared-with-us",
    ] {
        assert!(log[0].contains(part), "{} without {part}", log[0]);
    }
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_is_told_with_what_it_needs() {
    let proxy = Proxy::start("http://127.0.0.1:9").await;
    let message = "User: arn:aws:iam::111122223333:user/reader is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/trail-reader";
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    proxy.breaks("POST*", usize::MAX, Fault::Answer(403, Vec::new(), body));
    let mut s3 = crate::source::s3::tests::server::options(&proxy.endpoint);
    s3.aws.endpoint = Some(proxy.endpoint.clone());
    s3.aws.role_arn = Some(ROLE.to_owned());
    s3.aws.region = None;
    let opened = crate::source::s3::S3Trail::connect("s3://trail", s3).await;
    let error = opened.unwrap_err().to_string();
    for part in [
        "bucket trail",
        "AccessDenied",
        "sts:AssumeRole",
        "trust policy",
    ] {
        assert!(error.contains(part), "{error} without {part}");
    }
    assert_eq!(proxy.log().len(), 1, "a refusal is not tried again");
}
