use super::service::Service;
use super::{lines, object, options, read};
use crate::error::Error;
use crate::source::lookup::{Account, Lookup};
use crate::source::testing::config;

#[tokio::test]
async fn the_account_of_the_credentials_is_asked_for() {
    let service = Service::default();
    let server = service.start().await;
    let own = Account::own(&config(&server.url)).await.unwrap();
    assert_eq!(own.id(), "111122223333");
}

#[tokio::test]
async fn an_account_of_a_role_is_asked_with_the_credentials_of_the_role() {
    let service = Service::default();
    let server = service.start().await;
    service.fill(2, 1_795_327_200, 1);
    let role = "arn:aws:iam::444455556666:role/audit/podtrail";
    let account = Account::of_role(&config(&server.url), role, Some("shared"))
        .await
        .unwrap();
    assert_eq!(account.id(), "444455556666");
    let lookup = Lookup::new("eu-west-1", vec![account], options()).unwrap();
    let window = object("lookup://444455556666/eu-west-1/2026-11-22T06:00:00Z/PT1H");
    assert_eq!(lines(&read(&lookup, &window).await.unwrap()).len(), 2);
    let asked = service.asked();
    let signers: Vec<&str> = asked.iter().map(|asked| asked.signer.as_str()).collect();
    assert_eq!(signers, ["AKIAEXAMPLE000000001", "ASIAEXAMPLEASSUMED01"]);
    assert!(
        asked[0].body.contains("ExternalId=shared"),
        "{}",
        asked[0].body
    );
    assert!(
        asked[0].body.contains("RoleSessionName=podtrail"),
        "{}",
        asked[0].body
    );
}

#[tokio::test]
async fn what_is_no_role_is_refused_and_a_service_that_is_away_is_named() {
    let nowhere = config("http://127.0.0.1:1");
    let error = Account::of_role(&nowhere, "podtrail", None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    let error = Account::own(&nowhere).await.unwrap_err().to_string();
    assert!(
        error.starts_with("ask whose the credentials are: "),
        "{error}"
    );
}
