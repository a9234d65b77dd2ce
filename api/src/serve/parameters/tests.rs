#![allow(clippy::unwrap_used)]
use super::*;
use podtrail_query::listing;

fn parsed(query: &str) -> Result<ListParameters, String> {
    let uri = format!("/api/v1/events?{query}").parse().unwrap();
    Query::<ListParameters>::try_from_uri(&uri)
        .map(|Query(parameters)| parameters)
        .map_err(|error| cause(&error))
}

#[test]
fn what_is_unknown_or_stands_twice_is_refused() {
    assert!(parsed("cluster=a&limit=5").is_ok());
    assert!(parsed("colour=red").unwrap_err().contains("unknown field"));
    assert!(
        parsed("cluster=a&cluster=b")
            .unwrap_err()
            .contains("duplicate field")
    );
    assert!(parsed("limit=many").is_err());
}

#[test]
fn limits_and_times_are_checked() {
    for query in ["limit=0", "limit=10001", "limit=18446744073709551615"] {
        assert!(parsed(query).unwrap().rows().is_err(), "{query}");
    }
    assert_eq!(parsed("").unwrap().rows().unwrap(), PAGE_ROWS);
    assert!(parsed("from=yesterday").unwrap().filter().is_err());
    let filter = parsed("from=2026-05-01&to=2026-05-01")
        .unwrap()
        .filter()
        .unwrap();
    assert_eq!(
        filter.to.unwrap() - filter.from.unwrap(),
        chrono::Duration::days(1)
    );
    let long = format!("cluster={}", "x".repeat(MOST_TEXT + 1));
    assert!(parsed(&long).unwrap().filter().is_err());
}

#[test]
fn a_token_belongs_to_its_list_and_filters() {
    let parameters = parsed("cluster=a").unwrap();
    let filter = parameters.filter().unwrap();
    let token = parameters.token(&listing::EVENTS, &filter, "17 ev\u{1f}ent");
    let again = |query: &str, list| {
        let parameters = ListParameters {
            next_token: Some(token.clone()),
            ..parsed(query).unwrap()
        };
        parameters.after(list, &parameters.filter().unwrap())
    };
    assert_eq!(
        again("cluster=a", &listing::EVENTS).unwrap().as_deref(),
        Some("17 ev\u{1f}ent")
    );
    assert!(again("cluster=b", &listing::EVENTS).is_err());
    assert!(again("cluster=a&from=-7d", &listing::EVENTS).is_err());
    assert!(again("cluster=a", &listing::FALLBACKS).is_err());
    for token in ["", "AAAA", "not base64!", "é"] {
        let parameters = ListParameters {
            next_token: Some(token.to_owned()),
            ..ListParameters::default()
        };
        assert!(
            parameters
                .after(&listing::EVENTS, &Filter::default())
                .is_err(),
            "{token}"
        );
    }
}
