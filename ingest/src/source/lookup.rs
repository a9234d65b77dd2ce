//! `LookupEvents`: the management events of the last 90 days of accounts in a region, without a trail.
//!
//! An object is a window of time of one account. It is taken as complete, and is read once only, where
//! it ended longer ago than [`Options::settled_after`]; a younger one has the time of its listing as its
//! etag and is read again by the next run. Events that are read twice are told apart by their ids.
//!
//! `LookupEvents` allows two requests a second per account and region, and throttles with HTTP status
//! 400; all readers share one pace. Requests go out one after the other, 50 events each, so that 100
//! events a second are read at best: for a busy account, ingest the bucket of its trail.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>
//!
//! With [`Lookup::of_access_keys`], an object is an access key instead, and holds the record that issued
//! it. The attribute that finds it is `ResourceName`: the record of an `AssumeRole` lists the key that it
//! issued among its resources, as an `AWS::IAM::AccessKey`. The attribute `AccessKeyId` does not: it is
//! the key that signed a request.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Event.html>
//!
//! IAM action: `cloudtrail:LookupEvents`, and `sts:AssumeRole` where roles are named.

mod account;
mod body;
mod client;
mod options;
mod pace;
mod window;

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;

pub use account::Account;
pub use options::Options;
pub use pace::{INTERVAL, Paces};

use self::client::{AccountClient, PageError};
use self::window::{Subject, Window, instant};
use super::{ObjectRef, Source};
use crate::error::{Error, Result};
use crate::hash::short;

/// Days that `LookupEvents` reaches back.
pub const REACH_DAYS: i64 = 90;

/// Etag of a window that is complete.
const SETTLED: &str = "settled";

/// Bytes of a window, of which nothing is known before it is read. Batches are cut by it: the windows of
/// a busy account take minutes each, and what a batch has read is lost with its process.
const GUESSED_SIZE: u64 = 8 << 20;

const MICROS: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// Events of accounts in one region.
#[derive(Debug)]
pub struct Lookup {
    id: String,
    location: String,
    region: String,
    accounts: Vec<Arc<AccountClient>>,
    access_keys: Option<Vec<String>>,
    options: Options,
}

impl Lookup {
    /// Looks up all events of the accounts between `options.from` and `options.to`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a region that is none, no account, one account twice, a window that
    /// does not divide a day, or an empty time.
    pub fn new(region: &str, accounts: Vec<Account>, options: Options) -> Result<Self> {
        check(region, &accounts, &options)?;
        let ids: Vec<&str> = accounts.iter().map(Account::id).collect();
        let id = match ids.as_slice() {
            [one] => format!("lookup-{region}-{one}"),
            all => format!("lookup-{region}-{}", short(&all.join(","))),
        };
        let accounts = accounts
            .into_iter()
            .map(|account| AccountClient::new(account.id, region, &account.config, &options))
            .map(Arc::new)
            .collect();
        Ok(Self {
            id,
            location: format!("lookup://{region}"),
            region: region.to_owned(),
            accounts,
            access_keys: None,
            options,
        })
    }

    /// Tells whether a text has the form of an access key id: LookupEvents takes no other. Anonymised trails have others.
    #[must_use]
    pub fn is_access_key_id(text: &str) -> bool {
        window::access_key(text).is_some()
    }

    /// Looks up the records that issued access keys, in place of all events. A key that was issued by the
    /// global endpoint of STS is found in `us-east-1`, another in the region where it was asked for.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for what is no access key id.
    pub fn of_access_keys(mut self, access_keys: Vec<String>) -> Result<Self> {
        if let Some(bad) = access_keys
            .iter()
            .find(|key| window::access_key(key).is_none())
        {
            return Err(not_a_key(bad));
        }
        self.id = format!("{}-keys", self.id);
        self.access_keys = Some(access_keys);
        Ok(self)
    }

    /// The records that issued an access key, as JSON texts: none where no account has one. A role that
    /// is assumed across accounts is recorded in both.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for what is no access key id, [`Error::Aws`] where a request fails.
    pub async fn issuing_record(&self, access_key_id: &str) -> Result<Vec<String>> {
        let key = window::access_key(access_key_id).ok_or_else(|| not_a_key(access_key_id))?;
        let subject = Subject::AccessKey(key.to_owned());
        let mut records = Vec::new();
        for client in &self.accounts {
            let failed = |reason| Error::Aws {
                what: format!("look up {}", self.name(client, &subject)),
                reason,
            };
            let mut token: Option<String> = None;
            loop {
                let page = match client.page(&subject, token.as_deref()).await {
                    Ok(page) => page,
                    Err(PageError::Failed(reason)) => return Err(failed(reason)),
                    Err(PageError::Token) => {
                        return Err(failed("its page token is not taken any more".to_owned()));
                    }
                };
                let events = page.events.unwrap_or_default();
                let texts = events
                    .into_iter()
                    .filter_map(|event| event.cloud_trail_event);
                records.extend(texts.filter(|text| issues(text, key)));
                match page.next_token {
                    Some(next) if records.is_empty() && Some(&next) != token.as_ref() => {
                        token = Some(next);
                    }
                    _ => break,
                }
            }
        }
        Ok(records)
    }

    fn name(&self, client: &AccountClient, subject: &Subject) -> String {
        window::name(&client.account, &self.region, subject)
    }

