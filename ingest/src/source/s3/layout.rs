//! How CloudTrail names the objects of a trail, and which of them a time window can hold.
//!
//! A log file is `[PREFIX/]AWSLogs/[ORGANISATION/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/` and
//! `ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz`. Beside `CloudTrail` lie the network activity
//! events of VPC endpoints in `CloudTrail-NetworkActivity`, Insights events in `CloudTrail-Insight`, sums of
//! data events in `CloudTrail-Aggregated` and digests in `CloudTrail-Digest` (CloudTrail user guide, "Finding
//! your CloudTrail log files"). Folder and name carry the time of delivery, not of the events.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, Utc};

/// Folder that CloudTrail, and other services, put the logs of all accounts in.
pub(super) const LOGS: &str = "AWSLogs";

/// Folder of an account's management and data events.
const EVENTS: &str = "CloudTrail";

const NETWORK: &str = "CloudTrail-NetworkActivity";
const AGGREGATED: &str = "CloudTrail-Aggregated";
const INSIGHT: &str = "CloudTrail-Insight";
const DIGEST: &str = "CloudTrail-Digest";

/// How far the time in a file's name may lie before that of an event in it. CloudTrail names the slot
/// of five minutes in which it delivers, which was never found to be earlier than the slot of the
/// event; the rest is for clocks that differ.
const SLOT_MARGIN: Duration = Duration::minutes(15);

/// What kind of file CloudTrail wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Events,
    /// Calls through VPC endpoints.
    Network,
    Insight,
    /// Sums of data events, which are in `Events` one by one.
    Aggregated,
    Digest,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        match name {
            EVENTS => Some(Self::Events),
            NETWORK => Some(Self::Network),
            AGGREGATED => Some(Self::Aggregated),
            INSIGHT => Some(Self::Insight),
            DIGEST => Some(Self::Digest),
            _ => None,
        }
    }

    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Events => EVENTS,
            Self::Network => NETWORK,
            Self::Aggregated => AGGREGATED,
            Self::Insight => INSIGHT,
            Self::Digest => DIGEST,
        }
    }
}

/// True for an AWS account id: twelve digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// True for an AWS Organizations id.
pub(super) fn is_organisation(text: &str) -> bool {
    text.strip_prefix("o-").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// True for what is spelled like a region.
pub(super) fn is_region(text: &str) -> bool {
    text.contains('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The events of one account in one region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope {
    pub(super) account: String,
    pub(super) region: String,
    kind: Kind,
    /// Up to the region, with the `/` at its end.
    pub(super) root: String,
}

impl Scope {
    /// Below the folder of an account's events or Insights events.
    pub(super) fn new(kind: Kind, folder: &str, account: &str, region: &str) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            kind,
            root: format!("{folder}{region}/"),
        }
    }

    pub(super) fn year(&self, year: i32) -> String {
        format!("{}{year:04}/", self.root)
    }

    pub(super) fn month(&self, (year, month): Month) -> String {
        format!("{}{year:04}/{month:02}/", self.root)
    }

    pub(super) fn day(&self, day: NaiveDate) -> String {
        format!("{}{}/", self.root, day.format("%Y/%m/%d"))
    }

    /// The least key of a file delivered at `time` or later.
    pub(super) fn first_key(&self, day: NaiveDate, time: DateTime<Utc>) -> String {
        let (account, region, kind) = (&self.account, &self.region, self.kind.folder());
        let (day, time) = (self.day(day), time.format("%Y%m%dT%H%M"));
        format!("{day}{account}_{kind}_{region}_{time}")
    }
}

/// A year and a month of it.
pub(super) type Month = (i32, u32);

/// Where in the layout a prefix lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Above `AWSLogs`, or in no layout that we know.
    Unknown,
    /// `AWSLogs/` or `AWSLogs/o-…/`.
    Accounts,
    /// An account.
    Account { account: String },
    /// An account's events or Insights events.
    Regions { account: String, kind: Kind },
    /// A region, year, month or day.
    Scope { scope: Scope, days: Days },
    /// In the digests.
    Digests,
    /// Elsewhere below `AWSLogs`, or deeper than a day.
    Other,
}

/// Tells where a folder lies; its prefix ends with `/` or is empty.
pub(super) fn place(folder: &str) -> Place {
    let path = folder.strip_suffix('/').unwrap_or(folder);
    let segments: Vec<&str> = path.split('/').collect();
    let Some(logs) = segments.iter().rposition(|segment| *segment == LOGS) else {
        return Place::Unknown;
    };
    let mut rest = &segments[logs + 1..];
    if rest.first().is_some_and(|first| is_organisation(first)) {
        rest = &rest[1..];
    }
    let [account, rest @ ..] = rest else {
        return Place::Accounts;
    };
    if !is_account(account) {
        return Place::Other;
    }
    let account = (*account).to_owned();
    let [kind, rest @ ..] = rest else {
        return Place::Account { account };
    };
    let kind = match Kind::of(kind) {
        Some(Kind::Digest) => return Place::Digests,
        Some(kind) => kind,
        None => return Place::Other,
    };
    let [region, date @ ..] = rest else {
        return Place::Regions { account, kind };
    };
    let Some(days) = Days::named(date).filter(|_| is_region(region)) else {
        return Place::Other;
    };
    let below = region.len() + date.iter().map(|part| part.len() + 1).sum::<usize>();
    let root = &path[..path.len() - below];
    Place::Scope {
        scope: Scope::new(kind, root, &account, region),
        days,
    }
}

