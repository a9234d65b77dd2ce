//! How AWS is reached: credentials, region, endpoint, timeouts and retries, the same for every
//! service.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;

/// Longest wait for a TCP and TLS connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest wait for the answer to one request.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest wait for an operation with all its attempts.
pub const OPERATION_TIMEOUT: Duration = Duration::from_mins(1);

/// Attempts that the SDK makes of an operation.
pub const ATTEMPTS: u32 = 5;

/// Longest pause between two attempts that the SDK makes.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Session name of an assumed role, and application name in user agents: what CloudTrail then shows
/// of podtrail itself.
pub const SESSION_NAME: &str = "podtrail";

/// Region asked where none is known and any will do: the one that every account of the partition
/// `aws` can use.
pub const FALLBACK_REGION: &str = "us-east-1";

/// How to reach AWS. The default is the SDK's default chains: credentials from the environment, the
/// profile, a web identity token (IRSA), the container endpoint (Pod Identity, ECS), then the
/// instance's metadata service.
#[derive(Debug, Clone, Default)]
pub struct AwsOptions {
    /// Region; else that of the environment, the profile or the instance.
    pub region: Option<String>,
    /// Profile of the shared configuration files; else `AWS_PROFILE` or `default`.
    pub profile: Option<String>,
    /// Endpoint of every service, for stores and simulators that speak the protocols of AWS; else that
    /// of the environment or of AWS.
    pub endpoint: Option<String>,
    /// Role to assume with the credentials found.
    pub role_arn: Option<String>,
    /// External id that the role's trust policy asks for.
    pub external_id: Option<String>,
    /// Credentials to use in place of the default chain.
    pub credentials: Option<SharedCredentialsProvider>,
}

/// Loads the configuration that all clients of AWS services are made with. Nothing is asked of the
/// network but what the default chains ask (the instance's metadata, for a region); credentials are
/// fetched by the first request, and again when they expire.
pub async fn aws_config(options: &AwsOptions) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_max_backoff(LONGEST_PAUSE);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(retries);
    if let Ok(name) = AppName::new(SESSION_NAME) {
        loader = loader.app_name(name);
    }
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoint) = &options.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(credentials) = &options.credentials {
        loader = loader.credentials_provider(credentials.clone());
    }
    // Its state is large, and would be part of every caller's.
    let config = Box::pin(loader.load()).await;
    match &options.role_arn {
        Some(role) => assumed(&config, role, options.external_id.as_deref(), SESSION_NAME).await,
        None => config,
    }
}

/// The causes of an error in one line, each once: layers repeat what is below them.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// The same configuration with the credentials of a role, which is assumed when they are first needed.
pub(crate) async fn assumed(
    config: &SdkConfig,
    role: &str,
    external_id: Option<&str>,
    session_name: &str,
) -> SdkConfig {
    let region = config
        .region()
        .cloned()
        .unwrap_or_else(|| Region::from_static(FALLBACK_REGION));
    let mut provider = AssumeRoleProvider::builder(role)
        .session_name(session_name)
        .region(region)
        .configure(config);
    if let Some(external_id) = external_id {
        provider = provider.external_id(external_id);
    }
    let provider = SharedCredentialsProvider::new(Box::pin(provider.build()).await);
    config
        .clone()
        .into_builder()
        .credentials_provider(provider)
        // That of the base could answer with the credentials of the base.
        .identity_cache(IdentityCache::lazy().build())
        .build()
}

#[cfg(test)]
mod tests;
