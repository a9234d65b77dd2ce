use super::*;

mod actions;
mod named;
mod resources;

fn rules() -> &'static IamActions {
    IamActions::built_in().unwrap()
}

fn parameters(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(text).unwrap()
}

fn shown(resources: &Resources) -> String {
    match resources {
        Resources::Arns { arns, widened } => {
            let text = arns.iter().cloned().collect::<Vec<_>>().join(" ");
            if *widened { text + " widened" } else { text }
        }
        Resources::NoResourceLevel => "no resource level".to_owned(),
        Resources::NotNamed => "not named".to_owned(),
        Resources::NoRule => "no rule".to_owned(),
    }
}

#[test]
fn versions_are_no_part_of_a_name() {
    for (name, wanted) in [
        ("ListFunctions20150331", "ListFunctions"),
        ("GetFunction20150331v2", "GetFunction"),
        ("CreateDistribution2020_05_31", "CreateDistribution"),
        ("GetMedia", "GetMedia"),
        ("ListFindingsV2", "ListFindingsV2"),
        ("GetThing1999", "GetThing1999"),
        ("20150331", "20150331"),
        ("v2", "v2"),
        ("", ""),
        ("é20150331", "é"),
    ] {
        assert_eq!(without_version(name), wanted, "{name}");
    }
}

#[test]
fn every_action_is_well_formed() {
    for action in &rules().named {
        let (prefix, name) = action.split_once(':').unwrap();
        let plain = |text: &str, also: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        };
        assert!(plain(prefix, "-") && plain(name, ""), "{action}");
    }
    assert!(rules().services.len() > 150);
    assert!(rules().named.len() > 1_000);
}

const SERVICE: &str = "[[service]]\nprefix = \"x\"\nevent_sources = [\"x.amazonaws.com\"]\nsource = \"https://example.com\"\n";
const ACTION: &str = "[[action]]\nservice = \"x\"\nevents = [\"A\"]\nactions = [\"x:B\"]\nsource = \"https://example.com\"\n";
const RESOURCE: &str = "[[resource]]\nprefix = \"x\"\narn = [\"arn:{a}\"]\nactions = [\"B\"]\nsource = \"https://example.com\"\n";
const DATA: &str =
    "[[data_events]]\nservice = \"x\"\ncalls = \"all\"\nsource = \"https://example.com\"\n";

#[test]
fn a_malformed_text_is_refused_with_its_reason() {
    let good = format!("{SERVICE}{ACTION}{RESOURCE}{DATA}");
    assert!(IamActions::parse("test.toml", &good).is_ok());
    for (from, to, reason) in [
        ("[[service]]", "[[servant]]", "unknown field `servant`"),
        (
            "service = \"x\"\nevents",
            "service = \"y\"\nevents",
            "y: no such service",
        ),
        ("[\"x:B\"]", "[]", "neither actions nor a reason"),
        ("[\"x:B\"]", "[\"B\"]", "has no service prefix"),
        ("https://example.com", "a book", "is no address"),
        ("arn:{a}", "arn:{a", "a brace is not closed"),
        ("arn:{a}", "arn:{a b}", "is no variable"),
        ("arn:{a}", "arn:{a[-0]}", "is no variable"),
        ("[\"arn:{a}\"]", "[]", "no template"),
        (
            "events = [\"A\"]",
            "events = [\"A\"]\nmatches = 'x'",
            "matches without when",
        ),
        (
            "events = [\"A\"]",
            "events = [\"A\"]\nwhen = \"a\"\nmatches = '('",
            "regex parse error",
        ),
        (DATA, SERVICE, "stands twice"),
    ] {
        let error = IamActions::parse("test.toml", &good.replace(from, to))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("rules test.toml: "), "{error}");
        assert!(
            error.contains(reason) || reason == "stands twice" && error.contains("missing field"),
            "{error}, expected {reason}"
        );
    }
}
