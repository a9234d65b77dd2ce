//! The EC2 instances of clusters.
//!
//! EC2's query API is spoken here instead of by its SDK crate, which has 1.2 million lines for the one
//! call that is needed. Requests go through the SDK's own machinery: its HTTP client, credentials,
//! signature, retries and timeouts.

mod query;
mod xml;

use std::collections::BTreeSet;

use super::{Found, Options, Reader};
use crate::collect::Closed;
use crate::collect::permissions as calls;
use query::{Query, Refusal};

/// Values of one filter; EC2 allows 200.
const FILTER_VALUES: usize = 200;

/// Instances per page; EC2 allows 1000, at about 10 KiB each.
const PAGE_ITEMS: u32 = 500;

/// Tags that say what cluster an instance belongs to, whatever its name.
const CLUSTER_TAGS: [&str; 3] = [
    "eks:cluster-name",
    "eks:eks-cluster-name",
    "alpha.eksctl.io/cluster-name",
];

/// Reads the instances that carry the tag of any cluster, and those that are asked for by id.
pub(super) async fn read(
    reader: &Reader<'_>,
    options: &Options,
    found: &mut Found,
) -> Result<(), Closed> {
    let mut keys: Vec<String> = CLUSTER_TAGS.iter().map(|key| (*key).to_owned()).collect();
    let names = found.clusters.iter().map(|cluster| cluster.name.as_str());
    let names: BTreeSet<&str> = names
        .chain(options.clusters.iter().map(String::as_str))
        .collect();
    keys.extend(
        names
            .iter()
            .map(|name| format!("kubernetes.io/cluster/{name}")),
    );
    let mut seen = BTreeSet::new();
    for values in keys.chunks(FILTER_VALUES) {
        if !filtered(reader, "tag-key", values, &mut seen, found).await? {
            return Ok(());
        }
    }
    let missing: Vec<String> = options.instance_ids.difference(&seen).cloned().collect();
    for values in missing.chunks(FILTER_VALUES) {
        // A filter, because one unknown id would refuse them all.
        if !filtered(reader, "instance-id", values, &mut seen, found).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads all pages of one filter. `false` after a failure: the next filter would meet it again.
async fn filtered(
    reader: &Reader<'_>,
    filter: &str,
    values: &[String],
    seen: &mut BTreeSet<String>,
    found: &mut Found,
) -> Result<bool, Closed> {
    let call = calls::DESCRIBE_INSTANCES;
    let query = Query::new(reader.config, reader.clock);
    let mut next: Option<String> = None;
    loop {
        let mut members = vec![
            ("Filter.1.Name".to_owned(), filter.to_owned()),
            ("MaxResults".to_owned(), PAGE_ITEMS.to_string()),
        ];
        for (at, value) in values.iter().enumerate() {
            members.push((format!("Filter.1.Value.{}", at + 1), value.clone()));
        }
        members.extend(next.clone().map(|token| ("NextToken".to_owned(), token)));
        let page = query.call("DescribeInstances", &members).await;
        let page = match page {
            Ok(text) => xml::page(&text).map_err(Refusal::malformed),
            Err(error) => Err(error),
        };
        let Some((page, at)) = reader.answer(call, "", page).await? else {
            return Ok(false);
        };
        for instance in page.instances() {
            seen.extend(instance.id.clone());
            found.profile_arns.extend(instance.profile_arn());
        }
        // A part of all instances, never a complete list: see `Page::json`.
        reader.document(None, at, call, &page.json()).await?;
        match page.next.filter(|token| !token.is_empty()) {
            None => return Ok(true),
            same if same == next => return Ok(true),
            other => next = other,
        }
    }
}
