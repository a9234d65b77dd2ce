//! Where CloudTrail puts logs and digests, and what their names tell.
//!
//! `[prefix/]AWSLogs/[o-organisation/]account/CloudTrail[-Digest]/region/year/month/day/file`; see
//! "CloudTrail digest file structure" and "Finding your CloudTrail log files" in the CloudTrail
//! user guide.

use std::io;

use chrono::{Datelike, NaiveDate, NaiveDateTime};
use futures::{StreamExt, TryStreamExt};

use super::vault::Vault;

/// The folder that all of CloudTrail's keys have.
const ROOT: &str = "AWSLogs/";

/// The folder of digests in the folder of an account.
pub(super) const DIGESTS: &str = "CloudTrail-Digest/";

/// The folder of logs in the folder of an account.
pub(super) const LOGS: &str = "CloudTrail/";

/// How all files end.
const SUFFIX: &str = ".json.gz";

/// How a digest ends that lists logs which the digest of their hour left out.
const BACKFILL: &str = "_backfill";

/// Digits of an account id.
const ACCOUNT_DIGITS: usize = 12;

/// How deep below the given prefix `AWSLogs/` is looked for.
const SEARCH_DEPTH: usize = 4;

/// Most folders looked into for `AWSLogs/`.
const SEARCH_FOLDERS: usize = 1_000;

/// Accounts whose regions are listed at a time.
const LIST_AT_A_TIME: usize = 8;

/// The folders of one account in one region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane {
    /// The folder of the account.
    pub(super) base: String,
    pub(super) account: String,
    pub(super) region: String,
}

impl Lane {
    pub(super) fn digests(&self) -> String {
        format!("{}{DIGESTS}{}/", self.base, self.region)
    }

    pub(super) fn logs(&self) -> String {
        format!("{}{LOGS}{}/", self.base, self.region)
    }

    /// The folder of the logs of one day.
    pub(super) fn logs_of(&self, day: NaiveDate) -> String {
        format!("{}{}/", self.logs(), day.format("%Y/%m/%d"))
    }
}

/// What the key of a digest tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DigestName {
    pub(super) lane: Lane,
    pub(super) trail: String,
    pub(super) home_region: String,
    /// End of the time it covers, in microseconds.
    pub(super) end: i64,
    pub(super) day: NaiveDate,
    pub(super) backfill: bool,
}

impl DigestName {
    /// Reads a key; `None` where it is not that of a digest.
    pub(super) fn parse(key: &str) -> Option<Self> {
        let (folder, file) = key.rsplit_once('/')?;
        let (folder, day) = split_day(folder)?;
        let (folder, region) = folder.rsplit_once('/')?;
        let base = folder.strip_suffix(DIGESTS.strip_suffix('/')?)?;
        let account = base.strip_suffix('/')?.rsplit('/').next()?;
        let name = file
            .strip_prefix(account)?
            .strip_prefix("_CloudTrail-Digest_")?
            .strip_prefix(region)?
            .strip_prefix('_')?
            .strip_suffix(SUFFIX)?;
        let (name, backfill) = match name.strip_suffix(BACKFILL) {
            Some(name) => (name, true),
            None => (name, false),
        };
        // A trail's name may contain the separator, a region's may not.
        let (name, end) = name.rsplit_once('_')?;
        let (trail, home_region) = name.rsplit_once('_')?;
        let end = NaiveDateTime::parse_from_str(end, "%Y%m%dT%H%M%SZ").ok()?;
        if !is_account(account) || trail.is_empty() || end.date() != day {
            return None;
        }
        Some(Self {
            lane: Lane {
                base: base.to_owned(),
                account: account.to_owned(),
                region: region.to_owned(),
            },
            trail: trail.to_owned(),
            home_region: home_region.to_owned(),
            end: end.and_utc().timestamp_micros(),
            day,
            backfill,
        })
    }

    pub(super) fn same_chain(&self, other: &Self) -> bool {
        self.lane.account == other.lane.account
            && self.lane.region == other.lane.region
            && self.trail == other.trail
            && self.home_region == other.home_region
            && self.backfill == other.backfill
    }
}

