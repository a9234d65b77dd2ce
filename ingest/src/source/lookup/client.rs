//! One account in one region: pages of `LookupEvents`, paced and retried.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::Builder;
use aws_sdk_cloudtrail::config::retry::RetryConfig;
use aws_sdk_cloudtrail::config::timeout::TimeoutConfig;
use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsError;
use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsOutput;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};

use super::options::Options;
use super::pace::Pace;
use super::window::Subject;
use crate::source::backoff::Backoff;
use crate::source::refusal::{explain, is_passing, is_throttling};

/// Events of a page, the most that the API gives.
const PAGE: i32 = 50;

/// Time to connect.
const CONNECT: Duration = Duration::from_secs(10);

/// Time to wait for an answer.
const ANSWER: Duration = Duration::from_mins(1);

/// Longest wait before a request is made again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why a page could not be had.
#[derive(Debug)]
pub(super) enum PageError {
    /// Its token is not taken any more: begin with the first page.
    Token,
    /// No use to try again now.
    Failed(String),
}

/// One account in one region.
#[derive(Debug)]
pub(super) struct AccountClient {
    pub(super) account: String,
    sdk: Client,
    pace: Arc<Pace>,
    attempts: u32,
    backoff: Backoff,
}

impl AccountClient {
    pub(super) fn new(
        account: String,
        region: &str,
        config: &SdkConfig,
        options: &Options,
    ) -> Self {
        // Each attempt is paced, so that none is left to the SDK.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .read_timeout(ANSWER)
            .build();
        let config = Builder::from(config)
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .build();
        Self {
            sdk: Client::from_conf(config),
            pace: options.paces.of(&account, region),
            account,
            attempts: options.attempts.max(1),
            backoff: Backoff {
                pause: options.pause,
                longest: LONGEST_WAIT,
                random: options.random,
            },
        }
    }

    /// Asks for a page; the first one without a token.
    ///
    /// # Errors
    /// [`PageError`] after the last attempt, or at once where another would fail alike.
    pub(super) async fn page(
        &self,
        subject: &Subject,
        token: Option<&str>,
    ) -> Result<LookupEventsOutput, PageError> {
        let mut failed = 0;
        loop {
            self.pace.turn().await;
            let request = self.request(subject, token)?;
            let error = match request.send().await {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            let service_error = error.as_service_error();
            if token.is_some()
                && service_error.is_some_and(LookupEventsError::is_invalid_next_token_exception)
            {
                return Err(PageError::Token);
            }
            let reason = explain(&error, "cloudtrail:LookupEvents");
            if !is_passing(&error) {
                return Err(PageError::Failed(reason));
            }
            failed += 1;
            if failed >= self.attempts {
                return Err(PageError::Failed(format!(
                    "gave up after {failed} attempts in a row, the last: {reason}"
                )));
            }
            tracing::debug!(account = %self.account, %reason, "lookup tried again");
            let wait = self.backoff.wait(failed - 1);
            if is_throttling(&error) {
                // All who share the pace are too fast.
                self.pace.rest(wait);
            } else {
                tokio::time::sleep(wait).await;
            }
        }
    }

    fn request(&self, subject: &Subject, token: Option<&str>) -> Result<Request, PageError> {
        let request = self
            .sdk
            .lookup_events()
            .max_results(PAGE)
            .set_next_token(token.map(str::to_owned));
        match subject {
            Subject::Window(window) => Ok(request
                .start_time(DateTime::from_secs(window.start))
                // The end is taken in, and times are whole seconds.
                .end_time(DateTime::from_secs(window.end() - 1))),
            Subject::AccessKey(key) => {
                let attribute = LookupAttribute::builder()
                    .attribute_key(LookupAttributeKey::ResourceName)
                    .attribute_value(key)
                    .build()
                    .map_err(|error| PageError::Failed(error.to_string()))?;
                Ok(request.lookup_attributes(attribute))
            }
        }
    }
}

type Request = aws_sdk_cloudtrail::operation::lookup_events::builders::LookupEventsFluentBuilder;
