//! What the roles of a workload may do, beside what it did with them.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use serde::Serialize;
use serde_json::Value;

use super::UsedByRole;
use crate::engine::Session;
use crate::error::{Error, Result};
use crate::explain::literal;
use crate::trust::many;

/// A role that a workload used as its own, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantedRole {
    /// The role.
    pub role_arn: String,
    /// When its policies were seen last (RFC 3339). None where no inventory shows them: then nothing is known of
    /// what it may do.
    pub observed_at: Option<String>,
    /// Its policies.
    pub policies: Vec<GrantedPolicy>,
    /// What they allow, in the order of actions; a boundary and statements that deny are not taken off.
    pub allows: Vec<Allowed>,
    /// Actions that the workload used with it though none of its policies allows them: allowed by the resource,
    /// or by a policy that has gone since. Empty where not all of its policies are known.
    pub allowed_elsewhere: Vec<String>,
}

/// A policy of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantedPolicy {
    /// Its name.
    pub name: String,
    /// ARN of a managed policy.
    pub arn: Option<String>,
    /// `inline`, `managed`, or `boundary`: the permissions boundary.
    pub kind: String,
    /// Its text; none where it was not seen.
    pub document: Option<Value>,
}

/// An action that policies of a role allow, and what of it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// The action as it stands there, such as `s3:Get*`.
    pub action: String,
    /// Actions that it excepts (`NotAction`).
    pub except: Vec<String>,
    /// Actions that fit it and that the workload used with the role. Others may use the role too.
    pub used: Vec<String>,
}

/// Reads what roles may do, beside what was used with each.
///
/// # Errors
/// Fails when the store cannot be read.
pub(super) async fn of_roles(session: &Session, used: &UsedByRole) -> Result<Vec<GrantedRole>> {
    if used.is_empty() {
        return Ok(Vec::new());
    }
    let arns: Vec<String> = used.keys().map(|arn| literal(arn)).collect();
    let query = format!(
        "SELECT roles.role_arn, CAST(policies_observed_at AS VARCHAR), kind, policy_name, policy_arn, document
         FROM roles LEFT JOIN role_policies AS policies ON policies.role_arn = roles.role_arn
         WHERE policies_observed_at IS NOT NULL AND roles.role_arn IN ({})
         ORDER BY 1, 3, 4, 5",
        arns.join(", ")
    );
    let mut known: BTreeMap<String, (String, Vec<GrantedPolicy>)> = BTreeMap::new();
    for batch in session.rows(&query).await? {
        let text = |at: usize| -> Result<StringArray> {
            let column = cast(batch.column(at), &DataType::Utf8)
                .map_err(|error| Error::from_engine("read the policies", error.into()))?;
            Ok(column.as_string::<i32>().clone())
        };
        let columns = (0..6).map(text).collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            let value = |at: usize| {
                let column = &columns[at];
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            let role = known.entry(value(0).unwrap_or_default());
            let (_, policies) = role.or_insert_with(|| (value(1).unwrap_or_default(), Vec::new()));
            policies.extend(value(2).map(|kind| GrantedPolicy {
                name: value(3).unwrap_or_default(),
                arn: value(4),
                kind,
                document: value(5).and_then(|text| serde_json::from_str(&text).ok()),
            }));
        }
    }
    let roles = used.iter().map(|(role_arn, used)| {
        let (observed_at, policies) = match known.remove(role_arn) {
            Some((observed_at, policies)) => (Some(observed_at), policies),
            None => (None, Vec::new()),
        };
        compared(role_arn, observed_at, policies, used)
    });
    Ok(roles.collect())
}

fn compared(
    role_arn: &str,
    observed_at: Option<String>,
    policies: Vec<GrantedPolicy>,
    used: &BTreeSet<String>,
) -> GrantedRole {
    let granting = || policies.iter().filter(|policy| policy.kind != "boundary");
    let mut allows: BTreeMap<(String, Vec<String>), BTreeSet<&String>> = BTreeMap::new();
    for (action, except) in granting()
        .filter_map(|policy| policy.document.as_ref())
        .flat_map(allowed)
    {
        let fits = |one: &&String| {
            fits(&action, one) && !except.iter().any(|excepted| fits(excepted, one))
        };
        let fitting: BTreeSet<&String> = used.iter().filter(fits).collect();
        allows.entry((action, except)).or_default().extend(fitting);
    }
    let all_known = observed_at.is_some() && granting().all(|policy| policy.document.is_some());
    let covered: BTreeSet<&String> = allows.values().flatten().copied().collect();
    let elsewhere = used
        .iter()
        .filter(|one| all_known && !covered.contains(one));
    let allowed_elsewhere = elsewhere.cloned().collect();
    let allows = allows.into_iter().map(|((action, except), used)| Allowed {
        action,
        except,
        used: used.into_iter().cloned().collect(),
    });
    let allows = allows.collect();
    GrantedRole {
        role_arn: role_arn.to_owned(),
        observed_at,
        policies,
        allows,
        allowed_elsewhere,
    }
}