/// The time in the name of a log file, in microseconds: when it was delivered, in steps of five
/// minutes. `None` where the key is not one that CloudTrail gives to a log file.
pub(super) fn log_time(lane: &Lane, key: &str) -> Option<i64> {
    let (folder, file) = key.strip_prefix(lane.logs().as_str())?.rsplit_once('/')?;
    let (rest, day) = split_day(folder)?;
    let name = file
        .strip_prefix(lane.account.as_str())?
        .strip_prefix("_CloudTrail_")?
        .strip_prefix(lane.region.as_str())?
        .strip_prefix('_')?
        .strip_suffix(SUFFIX)?;
    let (time, _) = name.split_once('_')?;
    let time = NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%MZ").ok()?;
    (rest.is_empty() && time.date() == day).then(|| time.and_utc().timestamp_micros())
}

/// The day of a log file by its folder.
pub(super) fn log_day(lane: &Lane, key: &str) -> Option<NaiveDate> {
    let (folder, _) = key.strip_prefix(lane.logs().as_str())?.rsplit_once('/')?;
    split_day(folder).map(|(_, day)| day)
}

/// Cuts `…/2026/11/22` into the folder before it, without the final `/`, and the day.
fn split_day(folder: &str) -> Option<(&str, NaiveDate)> {
    let at = folder.len().checked_sub("2026/11/22".len())?;
    let (before, day) = folder.split_at_checked(at)?;
    let day = NaiveDate::parse_from_str(day, "%Y/%m/%d").ok()?;
    if before.is_empty() {
        return Some((before, day));
    }
    Some((before.strip_suffix('/')?, day))
}

fn is_account(text: &str) -> bool {
    text.len() == ACCOUNT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What to look at; empty lists stand for all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter<'a> {
    pub(super) accounts: &'a [String],
    pub(super) regions: &'a [String],
}

/// A folder that could not be listed, and why.
pub(super) type Failed = (String, String);

/// Finds the accounts and regions below a prefix, which may end anywhere above or below
/// `AWSLogs/`, down to the region.
pub(super) async fn lanes(
    vault: &dyn Vault,
    bucket: Option<&str>,
    prefix: &str,
    filter: Filter<'_>,
) -> (Vec<Lane>, Vec<Failed>) {
    let mut failed = Vec::new();
    let mut prefix = prefix.trim_start_matches('/').to_owned();
    if !prefix.is_empty() && !prefix.ends_with('/') {
        prefix.push('/');
    }
    let (roots, inside) = match split_root(&prefix) {
        Some((root, inside)) => (vec![root.to_owned()], inside.to_owned()),
        None => (
            search(vault, bucket, &prefix, &mut failed).await,
            String::new(),
        ),
    };
    let given: Vec<&str> = inside.split_terminator('/').collect();
    let (organisation, given) = match given.as_slice() {
        [first, rest @ ..] if !is_account(first) => (Some(*first), rest),
        all => (None, all),
    };
    // Between account and region is the kind of file.
    let (account, region) = (given.first().copied(), given.get(2).copied());
    let mut bases = Vec::new();
    for root in roots {
        let root = match organisation {
            Some(organisation) => format!("{root}{organisation}/"),
            None => root,
        };
        match account {
            Some(account) => bases.push(format!("{root}{account}/")),
            None => accounts(vault, bucket, root, &mut bases, &mut failed).await,
        }
    }
    bases.retain(|base| {
        let account = last_part(base);
        filter.accounts.is_empty() || filter.accounts.iter().any(|wanted| wanted == account)
    });
    let mut found: Vec<_> = futures::stream::iter(bases)
        .map(|base| regions(vault, bucket, base))
        .buffered(LIST_AT_A_TIME)
        .collect()
        .await;
    let mut lanes = Vec::new();
    for (some, mut trouble) in found.drain(..) {
        lanes.extend(some);
        failed.append(&mut trouble);
    }
    lanes.retain(|lane| {
        let listed = filter.regions.is_empty() || filter.regions.contains(&lane.region);
        listed && region.is_none_or(|region| region == lane.region)
    });
    lanes.sort();
    lanes.dedup();
    (lanes, failed)
}

/// Cuts a prefix after `AWSLogs/`.
fn split_root(prefix: &str) -> Option<(&str, &str)> {
    let at = if prefix.starts_with(ROOT) {
        0
    } else {
        prefix.find("/AWSLogs/")? + 1
    };
    prefix.split_at_checked(at + ROOT.len())
}

