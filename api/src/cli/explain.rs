//! `podtrail explain`.

use std::fmt::Write;

use podtrail_query::explain::subject::Story;
use podtrail_query::explain::{Explanation, Missing, Told, tell};
use serde::Serialize;
use serde_json::Value;

use super::{Exit, Format, Global, engine, output};

#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// Event id of a call, an access key id, an ARN, a service account or a pod
    #[arg(
        value_name = "EVENT_ID|ACCESS_KEY_ID|ARN|CLUSTER/NAMESPACE/SERVICE_ACCOUNT[/POD]|[NAMESPACE/]POD"
    )]
    subject: String,
}

impl Explain {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let session = engine(global).await?.session().await?;
        match tell(&session, &self.subject).await? {
            Told::Event(explanation) => print(global, &explanation, story),
            Told::Story(told) => print(global, &told, rows),
        }
    }
}

fn print<T: Serialize>(
    global: &Global,
    told: &T,
    for_people: fn(&T) -> String,
) -> anyhow::Result<Exit> {
    let text = match global.output {
        Format::Json => serde_json::to_string_pretty(told)? + "\n",
        Format::Ndjson => serde_json::to_string(told)? + "\n",
        Format::Table | Format::Markdown => for_people(told),
        Format::Csv | Format::Arrow | Format::Parquet => {
            let text =
                "explain tells a story; choose -o table, json, ndjson or markdown".to_owned();
            return Err(podtrail_query::Error::InvalidQuery(text).into());
        }
    };
    output::to_stdout(text.as_bytes())?;
    Ok(Exit::Ok)
}

/// Tells the story of anything but an event for people.
fn rows(told: &Story) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if let Some(subject) = &told.subject {
        let _ = write!(text, "{subject}: ");
    }
    let _ = writeln!(text, "{}", told.verdict);
    for part in told.sections.iter().filter(|part| !part.rows.is_empty()) {
        list(&mut text, part.title, &part.rows);
    }
    more_certain(&mut text, &told.missing);
    text
}

/// Tells rows, one below the other.
fn list(text: &mut String, title: &str, rows: &[Value]) {
    let _ = writeln!(text, "\n{title}");
    for row in rows {
        for (number, (name, value)) in shown(row).into_iter().enumerate() {
            let mark = if number == 0 { '-' } else { ' ' };
            let _ = writeln!(text, "  {mark} {name:22} {value}");
        }
    }
}

/// Tells what would make an answer more certain.
fn more_certain(text: &mut String, missing: &[Missing]) {
    for missing in missing {
        let _ = writeln!(text, "\nmore certain: {}", plain(&missing.text));
        if let Some(command) = &missing.command {
            let _ = writeln!(text, "  {command}");
        }
    }
}

/// Tells an explanation for people.
fn story(explanation: &Explanation) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", explanation.verdict);
    section(&mut text, "event", &explanation.event);
    if let Some(attribution) = &explanation.attribution {
        section(&mut text, "attribution", attribution);
    }
    if !explanation.chain.is_empty() {
        let steps = explanation.chain.iter().map(serde_json::to_value);
        let rows: Vec<Value> = steps.filter_map(Result::ok).collect();
        list(&mut text, "chain", &rows);
    }
    if !explanation.evidence.is_empty() {
        text.push_str("\nevidence\n");
    }
    for fact in &explanation.evidence {
        let _ = writeln!(
            text,
            "  {}: {}",
            fact.fact,
            fact.detail.as_deref().unwrap_or("")
        );
        if let Some(event) = &fact.event {
            for (name, value) in shown(event) {
                let _ = writeln!(text, "    {name:22} {value}");
            }
        } else if let Some(id) = &fact.event_id {
            let _ = writeln!(text, "    {:22} {id}", "event_id");
        }
    }
    more_certain(&mut text, &explanation.missing);
    text
}

fn section(text: &mut String, title: &str, row: &Value) {
    let _ = writeln!(text, "\n{title}");
    for (name, value) in shown(row) {
        let _ = writeln!(text, "  {name:24} {value}");
    }
}

/// Members that have a value, texts without quotes and without control characters.
fn shown(row: &Value) -> Vec<(String, String)> {
    let Some(row) = row.as_object() else {
        return Vec::new();
    };
    row.iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), plain(&value))
        })
        .collect()
}

/// A text of a record, without control characters.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect()
}
