//! Tokens of an OIDC issuer: JWTs, checked with the keys that the issuer publishes.

mod claims;
mod fetch;
mod keys;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tracing::{debug, error, info};

use super::{AuthError, Denied, MOST_CREDENTIAL_BYTES, Principal, Scope};
use fetch::Fetcher;
use keys::{Key, Keys};

/// How old keys may become while the issuer is there.
const REFRESH_EVERY: TimeDelta = TimeDelta::hours(1);

/// How often the issuer is asked, at most, whatever callers send.
const ASK_EVERY: TimeDelta = TimeDelta::seconds(60);

/// How often it is asked, at most, as long as it never answered.
const FIRST_ASK_EVERY: TimeDelta = TimeDelta::seconds(10);

/// An issuer, and what its groups may do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// The issuer's URL, as its tokens have it in `iss`; a slash at the end may be missing or too much.
    pub issuer: String,
    /// The values of `aud` that mean podtrail.
    pub audience: Vec<String>,
    /// The claim that has the groups: a name, or a path such as `realm_access.roles`.
    #[serde(default = "default_groups_claim")]
    pub groups_claim: String,
    /// What the members of a group may do. Other groups mean nothing.
    pub groups: BTreeMap<String, Scope>,
}

fn default_groups_claim() -> String {
    "groups".to_owned()
}

/// Checks the tokens of one issuer.
///
/// Its keys are asked for with the first token, every hour, and for a token of a key that is not
/// known. While the issuer is not reached, the keys it gave last stay in force.
#[derive(Debug, Clone)]
pub struct Oidc(Arc<Issuer>);

#[derive(Debug)]
struct Issuer {
    config: OidcConfig,
    fetcher: Fetcher,
    state: RwLock<State>,
    /// Held while the issuer is asked.
    asking: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    keys: Keys,
    /// What the issuer calls itself.
    issuer: String,
    /// When the issuer last gave its keys.
    fetched: Option<DateTime<Utc>>,
    /// When it was last asked.
    asked: Option<DateTime<Utc>>,
    problem: Option<String>,
}

impl Oidc {
    /// Prepares; the issuer is not asked yet.
    ///
    /// # Errors
    /// [`AuthError::InvalidInput`] for a configuration by which nobody could be let in, or keys
    /// would come over plain HTTP from another machine.
    pub fn new(config: OidcConfig) -> Result<Self, AuthError> {
        let refused = |reason: &str| {
            let text = format!("OIDC issuer {}: {reason}", config.issuer);
            Err(AuthError::InvalidInput(text))
        };
        if config.audience.is_empty() {
            return refused("no audience is given");
        }
        if config.groups.is_empty() {
            return refused("no group is given a scope");
        }
        let fetcher = match Fetcher::new(&config.issuer) {
            Ok(fetcher) => fetcher,
            Err(reason) => return refused(&reason),
        };
        Ok(Self(Arc::new(Issuer {
            config,
            fetcher,
            state: RwLock::default(),
            asking: Mutex::default(),
        })))
    }

    /// Tells whose token it is.
    ///
    /// # Errors
    /// [`Denied::Unavailable`] where the token's key is not known and the issuer is not reached.
    pub async fn authenticate(
        &self,
        credential: &str,
        now: DateTime<Utc>,
    ) -> Result<Principal, Denied> {
        if credential.len() > MOST_CREDENTIAL_BYTES {
            return Err(Denied::Malformed);
        }
        // Fails for `none` and other algorithms that are not known.
        let header = decode_header(credential).map_err(|_| Denied::Malformed)?;
        // RFC 7515, section 4.1.11: what is critical and not understood is refused.
        if !keys::ALLOWED.contains(&header.alg) || header.crit.is_some() {
            return Err(Denied::Malformed);
        }
        let key = self.key(header.kid.as_deref(), header.alg, now).await?;
        let validation = self.0.validation(header.alg);
        let token =
            decode(credential, &key.decoding, &validation).map_err(|error| refused(&error))?;
        claims::principal(&self.0.config, &token.claims, now)
    }

