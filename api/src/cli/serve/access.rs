//! Who may use the service: tokens and an OIDC issuer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use podtrail_api::serve::access::Access;
use podtrail_api::serve::auth::{AuthError, Authenticator, Oidc, OidcConfig, Scope, Tokens};
use podtrail_ingest::Error;

#[derive(Debug, clap::Args)]
pub(crate) struct AccessArguments {
    /// File of the tokens that may be used, as podtrail token writes it: requests need one then
    #[arg(long, env = "PODTRAIL_TOKENS", value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Issuer of OIDC tokens that may be used, such as https://login.example.com
    #[arg(
        long,
        env = "PODTRAIL_OIDC_ISSUER",
        requires = "oidc_audience",
        value_name = "URL"
    )]
    oidc_issuer: Option<String>,
    /// Audience that an OIDC token must be for
    #[arg(
        long,
        env = "PODTRAIL_OIDC_AUDIENCE",
        value_delimiter = ',',
        requires = "oidc_issuer",
        value_name = "NAME"
    )]
    oidc_audience: Vec<String>,
    /// Claim of an OIDC token that lists groups
    #[arg(
        long,
        env = "PODTRAIL_OIDC_GROUPS_CLAIM",
        default_value = "groups",
        value_name = "CLAIM"
    )]
    oidc_groups_claim: String,
    /// What members of a group may, such as platform=sql
    #[arg(long = "oidc-group", env = "PODTRAIL_OIDC_GROUPS", value_delimiter = ',', value_parser = group, value_name = "GROUP=SCOPE")]
    oidc_groups: Vec<(String, Scope)>,
}

fn group(text: &str) -> Result<(String, Scope), String> {
    let (group, scope) = text
        .rsplit_once('=')
        .ok_or_else(|| "give GROUP=SCOPE, such as platform=sql".to_owned())?;
    let scope: Scope = scope.parse().map_err(|error| format!("{scope}: {error}"))?;
    Ok((group.to_owned(), scope))
}

impl AccessArguments {
    /// Gives how callers are told apart at some addresses.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for an address that others reach, without authentication, and for a token file or
    /// issuer that cannot be used.
    pub(crate) fn access(&self, listen: impl Iterator<Item = SocketAddr>) -> Result<Access, Error> {
        let refused = |error: AuthError| Error::InvalidInput(error.to_string());
        let tokens = self
            .tokens
            .as_ref()
            .map(|file| Tokens::load(file, Utc::now()))
            .transpose()
            .map_err(refused)?;
        let oidc = self
            .oidc_issuer
            .as_ref()
            .map(|issuer| {
                Oidc::new(OidcConfig {
                    issuer: issuer.clone(),
                    audience: self.oidc_audience.clone(),
                    groups_claim: self.oidc_groups_claim.clone(),
                    groups: self.oidc_groups.iter().cloned().collect::<BTreeMap<_, _>>(),
                })
            })
            .transpose()
            .map_err(refused)?;
        if tokens.is_some() || oidc.is_some() {
            return Ok(Access::Tokens(Arc::new(Authenticator::new(tokens, oidc))));
        }
        for address in listen {
            if !address.ip().is_loopback() {
                return Err(Error::InvalidInput(format!(
                    "{address} can be reached by others: name --tokens FILE (made by podtrail token create) or \
                     --oidc-issuer URL, or listen on a loopback address"
                )));
            }
        }
        Ok(Access::Loopback)
    }
}
