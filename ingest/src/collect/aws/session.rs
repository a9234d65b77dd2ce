//! Credentials and regions.

use aws_config::{Region, SdkConfig};
use aws_smithy_async::time::SystemTimeSource;

use super::{Account, Options};
use crate::aws::{FALLBACK_REGION, SESSION_NAME, assumed};

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
        config = assumed(&config, role, account.external_id.as_deref(), name).await;
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
