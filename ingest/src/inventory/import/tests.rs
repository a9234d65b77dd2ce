use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::json;
use tempfile::TempDir;

use super::super::Kind;
use super::super::tests::{Taken, gzip, list, pod};
use super::*;

const NOW: i64 = 1_760_000_000_000_000;

fn write(folder: &TempDir, name: &str, text: &str) {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn cluster(name: &str) -> String {
    json!({"cluster": {"name": name,
        "arn": format!("arn:aws:eks:eu-west-1:111122223333:cluster/{name}")}})
    .to_string()
}

fn run(paths: &[PathBuf], options: &Options) -> Taken {
    let mut taken = Taken::default();
    taken.summary = import(paths, options, &mut taken).unwrap();
    taken
}

fn run_in(folder: &TempDir, options: &Options) -> Taken {
    run(&[folder.path().to_owned()], options)
}

fn options() -> Options {
    Options {
        now: NOW,
        ..Options::default()
    }
}

fn pods(name: &str) -> String {
    list(&[pod("shop", name)]).to_string()
}

#[test]
fn the_nearest_describe_cluster_names_the_cluster() {
    let folder = TempDir::new().unwrap();
    write(&folder, "prod/z-cluster.json", &cluster("prod"));
    write(&folder, "prod/pods.json", &pods("p"));
    write(&folder, "prod/deep/er/pods.json", &pods("d"));
    write(&folder, "prod/dev/anything.txt", &cluster("dev"));
    write(&folder, "prod/dev/pods.json", &pods("e"));
    write(&folder, "alone/pods.json", &pods("a"));
    let taken = run_in(&folder, &options());
    let found: Vec<(&str, &str)> = taken
        .of(Kind::Pod)
        .iter()
        .map(|pod| (pod.name.as_str(), pod.cluster.as_deref().unwrap()))
        .collect();
    assert_eq!(found, [("d", "prod"), ("e", "dev"), ("p", "prod")]);
    assert!(
        taken
            .of(Kind::Pod)
            .iter()
            .all(|pod| pod.region.as_deref() == Some("eu-west-1"))
    );
    assert_eq!(taken.reasons(), ["no_cluster"]);
    assert!(taken.rejects[0].file.ends_with("alone/pods.json"));
    assert_eq!(taken.summary.files, 6);
}

#[test]
fn several_clusters_in_a_folder_are_ambiguous_until_one_is_named() {
    let folder = TempDir::new().unwrap();
    write(
        &folder,
        "both.json",
        &format!("{}\n{}", cluster("a"), cluster("b")),
    );
    write(&folder, "pods.json", &pods("p"));
    assert_eq!(run_in(&folder, &options()).reasons(), ["ambiguous_cluster"]);
    for (named, account) in [
        ("b", Some("111122223333")),
        (
            "arn:aws:eks:us-east-1:444455556666:cluster/b",
            Some("444455556666"),
        ),
        ("c", None),
    ] {
        let options = Options {
            cluster: Some(named.to_owned()),
            ..options()
        };
        let taken = run_in(&folder, &options);
        assert!(taken.rejects.is_empty());
        assert_eq!(
            taken.one(Kind::Pod).account_id.as_deref(),
            account,
            "{named}"
        );
    }
}

#[test]
fn the_time_of_a_file_is_given_named_or_written() {
    let folder = TempDir::new().unwrap();
    write(&folder, "cluster.json", &cluster("prod"));
    write(&folder, "pods-20250601T120000Z.json", &pods("named"));
    write(&folder, "pods.json", &pods("written"));
    let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let file = fs::File::options()
        .write(true)
        .open(folder.path().join("pods.json"))
        .unwrap();
    file.set_modified(written).unwrap();
    let times = |taken: &Taken| -> Vec<i64> {
        taken
            .of(Kind::Pod)
            .iter()
            .map(|pod| pod.observed_at)
            .collect()
    };
    assert_eq!(
        times(&run_in(&folder, &options())),
        [1_748_779_200_000_000, 1_700_000_000_000_000]
    );
    let given = Options {
        at: Some(5),
        ..options()
    };
    assert_eq!(times(&run_in(&folder, &given)), [5, 5]);
}

#[test]
fn what_cannot_be_read_costs_only_itself() {
    let folder = TempDir::new().unwrap();
    write(&folder, "cluster.json", &cluster("prod"));
    write(&folder, "a-notes.md", "# notes\n");
    write(&folder, "b-empty.json", "");
    write(&folder, ".hidden.json", &pods("hidden"));
    write(&folder, "z-pods.json", &pods("p"));
    fs::write(
        folder.path().join("c.json.gz"),
        &gzip(pods("z").as_bytes())[..30],
    )
    .unwrap();
    let missing = folder.path().join("missing.json");
    let taken = run(&[missing, folder.path().to_owned()], &options());
    assert_eq!(
        taken.reasons(),
        ["unreadable", "invalid_json", "empty", "truncated"]
    );
    assert_eq!(taken.names(Kind::Pod), ["p"]);
    assert_eq!(taken.skipped("hidden_file"), 1);
    assert_eq!(taken.summary.rejects, 4);
}

#[cfg(unix)]
#[test]
fn links_in_circles_end_and_nothing_is_read_twice() {
    use std::os::unix::fs::symlink;
    let folder = TempDir::new().unwrap();
    write(&folder, "a/cluster.json", &cluster("prod"));
    write(&folder, "a/pods.json", &pods("p"));
    symlink(folder.path(), folder.path().join("a/up")).unwrap();
    symlink(
        folder.path().join("a/pods.json"),
        folder.path().join("a/same.json"),
    )
    .unwrap();
    symlink("loop", folder.path().join("loop")).unwrap();
    symlink("nowhere", folder.path().join("broken.json")).unwrap();
    let twice = [
        folder.path().to_owned(),
        folder.path().join("a"),
        folder.path().join("a/pods.json"),
    ];
    let taken = run(&twice, &options());
    assert_eq!(taken.names(Kind::Pod), ["p"]);
    assert_eq!(taken.reasons(), ["unreadable", "unreadable"]);
    assert_eq!(taken.skipped("folder_seen_before"), 2);
    assert_eq!(taken.skipped("file_seen_before"), 2);
}

#[test]
fn folders_deeper_than_the_limit_are_refused() {
    let folder = TempDir::new().unwrap();
    let deep = vec!["d"; super::super::limits::FOLDER_DEPTH + 2].join("/");
    write(&folder, &format!("{deep}/pods.json"), &pods("p"));
    write(&folder, "cluster.json", &cluster("prod"));
    let taken = run_in(&folder, &options());
    assert_eq!(taken.reasons(), ["folder_too_deep"]);
    assert_eq!(taken.names(Kind::Cluster), ["prod"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once_and_now() {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(pods("p").as_bytes()).unwrap();
    drop(writer);
    let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
    if !path.exists() {
        return;
    }
    let options = Options {
        cluster: Some("prod".to_owned()),
        ..options()
    };
    let taken = run(&[path], &options);
    assert_eq!(taken.one(Kind::Pod).observed_at, NOW);
}

#[test]
fn many_files_are_read_in_the_order_of_their_names() {
    let folder = TempDir::new().unwrap();
    write(&folder, "cluster.json", &cluster("prod"));
    for at in 0..2000 {
        write(
            &folder,
            &format!("pods/{at:05}.json"),
            &pods(&format!("p-{at:05}")),
        );
    }
    let taken = run_in(&folder, &options());
    let names = taken.names(Kind::Pod);
    assert_eq!(names.len(), 2000);
    assert!(names.is_sorted());
}
