//! Accounts whose events are looked up.

use aws_config::SdkConfig;

use crate::aws::{SESSION_NAME, assumed};
use crate::error::{Error, Result};
use crate::source::refusal::explain;

/// An account and the credentials to ask it with.
#[derive(Debug, Clone)]
pub struct Account {
    pub(super) id: String,
    pub(super) config: SdkConfig,
}

impl Account {
    /// The account of the credentials themselves, by `sts:GetCallerIdentity`, which needs no permission.
    ///
    /// # Errors
    /// [`Error::Aws`] where there are no credentials, or they are not valid.
    pub async fn own(config: &SdkConfig) -> Result<Self> {
        let failed = |reason| Error::Aws {
            what: "ask whose the credentials are".to_owned(),
            reason,
        };
        let answer = aws_sdk_sts::Client::new(config)
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| failed(explain(&error, "sts:GetCallerIdentity")))?;
        let id = answer
            .account()
            .ok_or_else(|| failed("the answer names no account".to_owned()))?;
        Ok(Self {
            id: id.to_owned(),
            config: config.clone(),
        })
    }

    /// The account of a role, which is assumed when the first request is made: the credentials need
    /// `sts:AssumeRole` on it, and it must trust them.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] where `role_arn` is no ARN of a role.
    pub async fn of_role(
        config: &SdkConfig,
        role_arn: &str,
        external_id: Option<&str>,
    ) -> Result<Self> {
        let id = account_of(role_arn).ok_or_else(|| {
            Error::InvalidInput(format!(
                "role {role_arn}: give an ARN like arn:aws:iam::111122223333:role/podtrail"
            ))
        })?;
        if config.time_source().is_none() {
            // Without one the provider panics. One that is loaded from the environment has one.
            let reason = format!("role {role_arn}: the configuration has no clock");
            return Err(Error::InvalidInput(reason));
        }
        let config = assumed(config, role_arn, external_id, SESSION_NAME).await;
        Ok(Self {
            id: id.to_owned(),
            config,
        })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// The account in a role's ARN.
fn account_of(role_arn: &str) -> Option<&str> {
    let parts: Vec<&str> = role_arn.splitn(6, ':').collect();
    let ["arn", _, "iam", "", account, role] = parts.as_slice() else {
        return None;
    };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_role = role
        .strip_prefix("role/")
        .is_some_and(|name| !name.is_empty());
    (is_account && is_role).then_some(*account)
}

#[cfg(test)]
mod tests {
    use super::account_of;

    #[test]
    fn a_role_names_its_account() {
        let cases = [
            (
                "arn:aws:iam::111122223333:role/podtrail",
                Some("111122223333"),
            ),
            (
                "arn:aws-cn:iam::444455556666:role/audit/podtrail",
                Some("444455556666"),
            ),
            ("arn:aws:iam::111122223333:user/podtrail", None),
            ("arn:aws:iam::111122223333:role/", None),
            ("arn:aws:sts::111122223333:assumed-role/podtrail/me", None),
            ("arn:aws:iam::1111:role/podtrail", None),
            ("podtrail", None),
        ];
        for (arn, account) in cases {
            assert_eq!(account_of(arn), account, "{arn}");
        }
    }
}
