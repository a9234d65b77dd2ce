//! Clusters of one name. The name of an EKS cluster is its own in one account and region only: where several clusters of a
//! name are known, each is called by its ARN, and what does not say of which of them it is, is of none
//! (`views/cluster_namesakes.sql`).

use crate::engine::Session;
use crate::error::{Error, Result};
use crate::explain::{first, literal};
use crate::policy::partition;

/// What the ARN of a cluster says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClusterArn<'a> {
    /// Empty where it is not known.
    pub(crate) region: &'a str,
    /// Empty where it is not known.
    pub(crate) account: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> ClusterArn<'a> {
    /// Reads `arn:PARTITION:eks:REGION:ACCOUNT:cluster/NAME`.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':').skip(1);
        let (service, region, account) = (parts.next()?, parts.next()?, parts.next()?);
        let name = parts.next()?.strip_prefix("cluster/")?;
        (service == "eks" && !name.is_empty() && !name.contains('/')).then_some(Self {
            region,
            account,
            name,
        })
    }

    /// Tells whether what is said of an account and a region may be of it.
    fn fits(self, account: Option<&str>, region: Option<&str>) -> bool {
        let fits =
            |own: &str, said: Option<&str>| own.is_empty() || said.is_none_or(|said| said == own);
        fits(self.account, account) && fits(self.region, region)
    }
}

/// Makes the ARN of a cluster; account and region are empty in it where they are not known.
pub(crate) fn arn(name: &str, account: Option<&str>, region: Option<&str>) -> String {
    let (account, region) = (account.unwrap_or_default(), region.unwrap_or_default());
    let partition = partition(region);
    format!("arn:{partition}:eks:{region}:{account}:cluster/{name}")
}

/// Gives the name of a cluster that is called by its name or its ARN.
pub(crate) fn name(cluster: &str) -> &str {
    ClusterArn::parse(cluster).map_or(cluster, |arn| arn.name)
}

/// Gives what a cluster is called: its name, or its ARN where several have the name. `arns` are those, one a line; none where
/// they are several, and neither account nor region tells which of them it is.
pub(crate) fn identity(
    name: &str,
    account: Option<&str>,
    region: Option<&str>,
    arns: Option<&str>,
) -> Option<String> {
    let Some(arns) = arns else {
        return Some(name.to_owned());
    };
    let (account, region) = (said(account), said(region));
    let mut fitting = arns
        .lines()
        .filter(|line| ClusterArn::parse(line).is_some_and(|known| known.fits(account, region)));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(only.to_owned()),
        (None, _) if account.is_some() && region.is_some() => Some(arn(name, account, region)),
        _ => None,
    }
}

fn said(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// Gives what the store calls a cluster that is asked for by its name or its ARN.
///
/// # Errors
/// [`Error::InvalidQuery`] for a name that several clusters have: their rows are not put together. Others where the store
/// cannot be read.
pub async fn asked(session: &Session, cluster: &str) -> Result<String> {
    let name = name(cluster);
    let sql = format!(
        "SELECT arns FROM cluster_namesakes WHERE name = {}",
        literal(name)
    );
    let row = first(session, &sql).await?.unwrap_or_default();
    let Some(arns) = row["arns"].as_str() else {
        return alone(session, cluster, name).await;
    };
    if name == cluster {
        let arns: Vec<&str> = arns.lines().collect();
        return Err(Error::InvalidQuery(format!(
            "several clusters are named {name}; ask for one by its ARN: {}",
            arns.join(", ")
        )));
    }
    Ok(cluster.to_owned())
}

/// A cluster whose name no other has is called by it, also where it is asked for by its ARN; that of another cluster is kept.
async fn alone(session: &Session, cluster: &str, name: &str) -> Result<String> {
    let Some(asked) = ClusterArn::parse(cluster) else {
        return Ok(cluster.to_owned());
    };
    let (account, region) = (literal(asked.account), literal(asked.region));
    let sql = format!(
        "SELECT name FROM cluster_places
         WHERE name = {} AND coalesce(account_id, {account}) = {account} AND coalesce(region, {region}) = {region} LIMIT 1",
        literal(name)
    );
    let known = first(session, &sql).await?.is_some();
    Ok(if known { name } else { cluster }.to_owned())
}

#[cfg(test)]
mod tests;
