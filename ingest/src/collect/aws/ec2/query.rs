//! One signed call of EC2's query API.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_eks::error::{ErrorMetadata, ProvideErrorMetadata, SdkError};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

/// Version of the API.
const VERSION: &str = "2016-11-15";

/// How the members of a request are written.
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for one attempt to answer.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Statuses that a later attempt may not meet: 503 is EC2's throttling.
const TRANSIENT: &[u16] = &[429, 500, 502, 503, 504];

/// A refusal by the service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .meta.message().unwrap_or("refused"))]
pub(in super::super) struct Refusal {
    meta: ErrorMetadata,
}

impl Refusal {
    fn new(text: &str) -> Self {
        let (code, message) = super::xml::refusal(text);
        Self {
            meta: ErrorMetadata::builder().code(code).message(message).build(),
        }
    }

    /// An answer that is not what the API promises.
    pub(super) fn malformed(what: &str) -> SdkError<Self> {
        SdkError::construction_failure(format!("malformed answer: {what}"))
    }
}

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.meta
    }
}

/// What every call of a region shares.
pub(super) struct Query<'a> {
    config: &'a SdkConfig,
    clock: fn() -> i64,
}

impl<'a> Query<'a> {
    pub(super) const fn new(config: &'a SdkConfig, clock: fn() -> i64) -> Self {
        Self { config, clock }
    }

    /// The XML text of an answer.
    pub(super) async fn call(
        &self,
        action: &str,
        members: &[(String, String)],
    ) -> Result<String, SdkError<Refusal>> {
        let region = self.config.region().map_or("us-east-1", AsRef::as_ref);
        let endpoint = match self.config.endpoint_url() {
            Some(url) => url.to_owned(),
            None => endpoint(region, self.config.use_fips() == Some(true)),
        };
        let body = form(action, members);
        let request = self.signed(&endpoint, region, &body).await;
        let request = request.map_err(SdkError::construction_failure)?;
        self.operation(&endpoint).invoke(request).await
    }

    async fn signed(&self, endpoint: &str, region: &str, body: &str) -> Result<Signed, BoxError> {
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or("no credentials are configured")?;
        let identity = provider.provide_credentials().await?.into();
        let now = u64::try_from((self.clock)()).unwrap_or_default();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("ec2")
            .time(SystemTime::UNIX_EPOCH + Duration::from_micros(now))
            .settings(SigningSettings::default())
            .build()?
            .into();
        let url = format!("{}/", endpoint.trim_end_matches('/'));
        let headers = [("content-type", FORM)];
        let payload = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new("POST", &url, headers.into_iter(), payload)?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        let signature = instructions.headers();
        let signature = signature.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Signed {
            headers: signature.collect(),
            body: body.to_owned(),
        })
    }

    fn operation(&self, endpoint: &str) -> Operation<Signed, String, Refusal> {
        let mut builder = Operation::builder()
            .service_name("EC2")
            .operation_name("DescribeInstances")
            .with_connection_poisoning()
            .endpoint_url(endpoint)
            // Signed already: the signature outlives all attempts.
            .no_auth()
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .read_timeout(READ_TIMEOUT)
                    .build(),
            );
        if let Some(client) = self.config.http_client() {
            builder = builder.http_client(client);
        }
        if let Some(time) = self.config.time_source() {
            builder = builder.time_source(time);
        }
        if let Some(sleep) = self.config.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        let retry = self.config.retry_config().cloned();
        builder
            .standard_retry(&retry.unwrap_or_else(RetryConfig::standard))
            .retry_classifier(TransientErrorClassifier::<Refusal>::new())
            .retry_classifier(HttpStatusCodeClassifier::new_from_codes(TRANSIENT))
            .serializer(request)
            .deserializer(answer)
            .build()
    }
}

/// A signed request.
struct Signed {
    headers: Vec<(String, String)>,
    body: String,
}

impl std::fmt::Debug for Signed {
    /// Without the signature and the session token.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Signed")
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

fn request(signed: Signed) -> Result<HttpRequest, BoxError> {
    let mut request = http::Request::post("/").header(http::header::CONTENT_TYPE, FORM);
    for (name, value) in signed.headers {
        request = request.header(name, value);
    }
    let request = request.body(SdkBody::from(signed.body))?;
    Ok(HttpRequest::try_from(request)?)
}

fn answer(response: &HttpResponse) -> Result<String, OrchestratorError<Refusal>> {
    let bytes = response.body().bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(bytes).into_owned();
    if response.status().is_success() {
        Ok(text)
    } else {
        Err(OrchestratorError::operation(Refusal::new(&text)))
    }
}

/// The endpoint of a region. Source: AWS General Reference, Amazon EC2 endpoints; suffixes of the
/// partitions as in the SDKs' partition data.
fn endpoint(region: &str, fips: bool) -> String {
    let suffix = [
        ("cn-", "amazonaws.com.cn"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("us-iso-", "c2s.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
        ("eusc-", "amazonaws.eu"),
    ];
    let suffix = suffix
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("amazonaws.com", |(_, suffix)| suffix);
    let service = if fips { "ec2-fips" } else { "ec2" };
    format!("https://{service}.{region}.{suffix}")
}

fn form(action: &str, members: &[(String, String)]) -> String {
    let mut out = format!("Action={action}&Version={VERSION}");
    for (name, value) in members {
        out.push('&');
        out.push_str(name);
        out.push('=');
        out.push_str(&crate::percent::encoded(value));
    }
    out
}

#[cfg(test)]
mod tests;
