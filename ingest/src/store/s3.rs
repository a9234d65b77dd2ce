//! Stores in S3, and in what speaks its protocol.
//!
//! The commit protocol rests on conditional writes: a PUT with `If-None-Match: *` that fails where the
//! object exists. S3 has them since August 2024 (Amazon S3 user guide, "How to prevent object overwrites
//! with conditional writes"); a store that ignores the header must not be used.

mod credentials;
mod endpoint;

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, PutMode, RetryConfig};
use url::Url;

use self::credentials::KeptCredentials;
use self::endpoint::Endpoint;
use super::Store;
use crate::aws::{AwsOptions, CONNECT_TIMEOUT, FALLBACK_REGION, aws_config};
use crate::error::{Error, Result};

/// Longest wait for an answer with all its bytes.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Attempts of one request.
const RETRIES: usize = 8;

/// Longest time for all attempts of one request.
const RETRY_TIMEOUT: Duration = Duration::from_mins(3);

impl Store {
    /// Opens a store at `s3://bucket/prefix`. Nothing is asked of S3 yet. `clock` gives the time in
    /// microseconds since the epoch. The bucket is named in the host where that can work and
    /// `path_style` is not set, else in the path.
    ///
    /// # Errors
    /// [`Error::Location`] for a malformed location or endpoint, or where no credentials are configured.
    pub async fn s3(
        location: &str,
        aws: &AwsOptions,
        path_style: bool,
        clock: fn() -> i64,
    ) -> Result<Self> {
        let refuse = |reason: String| Error::Location {
            location: location.to_owned(),
            reason,
        };
        let mut url = Url::parse(location).map_err(|error| refuse(error.to_string()))?;
        let bucket = url.host_str().unwrap_or_default().to_owned();
        if url.scheme() != "s3" || bucket.is_empty() {
            return Err(refuse("give s3://bucket/prefix".to_owned()));
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        let config = aws_config(aws).await;
        let credentials = config
            .credentials_provider()
            .ok_or_else(|| refuse("no AWS credentials are configured".to_owned()))?;
        let region = config
            .region()
            .map_or(FALLBACK_REGION, |region| region.as_ref());
        let endpoint = Endpoint::new(config.endpoint_url(), &bucket, path_style).map_err(refuse)?;
        let client = ClientOptions::new()
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_timeout(TIMEOUT)
            .with_allow_http(
                endpoint
                    .url
                    .as_ref()
                    .is_some_and(|url| url.starts_with("http://")),
            );
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket)
            .with_region(region)
            .with_credentials(Arc::new(KeptCredentials::new(credentials, clock)))
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_virtual_hosted_style_request(endpoint.virtual_hosted)
            .with_client_options(client)
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: RETRIES,
                retry_timeout: RETRY_TIMEOUT,
            });
        if let Some(url) = endpoint.url {
            builder = builder.with_endpoint(url);
        }
        let objects = builder.build().map_err(|error| refuse(error.to_string()))?;
        Self::new(location, url, Arc::new(objects))
    }

    /// Makes sure that the store refuses to overwrite what exists, which the commit protocol rests on.
    ///
    /// # Errors
    /// [`Error::Location`] where it overwrites, [`Error::Store`] where it cannot be written.
    pub async fn check_conditional_writes(&self) -> Result<()> {
        let path = object_store::path::Path::from("_ingest/conditional-write-check");
        let failed = |source| Error::Store {
            what: format!("write {path}"),
            source,
        };
        for _ in 0..2 {
            let put = self
                .objects
                .put_opts(&path, Vec::new().into(), PutMode::Create.into())
                .await;
            match put {
                Ok(_) => {}
                Err(object_store::Error::AlreadyExists { .. }) => return Ok(()),
                Err(source) => return Err(failed(source)),
            }
        }
        Err(Error::Location {
            location: self.location.clone(),
            reason: "it overwrites what must not be overwritten (no conditional writes): events would be \
                     lost when two processes write"
                .to_owned(),
        })
    }
}
