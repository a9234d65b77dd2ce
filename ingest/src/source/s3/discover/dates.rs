//! Which days of a scope there are, the earliest first over all scopes.
//!
//! Of the years and months that the time asked for is known to cover, only long ones are listed for
//! what they hold; a few days are rather tried.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};

use super::super::layout::{Days, Scope};
use super::{Closed, Discovery, Found, Scoped};

/// Months of a year that are taken for there without listing the year.
const DIRECT_MONTHS: usize = 3;

/// Days of a month that are taken for there without listing the month.
const DIRECT_DAYS: usize = 2;

/// Folders of dates.
#[derive(Debug, Clone, Copy)]
enum Level {
    Years,
    Months(i32),
    Days(i32, u32),
}

impl Discovery {
    /// Sends the days of scopes, the earliest first.
    pub(super) async fn partitions(&self, mut scopes: Vec<Scoped>) -> Result<(), Closed> {
        for scoped in &mut scopes {
            scoped.days = self.selection.days(scoped.days);
        }
        scopes.retain(|scoped| !scoped.days.is_empty());
        let all = (0..scopes.len()).collect();
        for (year, of_year) in self.level(&scopes, all, Level::Years).await? {
            // Four digits, as the folders of years have.
            let Ok(year) = i32::try_from(year) else {
                continue;
            };
            for (month, of_month) in self.level(&scopes, of_year, Level::Months(year)).await? {
                let days = Level::Days(year, month);
                for (day, of_day) in self.level(&scopes, of_month, days).await? {
                    let Some(day) = NaiveDate::from_ymd_opt(year, month, day) else {
                        continue;
                    };
                    for index in of_day {
                        let scope = Arc::clone(&scopes[index].scope);
                        self.send(Found::Day(scope, day)).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Years, months or days that are wanted and there, or may be, each with the scopes that have it.
    async fn level(
        &self,
        scopes: &[Scoped],
        of: Vec<usize>,
        level: Level,
    ) -> Result<BTreeMap<u32, Vec<usize>>, Closed> {
        let mut found: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut unknown = Vec::new();
        for index in of {
            match level.known(scopes[index].days) {
                Some(numbers) => numbers
                    .into_iter()
                    .for_each(|number| found.entry(number).or_default().push(index)),
                None => unknown.push(index),
            }
        }
        self.each(
            unknown,
            |index, names| {
                for number in names.iter().filter_map(|name| level.number(name)) {
                    if level.wanted(scopes[index].days, number) {
                        found.entry(number).or_default().push(index);
                    }
                }
            },
            |index| level.folder(&scopes[*index].scope),
        )
        .await?;
        for indexes in found.values_mut() {
            indexes.sort_unstable();
        }
        Ok(found)
    }
}

impl Level {
    /// What need not be listed.
    fn known(self, days: Days) -> Option<Vec<u32>> {
        match self {
            Self::Years => {
                let years = days.years()?;
                Some(years.filter_map(|year| u32::try_from(year).ok()).collect())
            }
            Self::Months(year) => {
                Some(days.months(year)).filter(|months| months.len() <= DIRECT_MONTHS)
            }
            Self::Days(year, month) => {
                let days = days.days((year, month));
                let numbers = days.iter().map(Datelike::day).collect();
                (days.len() <= DIRECT_DAYS).then_some(numbers)
            }
        }
    }

    fn folder(self, scope: &Scope) -> String {
        match self {
            Self::Years => scope.root.clone(),
            Self::Months(year) => scope.year(year),
            Self::Days(year, month) => scope.month((year, month)),
        }
    }

    /// The number that a folder's name is.
    fn number(self, name: &str) -> Option<u32> {
        let digits = if matches!(self, Self::Years) { 4 } else { 2 };
        let plain = name.len() == digits && name.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| name.parse().ok()).flatten()
    }

    fn wanted(self, days: Days, number: u32) -> bool {
        match self {
            Self::Years => i32::try_from(number).is_ok_and(|year| days.has_year(year)),
            Self::Months(year) => days.has_month((year, number)),
            Self::Days(year, month) => {
                NaiveDate::from_ymd_opt(year, month, number).is_some_and(|day| days.has(day))
            }
        }
    }
}
