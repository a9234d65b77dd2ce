//! What a user agent says of the AWS SDK and the program behind a call.
//!
//! Formats: AWS SDKs and Tools reference guide and the SDKs' own sources. A user agent is what the client
//! chose to send: it is evidence, never proof, of who called.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The rules that ship with podtrail.
const SDK_MINIMUMS: &str = include_str!("rules/sdk_minimums.toml");

/// Words of a user agent that can differ between two calls of one process: the service and operation
/// called, features used, retries, transports. Whole words, or starts that end in a sign.
const PER_CALL: [&str; 24] = [
    "api/",
    "m/",
    "ft/",
    "cfg/",
    "command/",
    "md/command#",
    "md/prompt#",
    "prompt/",
    "io/",
    "http/",
    "hll/",
    "lib/",
    "md/io#",
    "md/http#",
    "md/rb-",
    "md/internal",
    "PAGINATED/",
    "com.amazonaws.services.",
    "callback",
    "promise",
    "Resource",
    "S3Manager",
    "S3CryptoV1n",
    "S3CryptoV2",
];

/// One row of `rules/sdk_minimums.toml`, which explains the members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    title: String,
    language: String,
    tokens: Vec<String>,
    major: Option<u64>,
    irsa: Option<String>,
    irsa_certain: Option<String>,
    pod_identity: Option<String>,
    pod_identity_certain: Option<String>,
    source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sdk: Vec<Row>,
}

/// An SDK that a user agent names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sdk {
    /// Family and major version, such as `aws-sdk-java-v2`.
    pub name: String,
    /// The name that its documentation uses, such as `AWS SDK for Java 2.x`.
    pub title: String,
    /// Version, digits and dots.
    pub version: String,
    /// Programming language.
    pub language: String,
    /// Version of the language, as the user agent gives it.
    pub language_version: Option<String>,
}

/// Where an SDK found its credentials, from the codes in a user agent's `m/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CredentialSource {
    /// Given in code.
    Code,
    /// Java system properties.
    SystemProperties,
    /// Environment variables.
    Env,
    /// A web identity token: IRSA, on EKS.
    WebIdentity,
    /// A role was assumed with other credentials, which may be named as well.
    AssumeRole,
    /// STS federation or session token calls.
    Federation,
    /// A profile in a file.
    Profile,
    /// IAM Identity Center.
    Sso,
    /// A program that prints credentials.
    Process,
    /// The container endpoint: Pod Identity on EKS, the task role on ECS.
    Container,
    /// The instance metadata service: the node role.
    Imds,
    /// Cognito identities.
    Cognito,
    /// `aws login`.
    Login,
}

/// How a pod gets credentials of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// IAM roles for service accounts.
    Irsa,
    /// EKS Pod Identity.
    PodIdentity,
}

/// An SDK that cannot use a binding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TooOld {
    /// The SDK's title.
    pub sdk: String,
    /// The version seen.
    pub version: String,
    /// The first version that can.
    pub minimum: String,
}

/// Gives the SDK that a user agent names; none when it names none that the rules know.
#[must_use]
pub fn identify(user_agent: &str) -> Option<Sdk> {
    let (row, version) = find(user_agent)?;
    Some(Sdk {
        name: row.name.clone(),
        title: row.title.clone(),
        version: version.to_owned(),
        language: row.language.clone(),
        language_version: language_version(unwrapped(user_agent), &row.language),
    })
}

/// Gives the places that the SDK found its credentials in. Nothing means that the user agent does not
/// say: older SDKs and changed user agents have no codes.
#[must_use]
pub fn credential_sources(user_agent: &str) -> BTreeSet<CredentialSource> {
    unwrapped(user_agent)
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("m/"))
        .flat_map(|codes| codes.split(','))
        .filter_map(credential_source)
        .collect()
}

/// Tells whether the SDK says that the instance metadata service gave it the credentials.
#[must_use]
pub fn is_from_imds(user_agent: &str) -> bool {
    credential_sources(user_agent).contains(&CredentialSource::Imds)
}

/// Gives the SDK, and the version it must have, when the one in a user agent is too old for a binding;
/// none when it is new enough or nothing is known.
#[must_use]
pub fn too_old(user_agent: &str, binding: Binding) -> Option<TooOld> {
    let (row, version) = find(user_agent)?;
    let (minimum, certain) = match binding {
        Binding::Irsa => (&row.irsa, &row.irsa_certain),
        Binding::PodIdentity => (&row.pod_identity, &row.pod_identity_certain),
    };
    let minimum = minimum.as_ref()?;
    let certain = certain.as_ref().unwrap_or(minimum);
    (compare(version, certain) == Ordering::Less).then(|| TooOld {
        sdk: row.title.clone(),
        version: version.to_owned(),
        minimum: minimum.clone(),
    })
}

/// Gives a text that is the same for all calls of a process, and differs between most programs: the
/// user agent without what depends on the call.
#[must_use]
pub fn program(user_agent: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in unwrapped(user_agent).split_whitespace() {
        let per_call = PER_CALL.iter().any(|known| is_like(word, known)) || has_uuid(word);
        // Some SDKs write a word once for each layer that the call went through.
        if !per_call && !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" ")
}

fn is_like(word: &str, known: &str) -> bool {
    if known.ends_with(|last: char| last.is_ascii_alphanumeric()) {
        return word == known;
    }
    word.starts_with(known)
}

