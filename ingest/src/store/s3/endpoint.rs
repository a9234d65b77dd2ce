//! Whether requests name the bucket in the host or in the path.

use url::{Host, Url};

/// Where requests for one bucket go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The endpoint as the client wants it: with the bucket in the host where that names it. That of AWS
    /// without it.
    pub(super) url: Option<String>,
    /// Whether the host names the bucket.
    pub(super) virtual_hosted: bool,
}

impl Endpoint {
    /// Decides as the AWS SDKs do: the host names the bucket where that can work, and `path_style` does
    /// not say otherwise. A host that names it already stays as it is. Addresses and names without a dot, such as `localhost`, have no names below
    /// them.
    ///
    /// # Errors
    /// Why `endpoint` cannot be used.
    pub(super) fn new(
        endpoint: Option<&str>,
        bucket: &str,
        path_style: bool,
    ) -> Result<Self, String> {
        let in_host = !path_style && is_label(bucket);
        let Some(endpoint) = endpoint else {
            return Ok(Self {
                url: None,
                virtual_hosted: in_host,
            });
        };
        let refuse = |reason: &str| format!("endpoint {endpoint}: {reason}");
        let mut url = Url::parse(endpoint).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("give http://HOST or https://HOST"));
        }
        let domain = match url.host() {
            Some(Host::Domain(domain)) if domain.contains('.') => Some(domain.to_owned()),
            _ => None,
        };
        let domain = domain.filter(|_| in_host);
        let named = format!("{bucket}.");
        if let Some(domain) = domain.as_ref().filter(|domain| !domain.starts_with(&named)) {
            url.set_host(Some(&format!("{bucket}.{domain}")))
                .map_err(|error| refuse(&error.to_string()))?;
        }
        Ok(Self {
            url: Some(url.as_str().trim_end_matches('/').to_owned()),
            virtual_hosted: domain.is_some(),
        })
    }
}

/// Whether a bucket's name is one label of a host's name: certificates are for no more than that.
fn is_label(bucket: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = [bucket.bytes().next(), bucket.bytes().next_back()];
    (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|byte| plain(byte) || byte == b'-')
        && ends.into_iter().flatten().all(plain)
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn the_host_names_the_bucket_where_that_can_work() {
        for (endpoint, bucket, url, virtual_hosted) in [
            (None, "trails", None, true),
            (None, "my.trails", None, false),
            (
                Some("https://s3.example.com"),
                "trails",
                Some("https://trails.s3.example.com"),
                true,
            ),
            (
                Some("https://s3.example.com:9000/base/"),
                "trails",
                Some("https://trails.s3.example.com:9000/base"),
                true,
            ),
            // It names the bucket itself.
            (
                Some("https://trails.s3.example.com"),
                "trails",
                Some("https://trails.s3.example.com"),
                true,
            ),
            (
                Some("https://s3.example.com"),
                "my.trails",
                Some("https://s3.example.com"),
                false,
            ),
            (
                Some("https://s3.example.com/"),
                "Trails",
                Some("https://s3.example.com"),
                false,
            ),
            (
                Some("http://127.0.0.1:9000"),
                "trails",
                Some("http://127.0.0.1:9000"),
                false,
            ),
            (
                Some("http://[::1]:9000/"),
                "trails",
                Some("http://[::1]:9000"),
                false,
            ),
            (
                Some("http://minio:9000"),
                "trails",
                Some("http://minio:9000"),
                false,
            ),
        ] {
            let wanted = Endpoint {
                url: url.map(str::to_owned),
                virtual_hosted,
            };
            assert_eq!(Endpoint::new(endpoint, bucket, false), Ok(wanted));
            let path = Endpoint::new(endpoint, bucket, true).unwrap();
            assert!(!path.virtual_hosted, "{path:?}");
            assert_eq!(
                path.url.as_deref(),
                endpoint.map(|endpoint| endpoint.trim_end_matches('/'))
            );
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for endpoint in ["localhost:9000", "s3.example.com", "ftp://s3.example.com"] {
            let refused = Endpoint::new(Some(endpoint), "trails", false).unwrap_err();
            assert!(refused.contains(endpoint), "{refused}");
        }
    }
}
