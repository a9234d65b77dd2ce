//! Whatever happens to a file: no panic, and whole items before the damage are kept.

use super::*;

/// A small generator with a fixed seed (xorshift), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

fn audit_lines() -> String {
    let mut text = String::new();
    for at in 0..4 {
        let event = json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
            "stage": "ResponseComplete", "verb": "create",
            "user": {"username": "system:node:n1", "extra": {"accessKeyId": ["ASIAEXAMPLE0000000AA"]}},
            "objectRef": {"resource": "serviceaccounts", "subresource": "token",
                "namespace": "shop", "name": format!("sa-{at}")},
            "responseStatus": {"code": 201}, "stageTimestamp": "2025-06-01T10:00:00.123456Z"});
        writeln!(text, "{event}").unwrap();
    }
    text
}

fn aws_documents() -> String {
    let association = json!({"associations": [
        {"clusterName": "prod", "namespace": "shop", "serviceAccount": "web", "associationId": "a-1",
         "associationArn": "arn:aws:eks:eu-west-1:111122223333:podidentityassociation/prod/a-1"}]});
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {"mapRoles": "- rolearn: arn:aws:iam::111122223333:role/node\n  groups: [a, b]\n"}});
    let instances = json!({"Reservations": [{"OwnerId": "111122223333", "Instances": [
        {"InstanceId": "i-0aa", "State": {"Name": "running"}}]}]});
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    format!(
        "{}\n{}\n{}\n",
        pretty(&association),
        pretty(&config_map),
        pretty(&instances)
    )
}

#[test]
fn a_file_cut_anywhere_keeps_the_items_before() {
    let text = several_pods();
    let whole = take(&text);
    let ends: Vec<usize> = text
        .match_indices("\n    },\n")
        .map(|(at, _)| at + 6)
        .collect();
    assert_eq!(ends.len(), 5);
    for cut in 0..text.len() {
        let taken = take(&text[..cut]);
        let expected = ends.iter().filter(|end| **end <= cut).count();
        let found = taken.of(Kind::Pod).len();
        assert!(
            found == expected || found == 6 && expected == 5,
            "cut at {cut}: {found}"
        );
        assert_eq!(taken.observations[..found], whole.observations[..found]);
        assert!(!taken.rejects.is_empty(), "cut at {cut}");
        assert!(taken.of(Kind::Listing).is_empty(), "cut at {cut}");
    }
}

#[test]
fn a_gzip_file_cut_or_damaged_anywhere_keeps_what_was_inflated() {
    let items: Vec<Value> = (0..50)
        .map(|at| pod("shop", &format!("web-{at}")))
        .collect();
    let bytes = gzip(&serde_json::to_vec_pretty(&list(&items)).unwrap());
    for cut in 1..bytes.len() {
        let taken = take_in(&context(), &bytes[..cut]);
        assert!(!taken.rejects.is_empty(), "cut at {cut}");
    }
    let mut random = Random(7);
    for _ in 0..300 {
        let mut damaged = bytes.clone();
        let at = 10 + random.below(bytes.len() - 10);
        damaged[at] ^= 1 << random.below(8);
        let taken = take_in(&context(), &damaged);
        assert!(!taken.rejects.is_empty(), "damaged at {at}");
    }
}

#[test]
fn damaged_bytes_never_panic_and_never_cost_what_is_before_them() {
    let mut random = Random(42);
    for text in [several_pods(), audit_lines(), aws_documents()] {
        let whole = take(&text);
        for round in 0..3000 {
            let mut bytes = text.clone().into_bytes();
            let at = random.below(bytes.len());
            match round % 4 {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, b"{}[]\",:\\\n\0 x"[random.below(12)]),
                _ => {
                    let end = (at + random.below(200)).min(bytes.len());
                    bytes.drain(at..end);
                }
            }
            let taken = take_in(&context(), &bytes);
            // What ends before the damage does not depend on it.
            let before = take_in(&context(), &bytes[..at]);
            let kept = before.observations.iter().zip(&whole.observations);
            let kept = kept.take_while(|(one, other)| one == other).count();
            assert!(
                taken.observations.len() >= kept
                    && taken.observations[..kept] == whole.observations[..kept],
                "round {round} at {at}"
            );
        }
    }
}

#[test]
fn one_damaged_byte_costs_one_item_of_a_list_on_lines() {
    let text = several_pods();
    let second = text.find("web-2").unwrap();
    let from = text[..second].rfind("    {\n").unwrap();
    let to = text.find("web-3").unwrap();
    let mut random = Random(3);
    for _ in 0..2000 {
        let mut bytes = text.clone().into_bytes();
        let at = from + random.below(to - from);
        bytes[at] = b"{}[]\",:\\\n\0 x"[random.below(12)];
        let names = take_in(&context(), &bytes);
        let names = names.names(Kind::Pod);
        for name in ["web-0", "web-1", "web-4", "web-5"] {
            assert!(
                names.contains(&name),
                "{name} at {at}: {}",
                String::from_utf8_lossy(&bytes[at - 40..at + 40])
            );
        }
    }
}

#[test]
fn hostile_nesting_and_endless_openings_stay_cheap() {
    for text in [
        "[".repeat(1 << 20),
        "{\"items\":".repeat(1 << 16),
        "{\n".repeat(1 << 19),
        "{\"a\":[\n".repeat(1 << 17),
        format!("{{\"items\":[\n{}", "    {\n".repeat(1 << 18)),
        format!("{{\"items\":[\n  {{}},\n{}", "  [\n".repeat(1 << 18)),
    ] {
        let taken = take(&text);
        assert!(!taken.rejects.is_empty());
        assert!(taken.rejects.len() as u64 <= limits::FILE_REJECTS + 1);
    }
}

#[test]
fn a_torn_line_does_not_swallow_a_long_file() {
    let line = pod("shop", "web").to_string();
    let lines = limits::ELEMENT_BYTES * 2 / line.len();
    for torn in ["{\"kind\":[", "{\"kind\":{\"a\":[{\"b\":"] {
        let mut text = format!("{line}\n{torn}\n");
        for _ in 0..lines {
            text.push_str(&line);
            text.push('\n');
        }
        let taken = take(&text);
        assert_eq!(taken.of(Kind::Pod).len(), lines + 1);
        assert_eq!(taken.reasons(), ["invalid_json"]);
    }
}
