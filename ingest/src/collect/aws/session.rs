//! Credentials and regions.

use aws_config::identity::IdentityCache;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{Region, SdkConfig};
use aws_sdk_eks::config::SharedCredentialsProvider;
use aws_smithy_async::time::SystemTimeSource;

use super::{Account, Options};

/// Name of the session of an assumed role where none is configured.
const SESSION_NAME: &str = "podtrail";

/// Region in which a role is assumed and IAM is asked where no region is configured at all.
const FALLBACK_REGION: &str = "us-east-1";

/// A configuration for each region of an account. Nothing is asked yet: a role that cannot be assumed
/// fails the first call.
pub(super) async fn regions(
    base: &SdkConfig,
    account: &Account,
    options: &Options,
) -> Vec<SdkConfig> {
    let first = account.regions.first().cloned().map(Region::new);
    let fallback = || Region::from_static(FALLBACK_REGION);
    let region = first.or_else(|| base.region().cloned());
    let region = region.unwrap_or_else(fallback);
    let mut config = base.to_builder().region(region);
    if base.time_source().is_none() {
        // Assuming a role panics without one.
        config = config.time_source(SystemTimeSource::new());
    }
    let mut config = config.build();
    if let Some(role) = &account.role_arn {
        let name = match options.session_name.as_str() {
            "" => SESSION_NAME,
            name => name,
        };
        let mut assumed = AssumeRoleProvider::builder(role)
            .session_name(name)
            .configure(&config);
        if let Some(id) = &account.external_id {
            assumed = assumed.external_id(id);
        }
        let provider = SharedCredentialsProvider::new(assumed.build().await);
        // The cache of the base would answer with the credentials of the base.
        config = config
            .into_builder()
            .credentials_provider(provider)
            .identity_cache(IdentityCache::lazy().build())
            .build();
    }
    if account.regions.is_empty() {
        return vec![config];
    }
    let in_region = |region: &String| {
        let region = Region::new(region.clone());
        config.to_builder().region(region).build()
    };
    account.regions.iter().map(in_region).collect()
}
