use chrono::{DateTime, Utc};
use futures::StreamExt;

use crate::source::Source;
use crate::source::s3::tests::proxy::{Fault, Proxy};
use crate::source::s3::tests::server::{Server, log, options};
use crate::source::s3::{S3Options, S3Trail};

const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];
const ORGANISATION: &str = "logs/AWSLogs/o-ab12cd34ef/";
const DAYS: [&str; 8] = [
    "20251231", "20261001", "20261031", "20261101", "20261119", "20261120", "20261121", "20261122",
];

/// The last account has one region only.
fn regions(account: &str) -> &'static [&'static str] {
    if account == ACCOUNTS[2] {
        &["us-east-1"]
    } else {
        &["ap-south-1", "eu-west-1", "us-east-1"]
    }
}

/// An organisation's trail with two files a day, and what else lies in such a bucket.
async fn organisation() -> (Server, Proxy) {
    let server = Server::start().await;
    for account in ACCOUNTS {
        for region in regions(account) {
            for day in DAYS {
                for slot in ["0010", "2355"] {
                    let time = format!("{day}T{slot}Z");
                    server.put(&log(ORGANISATION, account, region, &time, "a"), b"{}");
                }
            }
        }
        let beside = format!("{ORGANISATION}{account}");
        for other in [
            "CloudTrail-Digest/us-east-1/2026/11/22/digest.json.gz",
            "CloudTrail-Insight/us-east-1/2026/11/22/insight.json.gz",
            "Config/us-east-1/2026/11/22/config.json.gz",
        ] {
            server.put(&format!("{beside}/{other}"), b"{}");
        }
    }
    server.put("elsewhere/notes.txt", b"notes");
    let proxy = Proxy::start(&server.endpoint).await;
    (server, proxy)
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Keys listed, without the folders; and what failed.
async fn listed(location: &str, options: S3Options) -> (Vec<String>, Vec<String>) {
    let trail = S3Trail::connect(location, options).await.unwrap();
    let (mut keys, mut errors) = (Vec::new(), Vec::new());
    let mut listing = trail.list();
    while let Some(object) = listing.next().await {
        match object {
            Ok(object) => keys.push(object.key.rsplit('/').next().unwrap().to_owned()),
            Err(error) => errors.push(error.to_string()),
        }
    }
    (keys, errors)
}

/// Keys of all accounts and regions, by days.
fn expected(times: &[&str]) -> Vec<String> {
    let mut keys = Vec::new();
    let mut days: Vec<&str> = times.iter().map(|time| &time[..8]).collect();
    days.dedup();
    for day in days {
        for account in ACCOUNTS {
            for region in regions(account) {
                for time in times.iter().filter(|time| time.starts_with(day)) {
                    keys.push(format!("{account}_CloudTrail_{region}_{time}_a.json.gz"));
                }
            }
        }
    }
    keys
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// Folders of the organisation's regions.
fn roots() -> Vec<(&'static str, &'static str, String)> {
    let mut roots = Vec::new();
    for account in ACCOUNTS {
        for region in regions(account) {
            let root = format!("{ORGANISATION}{account}/CloudTrail/{region}/");
            roots.push((account, *region, root));
        }
    }
    roots
}

#[tokio::test]
async fn only_what_can_be_new_is_listed() {
    let (_server, proxy) = organisation().await;
    let mut options = options(&proxy.endpoint);
    options.from = Some(time("2026-11-20T12:00:00Z"));
    let (keys, errors) = listed("s3://trail/logs", options).await;
    assert_eq!(errors, Vec::<String>::new());
    let times = ["20261120T2355Z", "20261121T0010Z", "20261121T2355Z"];
    let times = [&times[..], &["20261122T0010Z", "20261122T2355Z"]].concat();
    assert_eq!(keys, expected(&times));

    let mut requests = vec![
        "FOLDERS logs/".to_owned(),
        "FOLDERS logs/AWSLogs/".to_owned(),
        format!("FOLDERS {ORGANISATION}"),
    ];
    for account in ACCOUNTS {
        requests.push(format!("FOLDERS {ORGANISATION}{account}/CloudTrail/"));
        requests.push(format!(
            "FOLDERS {ORGANISATION}{account}/CloudTrail-NetworkActivity/"
        ));
    }
    for (account, region, root) in roots() {
        let cut = format!("{account}_CloudTrail_{region}_20261120T1145");
        requests.push(format!("FOLDERS {root}2026/11/"));
        requests.push(format!("LIST {root}2026/11/20/ after {cut}"));
        requests.push(format!("LIST {root}2026/11/21/"));
        requests.push(format!("LIST {root}2026/11/22/"));
    }
    assert_eq!(proxy.sorted_log(), sorted(requests));
}

#[tokio::test]
async fn the_end_of_the_time_asked_for_is_found_with_late_files() {
    let (_server, proxy) = organisation().await;
    let mut options = options(&proxy.endpoint);
    options.from = Some(time("2026-10-31T00:00:00Z"));
    options.to = Some(time("2026-10-31T12:00:00Z"));
    options.accounts = vec![ACCOUNTS[0].to_owned()];
    options.regions = vec!["eu-west-1".to_owned()];
    let location = format!("s3://trail/{ORGANISATION}");
    let (keys, errors) = listed(&location, options.clone()).await;
    assert_eq!(errors, Vec::<String>::new());
    let names = |times: &[&str]| -> Vec<String> {
        let name = |time| format!("111122223333_CloudTrail_eu-west-1_{time}_a.json.gz");
        times.iter().map(name).collect()
    };
    let late = ["20261031T0010Z", "20261031T2355Z", "20261101T0010Z"];
    assert_eq!(keys, names(&late));
    // A region that is asked for is not searched, and neither is a month of which a day is wanted.
    let root = format!("{ORGANISATION}111122223333/CloudTrail/eu-west-1/");
    let cut = "111122223333_CloudTrail_eu-west-1_20261031T0000";
    assert_eq!(
        proxy.sorted_log(),
        [
            format!("FOLDERS {ORGANISATION}"),
            format!("FOLDERS {ORGANISATION}111122223333/CloudTrail-NetworkActivity/"),
            format!("LIST {root}2026/10/31/ after {cut}"),
            format!("LIST {root}2026/11/01/"),
        ]
    );

    options.late = chrono::TimeDelta::minutes(30);
    let (keys, _) = listed(&location, options.clone()).await;
    assert_eq!(keys, names(&["20261031T0010Z"]));
    options.late = chrono::TimeDelta::days(30);
    let (keys, _) = listed(&location, options).await;
    assert_eq!(keys.len(), 12, "{keys:#?}");
}

#[tokio::test]
async fn without_a_time_everything_is_found_year_by_year() {
    let (_server, proxy) = organisation().await;
    let mut options = options(&proxy.endpoint);
    options.regions = vec!["us-east-1".to_owned()];
    options.accounts = vec![ACCOUNTS[2].to_owned()];
    let (keys, errors) = listed("s3://trail/logs/AWSLogs/", options).await;
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(keys.len(), 2 * DAYS.len());
    assert!(keys.is_sorted());
    let root = format!("{ORGANISATION}777788889999/CloudTrail/us-east-1/");
    let mut requests = vec![
        "FOLDERS logs/AWSLogs/".to_owned(),
        format!("FOLDERS {ORGANISATION}"),
        format!("FOLDERS {ORGANISATION}777788889999/CloudTrail-NetworkActivity/"),
        format!("FOLDERS {root}"),
    ];
    for folder in ["2025/", "2025/12/", "2026/", "2026/10/", "2026/11/"] {
        requests.push(format!("FOLDERS {root}{folder}"));
    }
    for day in DAYS {
        let (year, month, day) = (&day[..4], &day[4..6], &day[6..]);
        requests.push(format!("LIST {root}{year}/{month}/{day}/"));
    }
    assert_eq!(proxy.sorted_log(), sorted(requests));
}

#[tokio::test]
async fn every_prefix_of_a_trail_gives_what_is_below_it() {
    let (server, _proxy) = organisation().await;
    let options = options(&server.endpoint);
    let root = format!("{ORGANISATION}111122223333");
    let files = |scopes: usize, days: usize| scopes * days * 2;
    for (prefix, count) in [
        (String::new(), files(7, 8)),
        ("logs".to_owned(), files(7, 8)),
        ("logs/AWSLogs".to_owned(), files(7, 8)),
        (ORGANISATION.to_owned(), files(7, 8)),
        (root.clone(), files(3, 8)),
        (format!("{root}/CloudTrail"), files(3, 8)),
        (format!("{root}/CloudTrail/eu-west-1"), files(1, 8)),
        (format!("{root}/CloudTrail/eu-west-1/2026"), files(1, 7)),
        (format!("{root}/CloudTrail/eu-west-1/2026/11/"), files(1, 5)),
        (
            format!("{root}/CloudTrail/eu-west-1/2026/11/20"),
            files(1, 1),
        ),
        (
            log(
                ORGANISATION,
                "111122223333",
                "eu-west-1",
                "20261120T0010Z",
                "a",
            ),
            1,
        ),
        (format!("{root}/CloudTrail-Insight"), 1),
        (format!("{root}/Config"), 1),
        ("elsewhere".to_owned(), 1),
    ] {
        let (keys, errors) = listed(&format!("s3://trail/{prefix}"), options.clone()).await;
        assert_eq!(errors, Vec::<String>::new(), "{prefix}");
        assert_eq!(keys.len(), count, "{prefix}");
    }
}

#[tokio::test]
async fn what_the_filters_leave_nothing_of_is_said() {
    let (server, _proxy) = organisation().await;
    let mut options = options(&server.endpoint);
    options.accounts = vec![ACCOUNTS[0].to_owned(), "999999999999".to_owned()];
    let (keys, errors) = listed("s3://trail", options.clone()).await;
    assert_eq!(keys.len(), 3 * 8 * 2);
    assert_eq!(
        errors,
        ["s3://trail/logs/AWSLogs/ has no folder of account 999999999999"]
    );
    for below in ["", "/CloudTrail", "/CloudTrail/us-east-1/2026"] {
        let location = format!("s3://trail/{ORGANISATION}444455556666{below}");
        let (keys, errors) = listed(&location, options.clone()).await;
        assert_eq!(keys, Vec::<String>::new());
        assert!(
            errors[0].contains("444455556666") && errors[0].contains("leave out"),
            "{errors:?}"
        );
    }
}

#[tokio::test]
async fn a_place_with_nothing_in_it_is_an_error() {
    let (server, _proxy) = organisation().await;
    for prefix in [
        "log",
        "nothing/here/",
        "elsewhere/notes",
        "logs/AWSLogs/o-ab12cd34ef/Config",
    ] {
        let (keys, errors) =
            listed(&format!("s3://trail/{prefix}"), options(&server.endpoint)).await;
        assert_eq!(keys, Vec::<String>::new());
        assert_eq!(errors, [format!("nothing is at s3://trail/{prefix}")]);
    }
}

#[tokio::test]
async fn trails_side_by_side_are_found_together() {
    let server = Server::start().await;
    for team in ["a", "b"] {
        let place = format!("{team}/AWSLogs/");
        server.put(
            &log(&place, ACCOUNTS[0], "eu-west-1", "20261120T0010Z", team),
            b"{}",
        );
    }
    let (keys, errors) = listed("s3://trail", options(&server.endpoint)).await;
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(
        keys,
        [
            "111122223333_CloudTrail_eu-west-1_20261120T0010Z_a.json.gz",
            "111122223333_CloudTrail_eu-west-1_20261120T0010Z_b.json.gz",
        ]
    );
}

#[tokio::test]
async fn trails_below_and_beside_others_are_found_and_what_else_is_there_may_be_denied() {
    let server = Server::start().await;
    for (team, place) in [("a", "AWSLogs/"), ("b", "team/b/AWSLogs/")] {
        server.put(
            &log(place, ACCOUNTS[0], "eu-west-1", "20261120T0010Z", team),
            b"{}",
        );
    }
    server.put("secret/notes.txt", b"notes");
    let proxy = Proxy::start(&server.endpoint).await;
    let refusal = Fault::refusal(403, "AccessDenied", "Access Denied");
    proxy.breaks("FOLDERS secret/", 1, refusal);
    let (keys, errors) = listed("s3://trail", options(&proxy.endpoint)).await;
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(
        keys,
        [
            "111122223333_CloudTrail_eu-west-1_20261120T0010Z_a.json.gz",
            "111122223333_CloudTrail_eu-west-1_20261120T0010Z_b.json.gz",
        ]
    );
}

#[tokio::test]
async fn network_activity_events_are_found_and_sums_of_events_are_not() {
    let server = Server::start().await;
    let key = log("AWSLogs/", ACCOUNTS[0], "eu-west-1", "20261120T0010Z", "a");
    for kind in ["", "-NetworkActivity", "-Aggregated", "-Insight"] {
        let key = key.replace("CloudTrail", &format!("CloudTrail{kind}"));
        server.put(&key, b"{}");
    }
    let wanted = ["", "-NetworkActivity"]
        .map(|kind| format!("111122223333_CloudTrail{kind}_eu-west-1_20261120T0010Z_a.json.gz"));
    for prefix in ["", "AWSLogs/", "AWSLogs/111122223333"] {
        for region in [None, Some("eu-west-1"), Some("us-east-1")] {
            let mut options = options(&server.endpoint);
            options.regions = region.into_iter().map(str::to_owned).collect();
            options.from = Some(time("2026-11-20T00:00:00Z"));
            let (keys, errors) = listed(&format!("s3://trail/{prefix}"), options).await;
            assert_eq!(errors, Vec::<String>::new());
            let wanted: &[String] = match region {
                Some("us-east-1") => &[],
                _ => &wanted,
            };
            assert_eq!(keys, wanted, "{prefix} {region:?}");
        }
    }
}

#[tokio::test]
async fn logs_behind_the_first_page_are_found() {
    let server = Server::start().await;
    server.page(2);
    for name in ["0.txt", "1.txt", "2.txt"] {
        server.put(name, b"notes");
    }
    server.put(
        &log("AWSLogs/", ACCOUNTS[0], "eu-west-1", "20261120T0010Z", "a"),
        b"{}",
    );
    let proxy = Proxy::start(&server.endpoint).await;
    let (keys, errors) = listed("s3://trail", options(&proxy.endpoint)).await;
    assert_eq!((keys.len(), errors.len()), (1, 0));
    assert_eq!(proxy.log()[..2], ["FOLDERS ", "LIST AWSLogs/ most 1"]);
}

#[tokio::test]
async fn folders_are_listed_page_by_page() {
    let (server, _proxy) = organisation().await;
    server.page(1);
    let mut options = options(&server.endpoint);
    options.from = Some(time("2026-11-01T00:00:00Z"));
    let (keys, errors) = listed("s3://trail/logs", options).await;
    assert_eq!(errors, Vec::<String>::new());
    let times: Vec<String> = DAYS[3..]
        .iter()
        .flat_map(|day| [format!("{day}T0010Z"), format!("{day}T2355Z")])
        .collect();
    assert_eq!(
        keys,
        expected(&times.iter().map(String::as_str).collect::<Vec<_>>())
    );
}

#[tokio::test]
async fn a_folder_that_is_denied_is_named_and_the_rest_goes_on() {
    let (_server, proxy) = organisation().await;
    let denied = format!("{ORGANISATION}444455556666/CloudTrail/");
    let refusal = Fault::refusal(403, "AccessDenied", "Access Denied");
    proxy.breaks(&format!("FOLDERS {denied}"), 1, refusal);
    let (keys, errors) = listed("s3://trail/logs", options(&proxy.endpoint)).await;
    assert_eq!(keys.len(), 4 * 8 * 2);
    assert_eq!(errors.len(), 1, "{errors:?}");
    let said = &errors[0];
    assert!(said.contains(&format!("s3://trail/{denied}")), "{said}");
    assert!(
        said.contains("AccessDenied") && said.contains("s3:ListBucket"),
        "{said}"
    );
}