/// S3 writes user agents in brackets.
fn unwrapped(user_agent: &str) -> &str {
    let trimmed = user_agent.trim();
    trimmed
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(trimmed)
        .trim()
}

fn find(user_agent: &str) -> Option<(&'static Row, &str)> {
    // The rules ship with the program and are read by its tests.
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| built_in().unwrap_or_default());
    let agent = unwrapped(user_agent);
    // An AWS service that calls another one: not a client's SDK.
    if agent.starts_with("aws-internal/") {
        return None;
    }
    ROWS.iter().find_map(|row| {
        agent.split_whitespace().find_map(|word| {
            let version = row
                .tokens
                .iter()
                .find_map(|token| word.strip_prefix(token.as_str()))?;
            let version = version_of(version)?;
            let major = numbers(version).next();
            (row.major.is_none() || row.major == major).then_some((row, version))
        })
    })
}

fn built_in() -> Result<Vec<Row>> {
    parse("sdk_minimums.toml", SDK_MINIMUMS)
}

fn parse(file: &str, text: &str) -> Result<Vec<Row>> {
    let refuse = |reason: String| Error::Rules {
        file: file.to_owned(),
        reason,
    };
    let parsed: File = toml::from_str(text).map_err(|error| refuse(error.to_string()))?;
    for row in &parsed.sdk {
        let name = &row.name;
        if row.tokens.is_empty() {
            return Err(refuse(format!("sdk {name}: no tokens")));
        }
        if !row.source.starts_with("https://") {
            return Err(refuse(format!(
                "sdk {name}: source {} is no address",
                row.source
            )));
        }
        for (minimum, certain) in [
            (&row.irsa, &row.irsa_certain),
            (&row.pod_identity, &row.pod_identity_certain),
        ] {
            let compared = certain.as_ref().or(minimum.as_ref());
            if compared.is_some_and(|version| version_of(version) != Some(version)) {
                return Err(refuse(format!(
                    "sdk {name}: {compared:?} cannot be compared"
                )));
            }
            if certain.is_some() && minimum.is_none() {
                return Err(refuse(format!("sdk {name}: certain without a minimum")));
            }
        }
    }
    Ok(parsed.sdk)
}

/// Gives the digits and dots at the start of a text.
fn version_of(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let version = text.get(..end)?.trim_end_matches('.');
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some(version)
}

fn numbers(version: &str) -> impl Iterator<Item = u64> {
    version
        .split('.')
        .map(|part| part.parse().unwrap_or(u64::MAX))
}

/// Compares versions number by number; a missing number is 0.
fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (numbers(a), numbers(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => match left.unwrap_or(0).cmp(&right.unwrap_or(0)) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// Gives the language's version: `lang/go#1.24.5` in new user agents, each SDK's own form in old ones.
fn language_version(agent: &str, language: &str) -> Option<String> {
    let starts: &[&str] = match language {
        "Python" => &["lang/python#", "Python/"],
        "Go" => &["lang/go#", "(go"],
        "Java" => &["lang/java#", "Java/", "java/"],
        "JavaScript" => &["md/nodejs#", "linux/v", "darwin/v", "win32/v"],
        "Ruby" => &["lang/ruby#", "ruby/"],
        "Rust" => &["lang/rust#", "lang/rust/"],
        ".NET" => &["lang/.NET_Core#", "lang/.NET#", ".NET_Core/"],
        "PHP" => &["lang/php#", "lang/php/", "PHP/"],
        "Kotlin" => &["lang/kotlin#", "lang/kotlin/"],
        "C++" => &["lang/c++#"],
        _ => &[],
    };
    starts.iter().find_map(|start| {
        agent
            .split_whitespace()
            .find_map(|word| version_of(word.strip_prefix(start)?))
            .map(str::to_owned)
    })
}

/// Reads one code of `m/`. Source: the SDKs' common list of feature ids, `aws-runtime` of
/// smithy-lang/smithy-rs and `useragent.py` of botocore; case counts.
fn credential_source(code: &str) -> Option<CredentialSource> {
    Some(match code {
        "e" => CredentialSource::Code,
        "f" => CredentialSource::SystemProperties,
        "g" => CredentialSource::Env,
        "h" | "k" | "q" => CredentialSource::WebIdentity,
        "i" | "j" => CredentialSource::AssumeRole,
        "l" | "m" => CredentialSource::Federation,
        "n" | "o" | "p" | "x" | "y" => CredentialSource::Profile,
        "r" | "s" | "t" | "u" => CredentialSource::Sso,
        "v" | "w" => CredentialSource::Process,
        "z" => CredentialSource::Container,
        "0" => CredentialSource::Imds,
        "8" => CredentialSource::Cognito,
        "AC" | "AD" => CredentialSource::Login,
        _ => return None,
    })
}

/// Tells whether a word holds a UUID, which is made for a request or an invocation.
fn has_uuid(word: &str) -> bool {
    const FORM: &[u8] = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    word.as_bytes().windows(FORM.len()).any(|window| {
        window.iter().zip(FORM).all(|(byte, form)| {
            if *form == b'x' {
                byte.is_ascii_hexdigit()
            } else {
                byte == form
            }
        })
    })
}

#[cfg(test)]
mod tests;