async fn search(
    vault: &dyn Vault,
    bucket: Option<&str>,
    prefix: &str,
    failed: &mut Vec<Failed>,
) -> Vec<String> {
    let mut roots = Vec::new();
    let mut level = vec![prefix.to_owned()];
    let mut seen = 0;
    for _ in 0..SEARCH_DEPTH {
        let mut next = Vec::new();
        for folder in level {
            seen += 1;
            if seen > SEARCH_FOLDERS {
                let reason = format!(
                    "looked into {SEARCH_FOLDERS} folders for {ROOT}; give the prefix of the trail"
                );
                failed.push((prefix.to_owned(), reason));
                return roots;
            }
            match vault.folders(bucket, &folder).await {
                Ok(folders) => next.extend(folders),
                Err(error) => failed.push((folder, error.to_string())),
            }
        }
        let (found, rest): (Vec<_>, Vec<_>) = next
            .into_iter()
            .partition(|folder| last_part(folder) == last_part(ROOT));
        roots.extend(found);
        level = rest;
    }
    roots
}

/// Finds accounts in `AWSLogs/` and, one deeper, in the folder of an organisation.
async fn accounts(
    vault: &dyn Vault,
    bucket: Option<&str>,
    root: String,
    bases: &mut Vec<String>,
    failed: &mut Vec<Failed>,
) {
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        match vault.folders(bucket, &folder).await {
            Ok(found) => {
                for below in found {
                    if is_account(last_part(&below)) {
                        bases.push(below);
                    } else if last_part(&below).starts_with("o-") {
                        folders.push(below);
                    }
                }
            }
            Err(error) => failed.push((folder, error.to_string())),
        }
    }
}

async fn regions(
    vault: &dyn Vault,
    bucket: Option<&str>,
    base: String,
) -> (Vec<Lane>, Vec<Failed>) {
    let (mut lanes, mut failed) = (Vec::new(), Vec::new());
    for kind in [DIGESTS, LOGS] {
        let folder = format!("{base}{kind}");
        match vault.folders(bucket, &folder).await {
            Ok(folders) => lanes.extend(folders.iter().map(|region| Lane {
                base: base.clone(),
                account: last_part(&base).to_owned(),
                region: last_part(region).to_owned(),
            })),
            Err(error) => failed.push((folder, error.to_string())),
        }
    }
    (lanes, failed)
}

/// The years and months of a folder, newest first, from the one to the other inclusive.
pub(super) async fn months(
    vault: &dyn Vault,
    bucket: Option<&str>,
    folder: &str,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> io::Result<Vec<(i32, u32)>> {
    let mut months: Vec<(i32, u32)> = Vec::new();
    for year in vault.folders(bucket, folder).await? {
        let Ok(number) = last_part(&year).parse::<i32>() else {
            continue;
        };
        if from.is_some_and(|from| number < from.year()) || to.is_some_and(|to| number > to.year())
        {
            continue;
        }
        let found = vault.folders(bucket, &year).await?;
        let found = found
            .iter()
            .filter_map(|month| last_part(month).parse().ok());
        months.extend(found.map(|month: u32| (number, month)));
    }
    months.retain(|month| {
        from.is_none_or(|from| *month >= (from.year(), from.month()))
            && to.is_none_or(|to| *month <= (to.year(), to.month()))
    });
    months.sort_unstable_by(|a, b| b.cmp(a));
    Ok(months)
}

/// The digests of one month, newest first. Other objects are passed over.
pub(super) async fn digests_of(
    vault: &dyn Vault,
    bucket: Option<&str>,
    lane: &Lane,
    (year, month): (i32, u32),
) -> io::Result<Vec<(DigestName, String)>> {
    let prefix = format!("{}{year:04}/{month:02}/", lane.digests());
    let mut digests = Vec::new();
    let mut listed = vault.list(bucket, &prefix);
    while let Some(object) = listed.try_next().await? {
        match DigestName::parse(&object.key) {
            Some(name) if name.lane == *lane => digests.push((name, object.key)),
            _ => tracing::debug!(key = object.key, "not a digest of this account and region"),
        }
    }
    digests.sort_by(|(a, a_key), (b, b_key)| (b.end, b_key).cmp(&(a.end, a_key)));
    Ok(digests)
}

/// The last part of a folder's path.
fn last_part(folder: &str) -> &str {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    folder.rsplit('/').next().unwrap_or(folder)
}

#[cfg(test)]
mod tests;
