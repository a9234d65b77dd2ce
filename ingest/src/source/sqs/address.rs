//! Where a queue is: its address, and what follows from it.

use url::Url;

use crate::error::{Error, Result};

/// A queue's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The queue's URL, as SQS gives it.
    pub url: String,
    /// The region, where the host names it.
    pub region: Option<String>,
    /// Where requests go, unless to the region's ordinary endpoint.
    pub endpoint: Option<String>,
}

impl Address {
    /// Reads `sqs://sqs.eu-west-1.amazonaws.com/111122223333/queue`, or the queue's own URL.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for anything else.
    pub fn parse(argument: &str) -> Result<Self> {
        let invalid = |reason: &str| {
            Error::InvalidInput(format!(
                "queue {}: {reason}; give the queue's URL, or the same with sqs:// in front",
                shown(argument)
            ))
        };
        let full = match argument.strip_prefix("sqs://") {
            Some(rest) => format!("https://{rest}"),
            None => argument.to_owned(),
        };
        let url = Url::parse(&full).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("no URL of a queue"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("holds a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("holds a query"));
        }
        let mut folders = url.path().split('/').filter(|part| !part.is_empty());
        if folders.clone().count() < 2 || folders.any(|part| part.contains('%')) {
            return Err(invalid("names no account and queue"));
        }
        let host = url.host_str().unwrap_or_default();
        let (region, ordinary) = region_of(host);
        Ok(Self {
            region,
            endpoint: (!ordinary).then(|| url.origin().ascii_serialization()),
            url: url.to_string(),
        })
    }
}

/// The region in a host's name, and whether the host is the region's ordinary endpoint.
/// <https://docs.aws.amazon.com/general/latest/gr/sqs-service.html>
fn region_of(host: &str) -> (Option<String>, bool) {
    let of_aws = host.contains(".amazonaws.") || host.ends_with(".api.aws");
    if !of_aws {
        return (None, false);
    }
    let labels: Vec<&str> = host.split('.').collect();
    match labels.as_slice() {
        // The oldest form, which names no region.
        ["queue", "amazonaws", "com"] => (Some("us-east-1".to_owned()), true),
        [region, "queue", "amazonaws", ..] | ["sqs", region, "amazonaws", ..] => {
            (Some((*region).to_owned()), true)
        }
        _ => {
            let service = labels.iter().position(|label| label.starts_with("sqs"));
            let region = service.and_then(|at| labels.get(at + 1));
            (region.map(|region| (*region).to_owned()), false)
        }
    }
}

/// An argument without what may be a password.
fn shown(argument: &str) -> &str {
    argument.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_gives_url_region_and_endpoint() {
        let cases = [
            (
                "sqs://sqs.eu-west-1.amazonaws.com/111122223333/trail",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/trail",
                Some("eu-west-1"),
                None,
            ),
            (
                "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/trail",
                "https://sqs.cn-north-1.amazonaws.com.cn/111122223333/trail",
                Some("cn-north-1"),
                None,
            ),
            (
                "https://eu-west-1.queue.amazonaws.com/111122223333/trail",
                "https://eu-west-1.queue.amazonaws.com/111122223333/trail",
                Some("eu-west-1"),
                None,
            ),
            (
                "https://queue.amazonaws.com/111122223333/trail",
                "https://queue.amazonaws.com/111122223333/trail",
                Some("us-east-1"),
                None,
            ),
            (
                "https://sqs-fips.us-gov-west-1.amazonaws.com/111122223333/trail",
                "https://sqs-fips.us-gov-west-1.amazonaws.com/111122223333/trail",
                Some("us-gov-west-1"),
                Some("https://sqs-fips.us-gov-west-1.amazonaws.com"),
            ),
            (
                "https://sqs.eu-west-1.api.aws/111122223333/trail",
                "https://sqs.eu-west-1.api.aws/111122223333/trail",
                Some("eu-west-1"),
                Some("https://sqs.eu-west-1.api.aws"),
            ),
            (
                "https://vpce-0a1b-c.sqs.eu-west-1.vpce.amazonaws.com/111122223333/trail",
                "https://vpce-0a1b-c.sqs.eu-west-1.vpce.amazonaws.com/111122223333/trail",
                Some("eu-west-1"),
                Some("https://vpce-0a1b-c.sqs.eu-west-1.vpce.amazonaws.com"),
            ),
            (
                "http://127.0.0.1:5000/111122223333/trail.fifo",
                "http://127.0.0.1:5000/111122223333/trail.fifo",
                None,
                Some("http://127.0.0.1:5000"),
            ),
        ];
        for (argument, url, region, endpoint) in cases {
            let address = Address::parse(argument).unwrap();
            assert_eq!(address.url, url);
            assert_eq!(address.region.as_deref(), region, "{argument}");
            assert_eq!(address.endpoint.as_deref(), endpoint, "{argument}");
        }
    }

    #[test]
    fn what_is_no_queue_is_refused_without_its_password() {
        let cases = [
            ("s3://bucket/prefix", "no URL of a queue"),
            ("sqs://trail", "names no account and queue"),
            (
                "https://sqs.eu-west-1.amazonaws.com/",
                "names no account and queue",
            ),
            (
                "https://me:hunter2@sqs.eu-west-1.amazonaws.com/1/q",
                "user name",
            ),
            ("https://sqs.eu-west-1.amazonaws.com/1/q?Action=x", "query"),
            ("trail", "relative URL"),
        ];
        for (argument, reason) in cases {
            let error = Address::parse(argument).unwrap_err().to_string();
            assert!(error.contains(reason), "{argument}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