/// The actions that a policy allows, each with what it excepts.
fn allowed(document: &Value) -> Vec<(String, Vec<String>)> {
    let statements = document.get("Statement").into_iter().flat_map(many);
    let allowing = statements
        .filter(|statement| statement.get("Effect").and_then(Value::as_str) == Some("Allow"));
    let texts = |value: &Value| -> Vec<String> {
        let texts = many(value).filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    allowing
        .flat_map(|statement| {
            let actions = statement.get("Action").map(texts).unwrap_or_default();
            let actions = actions.into_iter().map(|action| (action, Vec::new()));
            let all_but = statement.get("NotAction").map(texts);
            actions.chain(all_but.map(|except| ("*".to_owned(), except)))
        })
        .collect()
}

/// Whether an action is one of those that a pattern means. Case does not matter; `*` stands for any text and `?` for
/// one character. Source: IAM user guide, "IAM JSON policy elements: Action".
fn fits(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.as_bytes(), action.as_bytes());
    let (mut at, mut place) = (0, 0);
    // Where the last star stands, and up to where it reaches.
    let mut star: Option<(usize, usize)> = None;
    while place < action.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(one) if *one == b'?' || one.eq_ignore_ascii_case(&action[place]) => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((star_at, reach)) = &mut star else {
                    return false;
                };
                *reach += 1;
                (at, place) = (*star_at + 1, *reach);
            }
        }
    }
    pattern[at..].iter().all(|one| *one == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_mean_actions() {
        for (pattern, action, expected) in [
            ("s3:Get*", "s3:GetObject", true),
            ("S3:get*", "s3:GetObject", true),
            ("s3:Get*", "s3:PutObject", false),
            ("*", "s3:GetObject", true),
            ("*:*", "s3:GetObject", true),
            ("s3:*Object", "s3:GetObject", true),
            ("s3:*Object", "s3:GetObjectTagging", false),
            ("s3:*Obj*Tag*", "s3:GetObjectVersionTagging", true),
            ("s3:GetObjec?", "s3:GetObject", true),
            ("s3:GetObject?", "s3:GetObject", false),
            ("", "s3:GetObject", false),
            ("s3:GetObject**", "s3:GetObject", true),
        ] {
            assert_eq!(fits(pattern, action), expected, "{pattern} {action}");
        }
    }

    proptest! {
        #[test]
        fn an_action_fits_itself_with_any_part_starred(action in "[a-z]{1,5}:[A-Za-z]{1,12}", from in 0_usize..18, length in 0_usize..18) {
            let from = from.min(action.len());
            let to = (from + length).min(action.len());
            let starred = format!("{}*{}", &action[..from], &action[to..]);
            prop_assert!(fits(&starred, &action));
            let extended = format!("{action}X");
            prop_assert!(!fits(&action, &extended));
        }
    }

    fn policy(kind: &str, document: Option<Value>) -> GrantedPolicy {
        GrantedPolicy {
            name: kind.to_owned(),
            arn: None,
            kind: kind.to_owned(),
            document,
        }
    }

    fn seen(policies: Vec<GrantedPolicy>, used: &[&str]) -> GrantedRole {
        let used = used.iter().map(|&one| one.to_owned()).collect();
        let at = Some("2026-05-01T00:00:00Z".to_owned());
        compared("arn:aws:iam::111122223333:role/r", at, policies, &used)
    }

    #[test]
    fn what_is_allowed_stands_beside_what_was_used() {
        let inline = json!({"Statement": [
            {"Effect": "Allow", "Action": ["s3:Get*", "sqs:*"], "Resource": "*"},
            {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"},
        ]});
        let managed = json!({"Statement": {"Effect": "Allow", "NotAction": ["iam:*", "s3:*"], "Resource": "*"}});
        let boundary =
            json!({"Statement": {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}});
        let policies = vec![
            policy("inline", Some(inline)),
            policy("managed", Some(managed)),
            policy("boundary", Some(boundary)),
        ];
        let role = seen(
            policies.clone(),
            &["s3:GetObject", "s3:PutObject", "kms:Decrypt"],
        );
        let allows: Vec<_> = role
            .allows
            .iter()
            .map(|one| (one.action.as_str(), one.except.len(), one.used.join(" ")))
            .collect();
        assert_eq!(
            allows,
            [
                ("*", 2, "kms:Decrypt".to_owned()),
                ("s3:Get*", 0, "s3:GetObject".to_owned()),
                ("sqs:*", 0, String::new()),
            ]
        );
        assert_eq!(role.allowed_elsewhere, ["s3:PutObject"]);

        // What a policy that was not seen allows is not known.
        let more = [policies, vec![policy("managed", None)]].concat();
        assert_eq!(seen(more, &["s3:PutObject"]).allowed_elsewhere, [""; 0]);
    }

    #[test]
    fn a_role_whose_policies_were_not_seen_allows_nothing_known() {
        let used = BTreeSet::from(["s3:GetObject".to_owned()]);
        let role = compared("r", None, Vec::new(), &used);
        assert_eq!((role.allows.len(), role.allowed_elsewhere.len()), (0, 0));
    }
}
