//! The SQL functions of podtrail.

mod caller;
mod seen_calls;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListBuilder, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::prelude::SessionContext;
use serde_json::{Map, Value};

use crate::rules::NodeAgentRules;
use crate::{candidates, fallback, namesakes, sdk, text, trust};

/// Arguments of one row.
type Row<'a> = &'a [Option<&'a str>];

/// Gives the list of a row.
type ListBody = dyn Fn(Row<'_>) -> Option<Vec<String>> + Send + Sync;

/// What a function does with a row.
#[derive(Clone)]
enum Body {
    Text(Arc<dyn Fn(Row<'_>) -> Option<String> + Send + Sync>),
    Flag(Arc<dyn Fn(Row<'_>) -> Option<bool> + Send + Sync>),
    /// Microseconds since the epoch, UTC.
    Time(Arc<dyn Fn(Row<'_>) -> Option<i64> + Send + Sync>),
    List(Arc<ListBody>),
}

/// A function of texts.
struct TextFunction {
    name: &'static str,
    signature: Signature,
    body: Body,
}

impl std::fmt::Debug for TextFunction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TextFunction")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

// Functions are told apart by name: each is registered once.
impl PartialEq for TextFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for TextFunction {}
impl Hash for TextFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for TextFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(match self.body {
            Body::Text(_) => DataType::Utf8,
            Body::Flag(_) => DataType::Boolean,
            Body::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Body::List(_) => DataType::new_list(DataType::Utf8, true),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let scalar = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { args.number_rows };
        let arrays = args
            .args
            .iter()
            .map(|arg| Ok(cast(&arg.to_array(rows)?, &DataType::Utf8)?))
            .collect::<DfResult<Vec<ArrayRef>>>()?;
        let texts: Vec<&StringArray> = arrays.iter().map(AsArray::as_string).collect();
        let each = |row: usize| -> Vec<Option<&str>> {
            texts
                .iter()
                .map(|text| text.is_valid(row).then(|| text.value(row)))
                .collect()
        };
        let result: ArrayRef = match &self.body {
            Body::Text(body) => Arc::new(
                (0..rows)
                    .map(|row| body(&each(row)))
                    .collect::<StringArray>(),
            ),
            Body::Flag(body) => Arc::new(
                (0..rows)
                    .map(|row| body(&each(row)))
                    .collect::<BooleanArray>(),
            ),
            Body::Time(body) => Arc::new(
                (0..rows)
                    .map(|row| body(&each(row)))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
            Body::List(body) => {
                let mut lists = ListBuilder::new(StringBuilder::new());
                for row in 0..rows {
                    let list = body(&each(row));
                    lists.append_option(list.map(|list| list.into_iter().map(Some)));
                }
                Arc::new(lists.finish())
            }
        };
        if scalar {
            return datafusion::common::ScalarValue::try_from_array(&result, 0)
                .map(ColumnarValue::Scalar);
        }
        Ok(ColumnarValue::Array(result))
    }
}

/// One SQL function, as `system.functions` shows it.
#[derive(Debug, Clone, Copy)]
pub struct FunctionDoc {
    /// Name and arguments.
    pub usage: &'static str,
    /// What it gives, one sentence.
    pub doc: &'static str,
}

impl FunctionDoc {
    /// Gives the function's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.usage.split('(').next().unwrap_or(self.usage)
    }
}

/// The functions that podtrail adds to SQL. Those from `json_get` on come with the crate
/// `datafusion-functions-json`.
pub const FUNCTIONS: [FunctionDoc; 40] = [
    FunctionDoc {
        usage: "role_name(arn)",
        doc: "Name of the role behind a role or role session ARN, without its path.",
    },
    FunctionDoc {
        usage: "plain_role_arn(arn)",
        doc: "ARN of a role without the role's path.",
    },
    FunctionDoc {
        usage: "assumed_role_arn(role_arn, session_name)",
        doc: "ARN of a role's session.",
    },
    FunctionDoc {
        usage: "oidc_issuer(provider)",
        doc: "Issuer (host and path) of an IAM OIDC provider ARN.",
    },
    FunctionDoc {
        usage: "is_eks_issuer(issuer)",
        doc: "True for the OIDC issuer of an EKS cluster.",
    },
    FunctionDoc {
        usage: "is_instance_id(text)",
        doc: "True for the id of an EC2 instance or hybrid node, which also names its role session.",
    },
    FunctionDoc {
        usage: "is_kube2iam_session(session_name, role_arn)",
        doc: "True for the name that kube2iam gives to a session of the role.",
    },
    FunctionDoc {
        usage: "is_pod_identity_session(session_name)",
        doc: "True for a session name that EKS Pod Identity gives.",
    },
    FunctionDoc {
        usage: "service_account_namespace(subject)",
        doc: "Namespace in system:serviceaccount:NAMESPACE:NAME.",
    },
    FunctionDoc {
        usage: "service_account_name(subject)",
        doc: "Service account in system:serviceaccount:NAMESPACE:NAME.",
    },
    FunctionDoc {
        usage: "external_id_part(external_id, part)",
        doc: "region, account, cluster, namespace or service_account of a Pod Identity external id.",
    },
    FunctionDoc {
        usage: "cluster_arn(name, account_id, region)",
        doc: "ARN of an EKS cluster; account and region may be null or empty.",
    },
    FunctionDoc {
        usage: "cluster_name(cluster)",
        doc: "Name of a cluster that is called by its name or its ARN.",
    },
    FunctionDoc {
        usage: "cluster_identity(name, account_id, region, arns)",
        doc: "What views call a cluster: its name, or of the ARNs of several with that name, one a line, the only one that account and region fit; null where several do.",
    },
    FunctionDoc {
        usage: "is_denied(error_code)",
        doc: "True for the error code of a call refused for lack of permission.",
    },
    FunctionDoc {
        usage: "json_text(json, member, …)",
        doc: "Text at a path of a JSON column; null where there is none.",
    },
    FunctionDoc {
        usage: "json_list(json, member, …)",
        doc: "Elements of the list at a path of a JSON column, each as text; for unnest().",
    },
    FunctionDoc {
        usage: "json_time(text)",
        doc: "Time of an RFC 3339 text; null where it is none.",
    },
    FunctionDoc {
        usage: "trusted_service_accounts(trust_policy)",
        doc: "Service accounts that an IAM trust policy trusts, as JSON: issuer, namespace, service_account, wildcard.",
    },
    FunctionDoc {
        usage: "user_agent_program(user_agent)",
        doc: "User agent without what changes from call to call: the program that made the call.",
    },
    FunctionDoc {
        usage: "is_from_imds(user_agent)",
        doc: "True where the SDK says in the user agent that the instance metadata service gave it the credentials.",
    },
    FunctionDoc {
        usage: "sdk_too_old(user_agents, binding)",
        doc: "Of user agents, one a line, the first whose SDK is too old for irsa or pod_identity: its program, SDK, version and least version as JSON; null where none is.",
    },
    FunctionDoc {
        usage: "fallback_id(cluster, role_arn, …)",
        doc: "Name of a row of fallbacks.",
    },
    FunctionDoc {
        usage: "fallback_fix(cause, cluster, region, account_id, namespace, service_account, oidc_issuer, role_arn, binding, workload, too_old, containers, agent_seen, seen_calls)",
        doc: "What to do about a fallback as JSON: summary, commands, terraform, policy, policy_notes, notes.",
    },
    FunctionDoc {
        usage: "seen_calls(event_source, event_name, error_code, event_category, aws_region, account_id, resource)",
        doc: "Calls put together as JSON, an aggregate: calls that are alike once, with the resources they were about, up to 64.",
    },
    FunctionDoc {
        usage: "fallback_search(cluster, nodes, first_seen, last_seen, user_agents, candidates, inventory)",
        doc: "How to find out who is behind a fallback whose workload is not known, as JSON of the same members as that of fallback_fix.",
    },
    FunctionDoc {
        usage: "candidates_told(candidates)",
        doc: "Candidates as the search for pods lists them, with what their reasons say.",
    },
    FunctionDoc {
        usage: "candidates_text(candidates)",
        doc: "Candidates of a fallback in words: each with its score and what its reasons are called.",
    },
    FunctionDoc {
        usage: "evidence(fact, event_id, detail, …)",
        doc: "JSON list of facts; a triple whose fact is null is left out.",
    },
    FunctionDoc {
        usage: "node_agent_rule(event_source, event_name, user_agent, issued_session_name, issued_role_arn)",
        doc: "Name of the first node agent rule that fits a call.",
    },
    FunctionDoc {
        usage: "caller_id(access_key_id, identity_arn, session_created_at, session_issuer_arn, session_name, federated_provider, identity_type, invoked_by)",
        doc: "Name of a row of callers: the credentials that a call was made with.",
    },
    FunctionDoc {
        usage: "json_get_str(json, key, …)",
        doc: "Text at a path of a JSON column, keys or positions; null where it is none.",
    },
    FunctionDoc {
        usage: "json_get_int(json, key, …)",
        doc: "Whole number at a path of a JSON column; null where it is none.",
    },
    FunctionDoc {
        usage: "json_get_float(json, key, …)",
        doc: "Number at a path of a JSON column; null where it is none.",
    },
    FunctionDoc {
        usage: "json_get_bool(json, key, …)",
        doc: "Boolean at a path of a JSON column; null where it is none.",
    },
    FunctionDoc {
        usage: "json_get_json(json, key, …)",
        doc: "What is at a path of a JSON column, as JSON text. The operators -> and ->> of PostgreSQL work as well.",
    },
    FunctionDoc {
        usage: "json_as_text(json, key, …)",
        doc: "What is at a path of a JSON column, as text whatever it is; the operator ->>.",
    },
    FunctionDoc {
        usage: "json_contains(json, key, …)",
        doc: "True where a JSON column has the path; the operator ?.",
    },
    FunctionDoc {
        usage: "json_length(json, key, …)",
        doc: "Number of elements of the list or object at a path of a JSON column.",
    },
    FunctionDoc {
        usage: "json_object_keys(json, key, …)",
        doc: "Keys of the object at a path of a JSON column, as a list.",
    },
];

/// Registers the functions and operators on JSON columns.
pub(crate) fn register_json(context: &SessionContext) -> crate::error::Result<()> {
    let state = context.state_ref();
    let mut state = state.write();
    datafusion_functions_json::register_all(&mut *state)
        .map_err(|error| crate::error::Error::from_engine("register the JSON functions", error))
}

/// Registers every function.
pub(crate) fn register(context: &SessionContext, rules: &Arc<NodeAgentRules>) {
    let rules = Arc::clone(rules);
    let functions = [
        text_function("role_name", 1, |row| {
            text::role_name(row[0]?).map(str::to_owned)
        }),
        text_function("plain_role_arn", 1, |row| text::plain_role_arn(row[0]?)),
        text_function("assumed_role_arn", 2, |row| {
            text::assumed_role_arn(row[0]?, row[1]?)
        }),
        text_function("oidc_issuer", 1, |row| {
            text::oidc_issuer(row[0]?).map(str::to_owned)
        }),
        flag_function("is_eks_issuer", 1, |row| row[0].map(text::is_eks_issuer)),
        flag_function("is_instance_id", 1, |row| row[0].map(text::is_instance_id)),
        flag_function("is_kube2iam_session", 2, |row| {
            Some(text::is_kube2iam_session(
                row[0].unwrap_or_default(),
                row[1].unwrap_or_default(),
            ))
        }),
        flag_function("is_denied", 1, |row| {
            Some(row[0].is_some_and(text::is_denied))
        }),
        flag_function("is_pod_identity_session", 1, |row| {
            row[0].map(text::is_pod_identity_session)
        }),
        text_function("service_account_namespace", 1, |row| {
            text::service_account(row[0]?).map(|(namespace, _)| namespace.to_owned())
        }),
        text_function("service_account_name", 1, |row| {
            text::service_account(row[0]?).map(|(_, name)| name.to_owned())
        }),
        text_function("external_id_part", 2, |row| {
            text::external_id_part(row[0]?, row[1]?).map(str::to_owned)
        }),
        text_function("cluster_arn", 3, |row| {
            Some(namesakes::arn(row[0]?, row[1], row[2]))
        }),
        text_function("cluster_name", 1, |row| {
            row[0].map(|cluster| namesakes::name(cluster).to_owned())
        }),
        text_function("cluster_identity", 4, |row| {
            namesakes::identity(row[0]?, row[1], row[2], row[3])
        }),
        variadic("json_text", |row| {
            let (json, path) = json_path(row)?;
            text::json_text(json, &path)
        }),
        list_function("json_list", |row| {
            let (json, path) = json_path(row)?;
            text::json_list(json, &path)
        }),
        list_function("trusted_service_accounts", |row| {
            trust::trusted_service_accounts((*row.first()?)?)
        }),
        time_function("json_time", |row| {
            let time = chrono::DateTime::parse_from_rfc3339(row[0]?).ok()?;
            Some(time.timestamp_micros())
        }),
        text_function("user_agent_program", 1, |row| Some(sdk::program(row[0]?))),
        flag_function("is_from_imds", 1, |row| row[0].map(sdk::is_from_imds)),
        text_function("sdk_too_old", 2, |row| {
            fallback::sdk_too_old(row[0]?, row[1]?)
        }),
        variadic("fallback_id", |row| Some(fallback::id(row))),
        variadic("fallback_fix", fallback::fix),
        variadic("fallback_search", fallback::search),
        text_function("candidates_told", 1, |row| candidates::told(row[0]?)),
        text_function("candidates_text", 1, |row| {
            fallback::candidates_text(row[0]?)
        }),
        variadic("evidence", |row| Some(evidence(row))),
        text_function("node_agent_rule", 5, move |row| {
            rules
                .find(row[0], row[1], row[2], row[3], row[4])
                .map(str::to_owned)
        }),
    ];
    for function in functions {
        context.register_udf(ScalarUDF::from(function));
    }
    context.register_udf(ScalarUDF::from(caller::CallerId::new()));
    context.register_udaf(AggregateUDF::from(seen_calls::SeenCallsFunction::new()));
}

/// Splits the arguments of a JSON function: the text, and the path in it.
fn json_path(row: Row<'_>) -> Option<(&str, Vec<&str>)> {
    let (json, path) = row.split_first()?;
    Some(((*json)?, path.iter().copied().collect::<Option<_>>()?))
}

fn text_function(
    name: &'static str,
    arguments: usize,
    body: impl Fn(Row<'_>) -> Option<String> + Send + Sync + 'static,
) -> TextFunction {
    let signature = Signature::string(arguments, Volatility::Immutable);
    TextFunction {
        name,
        signature,
        body: Body::Text(Arc::new(body)),
    }
}

fn flag_function(
    name: &'static str,
    arguments: usize,
    body: impl Fn(Row<'_>) -> Option<bool> + Send + Sync + 'static,
) -> TextFunction {
    let signature = Signature::string(arguments, Volatility::Immutable);
    TextFunction {
        name,
        signature,
        body: Body::Flag(Arc::new(body)),
    }
}

fn time_function(
    name: &'static str,
    body: impl Fn(Row<'_>) -> Option<i64> + Send + Sync + 'static,
) -> TextFunction {
    TextFunction {
        name,
        signature: Signature::string(1, Volatility::Immutable),
        body: Body::Time(Arc::new(body)),
    }
}

fn list_function(
    name: &'static str,
    body: impl Fn(Row<'_>) -> Option<Vec<String>> + Send + Sync + 'static,
) -> TextFunction {
    TextFunction {
        name,
        signature: Signature::variadic_any(Volatility::Immutable),
        body: Body::List(Arc::new(body)),
    }
}

fn variadic(
    name: &'static str,
    body: impl Fn(Row<'_>) -> Option<String> + Send + Sync + 'static,
) -> TextFunction {
    let signature = Signature::variadic_any(Volatility::Immutable);
    TextFunction {
        name,
        signature,
        body: Body::Text(Arc::new(body)),
    }
}

/// Makes the JSON list of the `evidence` column.
fn evidence(row: Row<'_>) -> String {
    let facts: Vec<Value> = row
        .chunks(3)
        .filter_map(|triple| {
            let mut fact = Map::new();
            fact.insert("fact".to_owned(), triple.first().copied().flatten()?.into());
            for (key, value) in ["event_id", "detail"]
                .into_iter()
                .zip(triple.iter().skip(1))
            {
                if let Some(value) = value {
                    fact.insert(key.to_owned(), (*value).into());
                }
            }
            Some(Value::Object(fact))
        })
        .collect();
    Value::Array(facts).to_string()
}

#[cfg(test)]
mod tests;
