//! How AWS is reached, as options of the commands that do.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use podtrail_ingest::Error;
use podtrail_ingest::aws::{AwsOptions, aws_config};
use podtrail_ingest::digest::{ListPublicKeys, Vault};
use podtrail_ingest::source::s3::{Bucket, BucketVault, S3Options, public_keys};

use super::config::SourceConfig;

/// Credentials, region and endpoint. Without any, those of the AWS SDK's default chains.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "AWS")]
pub(crate) struct AwsArguments {
    /// Region of the bucket or queue; found out without it
    #[arg(long, env = "PODTRAIL_AWS_REGION", value_name = "REGION")]
    pub(crate) aws_region: Option<String>,
    /// Profile of the shared configuration files
    #[arg(long, env = "PODTRAIL_AWS_PROFILE", value_name = "NAME")]
    pub(crate) aws_profile: Option<String>,
    /// Role to assume
    #[arg(long, env = "PODTRAIL_ROLE_ARN", value_name = "ARN")]
    pub(crate) role_arn: Option<String>,
    /// External id that the role asks for
    #[arg(
        long,
        env = "PODTRAIL_EXTERNAL_ID",
        value_name = "ID",
        requires = "role_arn"
    )]
    pub(crate) external_id: Option<String>,
    /// Endpoint of a store that speaks S3, or of a simulator
    #[arg(long, env = "PODTRAIL_ENDPOINT_URL", value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// Bucket in the path rather than in the host name
    #[arg(long, env = "PODTRAIL_PATH_STYLE")]
    pub(crate) path_style: bool,
    /// Pay for requests to a requester-pays bucket
    #[arg(long, env = "PODTRAIL_REQUESTER_PAYS")]
    pub(crate) requester_pays: bool,
}

/// The time, in microseconds since the epoch.
pub(crate) fn clock() -> i64 {
    Utc::now().timestamp_micros()
}

/// Random bits, to spread attempts.
pub(crate) fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}

impl AwsArguments {
    /// What a configured source says, and these options for the rest.
    pub(crate) fn with(&self, source: &SourceConfig) -> Self {
        let own = |said: &Option<String>, option: &Option<String>| {
            said.clone().or_else(|| option.clone())
        };
        Self {
            aws_region: own(&source.aws_region, &self.aws_region),
            aws_profile: self.aws_profile.clone(),
            role_arn: own(&source.role_arn, &self.role_arn),
            external_id: own(&source.external_id, &self.external_id),
            endpoint_url: own(&source.endpoint_url, &self.endpoint_url),
            path_style: source.path_style.unwrap_or(self.path_style),
            requester_pays: source.requester_pays.unwrap_or(self.requester_pays),
        }
    }

    /// As the ingest crate takes them, with the credentials of the role where one is named.
    pub(crate) fn options(&self) -> AwsOptions {
        AwsOptions {
            role_arn: self.role_arn.clone(),
            external_id: self.external_id.clone(),
            ..self.own()
        }
    }

    /// Without the role.
    pub(crate) fn own(&self) -> AwsOptions {
        AwsOptions {
            region: self.aws_region.clone(),
            profile: self.aws_profile.clone(),
            endpoint: self.endpoint_url.clone(),
            ..AwsOptions::default()
        }
    }

    /// What of a trail in S3 is read, and how.
    pub(crate) fn s3(&self) -> S3Options {
        S3Options {
            aws: self.options(),
            path_style: self.path_style,
            requester_pays: self.requester_pays,
            ..S3Options::new(clock, random)
        }
    }

    /// A bucket as digests are verified in it, its name, and the prefix.
    pub(crate) async fn vault(
        &self,
        location: &str,
    ) -> anyhow::Result<(Arc<dyn Vault>, String, String)> {
        let rest = location.strip_prefix("s3://").unwrap_or(location);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Error::InvalidInput(format!("{location}: names no bucket")).into());
        }
        let opened = Arc::new(Bucket::connect(bucket, self.s3()).await?);
        let vault = BucketVault::new(opened);
        Ok((Arc::new(vault), bucket.to_owned(), prefix.to_owned()))
    }

    /// Asks CloudTrail for the public keys of a region and time.
    pub(crate) async fn public_keys(&self) -> ListPublicKeys {
        public_keys(aws_config(&self.options()).await)
    }
}

/// A window of time, accounts and regions, as options of the commands that read trails.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Selection {
    /// Earliest event: a time, a date, or a time ago like -7d
    #[arg(long, value_parser = super::time::moment, allow_hyphen_values = true, value_name = "TIME")]
    pub(crate) from: Option<DateTime<Utc>>,
    /// Latest event; a date is taken to its end
    #[arg(long, value_parser = super::time::end, allow_hyphen_values = true, value_name = "TIME")]
    pub(crate) to: Option<DateTime<Utc>>,
    /// Only these accounts
    #[arg(long = "account", value_delimiter = ',', value_name = "ID")]
    pub(crate) accounts: Vec<String>,
    /// Only these regions
    #[arg(long = "region", value_delimiter = ',', value_name = "REGION")]
    pub(crate) regions: Vec<String>,
}
