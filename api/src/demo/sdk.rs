//! User agents and default role session names of the AWS SDKs.

use super::rng::Rng;

/// An SDK, with the version this cast uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sdk {
    /// AWS CLI version 2.
    Cli,
    Boto3,
    /// A boto3 of before the user agent carried feature codes.
    Boto3Old,
    /// A boto3 that knows neither IRSA (1.9.220) nor IMDSv2.
    Boto3Ancient,
    /// AWS SDK for Go, version 1, with the text a program appends.
    Go1(&'static str),
    /// AWS SDK for Go, version 2, with the text a program inserts.
    Go2(&'static str),
    /// The same, of before credential sources were counted.
    Go2Old(&'static str),
    /// A version 1 that does not know IRSA (1.11.704), but IMDSv2 (1.11.678).
    Java1,
    Java2,
    /// A version 2 that does not know Pod Identity (2.21.30).
    Java2Old,
    /// A version 2 that does not know Pod Identity (2.1550.0).
    Js2,
    /// The last version 2.
    Js2Last,
    Js3,
    Php,
    Rust,
}

/// Where the SDK found its credentials. The user agent tells through feature
/// codes (`m/…`), in SDKs that are new enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    WebIdentity,
    /// The request for a web identity session itself, before there are any.
    Token,
    Container,
    Imds,
    /// Access keys in the environment.
    Keys,
    /// IAM Identity Center through a profile.
    Sso,
    /// A role assumed from web identity credentials.
    AssumeRole,
}

impl Sdk {
    fn codes(self, source: Source) -> &'static str {
        match (source, self) {
            // Go gives its list of sources up to the environment only.
            (Source::WebIdentity, Self::Go2(_)) | (Source::Token, _) => "h",
            (Source::WebIdentity, _) => "h,k",
            (Source::Container, _) => "z",
            (Source::Imds, _) => "0",
            (Source::Keys, _) => "g",
            (Source::Sso, _) => "r,s",
            (Source::AssumeRole, Self::Go2(_)) => "h,i",
            (Source::AssumeRole, _) => "h,i,k",
        }
    }

    /// Returns the user agent of a call. `api` is the SDK's name of the
    /// service, `command` the one of the AWS CLI (`s3.ls`).
    pub(super) fn agent(self, source: Source, api: &str, command: &str) -> String {
        let codes = self.codes(source);
        match self {
            Self::Cli => format!(
                "aws-cli/2.31.9 md/awscrt#0.27.6 ua/2.1 os/linux#6.12.40-63.114.amzn2023.x86_64 \
                 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython \
                 m/E,b,Z,{codes} cfg/retry-mode#standard md/installer#exe md/prompt#off \
                 md/command#{command}"
            ),
            Self::Boto3 => format!(
                "Boto3/1.40.61 md/Botocore#1.40.61 ua/2.1 os/linux#6.12.40-63.114.amzn2023.x86_64 \
                 md/arch#x86_64 lang/python#3.12.11 md/pyimpl#CPython m/Z,b,D,{codes} \
                 cfg/retry-mode#legacy Botocore/1.40.61"
            ),
            Self::Boto3Old => "Boto3/1.24.59 Python/3.8.18 \
                 Linux/6.12.40-63.114.amzn2023.x86_64 Botocore/1.27.59"
                .to_owned(),
            Self::Boto3Ancient => "Boto3/1.9.143 Python/3.6.8 \
                 Linux/6.12.40-63.114.amzn2023.x86_64 Botocore/1.12.143"
                .to_owned(),
            Self::Go1(extra) => format!("aws-sdk-go/1.44.322 (go1.19.12; linux; amd64){extra}"),
            Self::Go2(extra) => format!(
                "aws-sdk-go-v2/1.39.4 ua/2.1 os/linux lang/go#1.24.9 md/GOOS#linux \
                 md/GOARCH#amd64 api/{api}#1.50.2{extra} m/E,{codes}"
            ),
            Self::Go2Old(extra) => format!(
                "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.5 md/GOOS#linux \
                 md/GOARCH#amd64 api/{api}#1.45.0{extra} m/C,E"
            ),
            Self::Java1 => "aws-sdk-java/1.11.690 Linux/6.12.40-63.114.amzn2023.x86_64 \
                 OpenJDK_64-Bit_Server_VM/25.392-b08 java/1.8.0_392 vendor/Amazon.com_Inc. \
                 cfg/retry-mode/legacy"
                .to_owned(),
            Self::Java2 => format!(
                "aws-sdk-java/2.34.5 ua/2.1 api/{api}#2.34.5 \
                 os/Linux#6.12.40-63.114.amzn2023.x86_64 lang/java#21.0.8 \
                 md/OpenJDK_64-Bit_Server_VM#21.0.8+9-LTS md/vendor#Amazon.com_Inc. \
                 md/en_US m/D,N,{codes}"
            ),
            Self::Java2Old => "aws-sdk-java/2.20.74 Linux/6.12.40-63.114.amzn2023.x86_64 \
                 OpenJDK_64-Bit_Server_VM/17.0.10+7 Java/17.0.10 kotlin \
                 vendor/Eclipse_Adoptium io/sync http/Apache cfg/retry-mode/legacy"
                .to_owned(),
            Self::Js2 => "aws-sdk-nodejs/2.1390.0 linux/v16.20.2 promise".to_owned(),
            Self::Js2Last => "aws-sdk-nodejs/2.1692.0 linux/v18.20.8 promise".to_owned(),
            Self::Php => "aws-sdk-php/3.356.17 ua/2.1 OS/Linux#6.12.40 lang/php#8.3.25 \
                 GuzzleHttp/7"
                .to_owned(),
            Self::Js3 => format!(
                "aws-sdk-js/3.899.0 ua/2.1 os/linux#6.12.40-63.114.amzn2023.x86_64 lang/js \
                 md/nodejs#22.19.0 api/{api}#3.899.0 m/E,T,{codes}"
            ),
            Self::Rust => format!(
                "aws-sdk-rust/1.3.14 ua/2.1 api/{api}#1.88.0 os/linux lang/rust#1.94.1 \
                 m/E,b,{codes}"
            ),
        }
    }

    /// Returns the session name that the SDK makes up for a web identity.
    pub(super) fn session_name(self, at: i64, rng: &mut Rng) -> String {
        let fraction = rng.below(1_000_000_000);
        let millis = at * 1000 + (fraction / 1_000_000).cast_signed();
        match self {
            Self::Cli | Self::Boto3 | Self::Boto3Old | Self::Boto3Ancient => {
                format!("botocore-session-{at}")
            }
            Self::Go1(_) | Self::Go2(_) | Self::Go2Old(_) => format!("{at}{fraction:09}"),
            Self::Java1 | Self::Java2 | Self::Java2Old => format!("aws-sdk-java-{millis}"),
            Self::Js2 | Self::Js2Last => "token-file-web-identity".to_owned(),
            Self::Php => format!("aws-sdk-php-{millis}"),
            Self::Js3 => format!("aws-sdk-js-session-{millis}"),
            Self::Rust => format!("web-identity-token-{millis}"),
        }
    }
}

#[cfg(test)]
mod tests;