    /// Why the issuer's keys are not up to date.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.0.state().problem.clone()
    }

    async fn key(
        &self,
        kid: Option<&str>,
        alg: Algorithm,
        now: DateTime<Utc>,
    ) -> Result<Arc<Key>, Denied> {
        let found = self.0.state().keys.find(kid, alg);
        if let Some(key) = found {
            if self.0.is_stale(now) {
                // Nobody waits: this key will do.
                drop(self.refresh(now));
            }
            return Ok(key);
        }
        if let Err(error) = self.refresh(now).await {
            error!(%error, "the issuer was not asked for its keys");
        }
        let state = self.0.state();
        let found = state.keys.find(kid, alg);
        found.ok_or_else(|| match &state.problem {
            Some(problem) => Denied::Unavailable(problem.clone()),
            None => Denied::Unknown,
        })
    }

    /// Asks for the keys in a task of its own: a caller who goes away must not end it, or callers
    /// who always do could keep a new key from ever being seen.
    fn refresh(&self, now: DateTime<Utc>) -> JoinHandle<()> {
        let issuer = Arc::clone(&self.0);
        tokio::spawn(async move { issuer.refresh(now).await })
    }
}

impl Issuer {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stale(&self, now: DateTime<Utc>) -> bool {
        let fetched = self.state().fetched;
        fetched.is_none_or(|fetched| passed(fetched, now, REFRESH_EVERY)) && self.may_ask(now)
    }

    fn may_ask(&self, now: DateTime<Utc>) -> bool {
        let state = self.state();
        let pause = match state.fetched {
            Some(_) => ASK_EVERY,
            None => FIRST_ASK_EVERY,
        };
        state.asked.is_none_or(|asked| passed(asked, now, pause))
    }

    /// Asks for the keys, if it is time to.
    async fn refresh(&self, now: DateTime<Utc>) {
        // Who waits here finds what the one before has fetched, and may not ask again.
        let _asking = self.asking.lock().await;
        if !self.may_ask(now) {
            return;
        }
        self.state_mut().asked = Some(now);
        let fetched = self.fetch().await;
        let issuer = &self.config.issuer;
        let mut state = self.state_mut();
        match fetched {
            Ok((name, keys)) => {
                info!(issuer, keys = keys.len(), "keys of the issuer read");
                (state.issuer, state.keys) = (name, keys);
                state.fetched = Some(now);
                state.problem = None;
            }
            Err(reason) => {
                error!(issuer, error = %reason, "the last good keys of the issuer stay in force");
                state.problem = Some(format!("OIDC issuer {issuer}: {reason}"));
            }
        }
    }

    async fn fetch(&self) -> Result<(String, Keys), String> {
        let (name, keys) = self.fetcher.jwks(&self.config.issuer).await?;
        let keys = Keys::parse(&keys)?;
        if keys.len() == 0 {
            return Err(
                "its key set has no key that podtrail can check signatures with".to_owned(),
            );
        }
        Ok((name, keys))
    }

    /// What the library checks: signature, issuer and audience. It would compare times with the
    /// system's clock, so that these are left to [`claims::principal`].
    fn validation(&self, alg: Algorithm) -> Validation {
        let mut validation = Validation::new(alg);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_issuer(&[&self.state().issuer]);
        validation.set_audience(&self.config.audience);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation
    }
}

/// Tells whether `pause` lies between the two, in whichever order: a clock may be set back.
fn passed(since: DateTime<Utc>, now: DateTime<Utc>, pause: TimeDelta) -> bool {
    now.signed_duration_since(since).abs() >= pause
}

fn refused(error: &jsonwebtoken::errors::Error) -> Denied {
    match error.kind() {
        ErrorKind::InvalidSignature | ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => {
            // For who sets up an issuer. Other messages could quote the token.
            debug!(%error, "token refused");
            Denied::Unknown
        }
        _ => Denied::Malformed,
    }
}

#[cfg(test)]
mod tests;
