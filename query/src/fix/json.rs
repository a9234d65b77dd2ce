//! JSON in the order that policies are written in, whatever order a map keeps.

use serde_json::{Map, Value};

/// Members of policies that come before others, in order.
const FIRST: [&str; 10] = [
    "Version",
    "Id",
    "Sid",
    "Effect",
    "Principal",
    "Action",
    "Resource",
    "op",
    "path",
    "Condition",
];

/// Gives the members of an object in order.
pub(super) fn ordered(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut ordered: Vec<(&String, &Value)> = members.iter().collect();
    ordered.sort_by_key(|(name, _)| {
        let place = FIRST.iter().position(|first| first == name);
        (place.unwrap_or(FIRST.len()), *name)
    });
    ordered
}

/// Writes JSON for people to read.
pub(super) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Array(members) if !members.is_empty() => {
            text.push('[');
            for (at, member) in members.iter().enumerate() {
                start(at, depth, text);
                write(member, depth + 1, text);
            }
            end(depth, ']', text);
        }
        Value::Object(members) if !members.is_empty() => {
            text.push('{');
            for (at, (name, member)) in ordered(members).into_iter().enumerate() {
                start(at, depth, text);
                *text += &Value::from(name.as_str()).to_string();
                *text += ": ";
                write(member, depth + 1, text);
            }
            end(depth, '}', text);
        }
        plain => *text += &plain.to_string(),
    }
}

fn start(at: usize, depth: usize, text: &mut String) {
    if at > 0 {
        text.push(',');
    }
    text.push('\n');
    *text += &"  ".repeat(depth + 1);
}

fn end(depth: usize, sign: char, text: &mut String) {
    text.push('\n');
    *text += &"  ".repeat(depth);
    text.push(sign);
}
