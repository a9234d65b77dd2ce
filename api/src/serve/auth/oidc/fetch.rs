//! Asks an issuer for its key set (OpenID Connect Discovery 1.0, section 4).

use std::error::Error;
use std::time::Duration;

use reqwest::{Client, StatusCode, redirect};
use serde::Deserialize;
use url::{Host, Url};

/// Most time of an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Most bytes of an answer.
const MOST_BYTES: usize = 1 << 20;

const MOST_REDIRECTS: usize = 3;

/// Fetches from one issuer.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: Client,
    discovery: Url,
}

/// What is used of the issuer's description of itself.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Fetcher {
    /// Prepares.
    ///
    /// # Errors
    /// What is wrong with the URL, or why there can be no TLS.
    pub(super) fn new(issuer: &str) -> Result<Self, String> {
        let base = trusted(issuer)?;
        if base.query().is_some() || base.fragment().is_some() {
            return Err("an issuer's URL has neither query nor fragment".to_owned());
        }
        let text = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let mut client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::custom(same_origin));
        if is_loopback(&base) {
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build().map_err(|error| causes(&error))?,
            discovery: trusted(&text)?,
        })
    }

    /// Fetches the issuer's own name, as its tokens have it, and the key set.
    ///
    /// # Errors
    /// What failed, at which URL.
    pub(super) async fn jwks(&self, issuer: &str) -> Result<(String, Vec<u8>), String> {
        let json = self.get(&self.discovery).await?;
        let found: Discovery = serde_json::from_slice(&json)
            .map_err(|error| format!("GET {}: {error}", self.discovery))?;
        // Section 4.3: otherwise one issuer could speak for another. With or without a slash at the end it has one
        // description, which tells which of the two its tokens have.
        if found.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err(format!("it calls itself {:.200}", found.issuer));
        }
        let url = trusted(&found.jwks_uri).map_err(|reason| format!("jwks_uri: {reason}"))?;
        let keys = self.get(&url).await?;
        Ok((found.issuer, keys))
    }

    async fn get(&self, url: &Url) -> Result<Vec<u8>, String> {
        let failed = |error: reqwest::Error| format!("GET {url}: {}", causes(&error.without_url()));
        let request = self.client.get(url.clone());
        let mut answer = request.send().await.map_err(failed)?;
        if answer.status() != StatusCode::OK {
            return Err(format!("GET {url}: answered {}", answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(format!("GET {url}: answered more than {MOST_BYTES} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// A URL that keys may come from: who can change them can be anybody.
fn trusted(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{text} is not a URL: {error}"))?;
    let local = url.scheme() == "http" && is_loopback(&url);
    if url.scheme() != "https" && !local {
        return Err(format!("{url} is not https"));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn same_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let first = attempt.previous().first();
    if first.is_none_or(|first| first.origin() != attempt.url().origin()) {
        return attempt.error("redirected to another host");
    }
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error("redirected too often");
    }
    attempt.follow()
}

/// An error with what caused it, which alone says what to do.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