/// Days, from the first to the last; no bound where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Days {
    pub(super) first: Option<NaiveDate>,
    pub(super) last: Option<NaiveDate>,
}

impl Days {
    /// The days that the folders `[YYYY[, MM[, DD]]]` hold.
    fn named(parts: &[&str]) -> Option<Self> {
        let number = |part: &&str, digits: usize| -> Option<u32> {
            let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse().ok()).flatten()
        };
        if parts.len() > 3 {
            return None;
        }
        let Some(year) = parts.first() else {
            return Some(Self::default());
        };
        let year = i32::try_from(number(year, 4)?).ok()?;
        let month = parts.get(1).map(|part| number(part, 2));
        let day = parts.get(2).map(|part| number(part, 2));
        let (first, last) = match (month, day) {
            (None, _) => (
                NaiveDate::from_ymd_opt(year, 1, 1)?,
                NaiveDate::from_ymd_opt(year, 12, 31)?,
            ),
            (Some(month), None) => month_days((year, month?))?,
            (Some(month), Some(day)) => {
                let day = NaiveDate::from_ymd_opt(year, month?, day?)?;
                (day, day)
            }
        };
        Some(Self {
            first: Some(first),
            last: Some(last),
        })
    }

    /// The days that are in both.
    pub(super) fn and(self, other: Self) -> Self {
        let least = |a: Option<NaiveDate>, b: Option<NaiveDate>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self {
            first: self.first.max(other.first),
            last: least(self.last, other.last),
        }
    }

    pub(super) fn is_empty(self) -> bool {
        matches!((self.first, self.last), (Some(first), Some(last)) if first > last)
    }

    pub(super) fn has(self, day: NaiveDate) -> bool {
        self.first.is_none_or(|first| first <= day) && self.last.is_none_or(|last| day <= last)
    }

    pub(super) fn has_year(self, year: i32) -> bool {
        self.first.is_none_or(|first| first.year() <= year)
            && self.last.is_none_or(|last| year <= last.year())
    }

    pub(super) fn has_month(self, month: Month) -> bool {
        let of = |day: NaiveDate| (day.year(), day.month());
        self.first.is_none_or(|first| of(first) <= month)
            && self.last.is_none_or(|last| month <= of(last))
    }

    /// The years, where both bounds are known.
    pub(super) fn years(self) -> Option<impl Iterator<Item = i32>> {
        Some(self.first?.year()..=self.last?.year())
    }

    /// The months of a year that are in it.
    pub(super) fn months(self, year: i32) -> Vec<u32> {
        (1..=12)
            .filter(|month| self.has_month((year, *month)))
            .collect()
    }

    /// The days of a month that are in it.
    pub(super) fn days(self, month: Month) -> Vec<NaiveDate> {
        let Some((first, last)) = month_days(month) else {
            return Vec::new();
        };
        let days = first.iter_days().take_while(|day| *day <= last);
        days.filter(|day| self.has(*day)).collect()
    }
}

fn month_days((year, month): Month) -> Option<(NaiveDate, NaiveDate)> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    let next = first.checked_add_months(chrono::Months::new(1))?;
    Some((first, next.pred_opt()?))
}

/// Times of delivery between which a file can hold events of the time asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Window {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
}

impl Window {
    /// Of events from `from` to `to`, delivered at most `late` after they happened.
    pub(super) fn new(
        from: Option<DateTime<Utc>>,
        to: Option<DateTime<Utc>>,
        late: Duration,
    ) -> Self {
        let earliest = |from: DateTime<Utc>| {
            let midnight = from.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
            from.checked_sub_signed(SLOT_MARGIN)
                .map_or(midnight, |early| early.max(midnight))
        };
        Self {
            from: from.map(earliest),
            to: to.map(|to| to.checked_add_signed(late).unwrap_or(to)),
        }
    }

    pub(super) fn days(&self) -> Days {
        Days {
            first: self.from.map(|from| from.date_naive()),
            last: self.to.map(|to| to.date_naive()),
        }
    }

    /// True where a file delivered at that time can hold events of the time asked for.
    pub(super) fn has(&self, delivered: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= delivered) && self.to.is_none_or(|to| delivered <= to)
    }

    /// The time before which nothing of this day is wanted.
    pub(super) fn cut(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        self.from.filter(|from| from.date_naive() == day)
    }
}

/// What the name of a file that CloudTrail wrote says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    pub(super) account: &'a str,
    pub(super) kind: Kind,
    pub(super) region: &'a str,
    /// When it was delivered; digests say it elsewhere.
    pub(super) delivered: Option<DateTime<Utc>>,
}

impl<'a> FileName<'a> {
    /// Reads the last part of a key; none for a name that CloudTrail does not give.
    pub(super) fn of(key: &'a str) -> Option<Self> {
        let name = key.rsplit('/').next()?;
        let mut parts = name.split('_');
        let account = parts.next().filter(|account| is_account(account))?;
        let kind = Kind::of(parts.next()?)?;
        let region = parts.next().filter(|region| is_region(region))?;
        let time = parts.next()?;
        let delivered = NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%MZ").ok();
        Some(Self {
            account,
            kind,
            region,
            delivered: delivered.map(|time| time.and_utc()),
        })
    }
}

/// True where a folder of the key holds digests or Insights events.
pub(super) fn in_folder_of(key: &str, kind: Kind) -> bool {
    key.split('/').any(|segment| segment == kind.folder())
}

#[cfg(test)]
mod tests;