    /// The windows of an account, and what is out of reach.
    fn windows(&self, client: &AccountClient, now: i64) -> Vec<Result<ObjectRef>> {
        let length = i64::try_from(self.options.window.as_secs()).unwrap_or(DAY);
        let default_from = now - i64::from(self.options.default_days) * DAY;
        let from = self.options.from.map_or(default_from, seconds);
        // A part of a second is a part of what was asked for.
        let to = self
            .options
            .to
            .map_or(now, |to| seconds(to.saturating_add(MICROS - 1)));
        // The first windows must still be in reach when they are read.
        let reach = (now - REACH_DAYS * DAY).div_euclid(length) * length + 2 * length;
        let mut objects = Vec::new();
        if from < reach {
            objects.push(Err(Error::Aws {
                what: format!(
                    "look up {} in {} from {} to {}",
                    client.account,
                    self.region,
                    instant(from),
                    instant(reach.min(to))
                ),
                reason: format!(
                    "LookupEvents reaches back {REACH_DAYS} days; ingest the bucket of a trail for \
                     what is older"
                ),
            }));
        }
        let windows = window::windows(from.max(reach), to.min(now + 1), self.options.window);
        objects.extend(windows.map(|window| Ok(self.object(client, window, now))));
        objects
    }

    fn object(&self, client: &AccountClient, window: Window, now: i64) -> ObjectRef {
        let after = i64::try_from(self.options.settled_after.as_secs()).unwrap_or(i64::MAX);
        let is_settled = window.end().saturating_add(after) <= now;
        ObjectRef {
            key: self.name(client, &Subject::Window(window)),
            etag: if is_settled {
                SETTLED.to_owned()
            } else {
                instant(now)
            },
            size: GUESSED_SIZE,
        }
    }
}

#[async_trait]
impl Source for Lookup {
    fn id(&self) -> &str {
        &self.id
    }

    fn location(&self) -> &str {
        &self.location
    }

    fn list(&self) -> BoxStream<'static, Result<ObjectRef>> {
        let now = seconds((self.options.clock)());
        let mut objects = Vec::new();
        for client in &self.accounts {
            match &self.access_keys {
                None => objects.extend(self.windows(client, now)),
                Some(keys) => objects.extend(keys.iter().map(|key| {
                    Ok(ObjectRef {
                        key: self.name(client, &Subject::AccessKey(key.clone())),
                        etag: instant(now),
                        size: GUESSED_SIZE,
                    })
                })),
            }
        }
        futures::stream::iter(objects).boxed()
    }

    /// Begins to ask for an object. The reader blocks its thread while it waits, and fails where not all
    /// pages could be had.
    async fn read(&self, object: &ObjectRef) -> io::Result<Box<dyn io::Read + Send>> {
        let asked = window::parse(&object.key).filter(|(_, region, _)| *region == self.region);
        let Some((account, _, mut subject)) = asked else {
            return Err(unknown(object, "no object of this lookup"));
        };
        if let Subject::Window(window) = &mut subject {
            // Nothing is asked of the future. The same for all pages, as a token is good for the same
            // question only.
            let now = seconds((self.options.clock)());
            window.seconds = window
                .seconds
                .min(now.saturating_sub(window.start) + 1)
                .max(1);
        }
        let client = self
            .accounts
            .iter()
            .find(|client| client.account == account);
        let Some(client) = client else {
            return Err(unknown(object, "its account is not looked up"));
        };
        let name = object.key.clone();
        let pages = body::open(client, subject, name, self.options.restarts);
        Ok(Box::new(pages))
    }
}

fn check(region: &str, accounts: &[Account], options: &Options) -> Result<()> {
    let invalid = |reason: &str| Err(Error::InvalidInput(format!("lookup://{region}: {reason}")));
    let is_region = region.contains('-')
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_region {
        return invalid("give a region like eu-west-1");
    }
    if accounts.is_empty() {
        return invalid("no account to look up");
    }
    for (index, account) in accounts.iter().enumerate() {
        if accounts[..index].iter().any(|other| other.id == account.id) {
            return invalid(&format!("account {} is named twice", account.id));
        }
    }
    let length = options.window.as_secs();
    if length == 0
        || options.window.subsec_nanos() > 0
        || !DAY.unsigned_abs().is_multiple_of(length)
    {
        return invalid("a window must divide a day into whole seconds");
    }
    if let (Some(from), Some(to)) = (options.from, options.to)
        && from >= to
    {
        return invalid("the end of the time is not after its beginning");
    }
    Ok(())
}

fn not_a_key(text: &str) -> Error {
    Error::InvalidInput(format!("{text}: give an access key id, like ASIA…"))
}

fn unknown(object: &ObjectRef, reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{}: {reason}", object.key))
}

fn seconds(micros: i64) -> i64 {
    micros.div_euclid(MICROS)
}

/// True where the record issued the access key, and not only names it.
fn issues(record: &str, access_key_id: &str) -> bool {
    let Ok(record) = serde_json::from_str::<Value>(record) else {
        return false;
    };
    let issued = record.pointer("/responseElements/credentials/accessKeyId");
    issued.and_then(Value::as_str) == Some(access_key_id)
}

#[cfg(test)]
mod tests;
