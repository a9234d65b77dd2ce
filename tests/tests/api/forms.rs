//! The forms of an answer: each holds the same rows.

use std::collections::BTreeSet;

use podtrail_tests::forms::{ARROW, CSV, NDJSON, arrow, csv, in_csv, ndjson};
use serde_json::Value;

use super::{LISTS, REPORTS, shared, sorted};

/// Compares CSV with the rows that JSON has.
fn assert_same_in_csv(text: &str, rows: &[Value], path: &str) {
    let mut table = csv(text);
    let header = table.remove(0);
    assert_eq!(table.len(), rows.len(), "{path}");
    let names: BTreeSet<&String> = header.iter().collect();
    assert_eq!(names.len(), header.len(), "{path}");
    let mut wanted: Vec<Vec<Option<String>>> = rows
        .iter()
        .map(|row| {
            assert_eq!(row.as_object().unwrap().len(), header.len(), "{path}");
            header.iter().map(|name| in_csv(&row[name])).collect()
        })
        .collect();
    wanted.sort();
    // Columns that CSV may write in another way count for nothing.
    let mut given: Vec<Vec<Option<String>>> = table
        .into_iter()
        .map(|row| {
            let columns = row.into_iter().zip(&header);
            columns
                .map(|(text, name)| {
                    let free = rows.iter().any(|row| in_csv(&row[name]).is_none());
                    (!free).then_some(text)
                })
                .collect()
        })
        .collect();
    for row in &mut wanted {
        for (place, name) in header.iter().enumerate() {
            if rows.iter().any(|row| in_csv(&row[name]).is_none()) {
                row[place] = None;
            }
        }
    }
    wanted.sort();
    given.sort();
    assert_eq!(given, wanted, "{path}");
}

#[tokio::test]
async fn every_form_of_a_list_or_report_holds_the_same_rows() {
    let (_service, client) = shared().await;
    let lists = LISTS.map(|path| match path {
        "/api/v1/events" => {
            format!("{path}?limit=1000&role_arn=arn:aws:iam::111122223333:role/myeks-cart")
        }
        _ => format!("{path}?limit=10000"),
    });
    for path in lists.iter().map(String::as_str).chain(REPORTS) {
        let items = client.get(path).await.expect(200).items();
        assert!(!items.is_empty(), "{path} has no rows");
        let wanted = sorted(&items);
        for (accept, read) in [(NDJSON, ndjson as fn(&[u8]) -> Vec<Value>), (ARROW, arrow)] {
            let answer = client.get_as(path, accept).await.expect(200);
            assert_eq!(answer.header("content-type"), Some(accept));
            let elapsed = answer.header("x-podtrail-elapsed-ms");
            assert!(
                elapsed.is_some_and(|ms| ms.parse::<u64>().is_ok()),
                "{path}"
            );
            assert_eq!(sorted(&read(&answer.body)), wanted, "{path} as {accept}");
        }
        let answer = client.get_as(path, CSV).await.expect(200);
        let kind = answer.header("content-type").unwrap();
        assert!(kind.starts_with("text/csv;"), "{kind}");
        assert_same_in_csv(&answer.text(), &items, path);
    }
}

#[tokio::test]
async fn the_weightiest_form_that_is_known_is_given() {
    let (_service, client) = shared().await;
    for (accept, given) in [
        ("*/*", "application/json"),
        ("application/x-ndjson;q=0.2, text/csv;q=0.9", "text/csv"),
        ("image/png, application/x-ndjson;q=0.1", NDJSON),
        (
            "text/html, application/xhtml+xml, */*;q=0.8",
            "application/json",
        ),
        ("text/csv;q=0, application/json;q=0.1", "application/json"),
    ] {
        let answer = client.get_as("/api/v1/coverage", accept).await.expect(200);
        let kind = answer.header("content-type").unwrap();
        assert!(kind.starts_with(given), "{accept}: {kind}");
    }
}
