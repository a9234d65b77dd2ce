//! Ways into a cluster.

use std::io;
use std::path::{Path, PathBuf};

use kube::config::{ExecConfig, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::api::Api;
use super::{Error, ISSUER_PATH};

/// How to reach a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Access {
    /// As `kubectl` does: `KUBECONFIG` or `~/.kube/config`, else the service account of the pod this
    /// runs in.
    #[default]
    Default,
    /// The service account of the pod this runs in.
    InCluster,
    /// A kubeconfig file.
    Kubeconfig {
        /// The file; without it `KUBECONFIG` or `~/.kube/config`.
        path: Option<PathBuf>,
        /// The context; without it the current one.
        context: Option<String>,
    },
}

/// A cluster that can be asked.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(super) api: Api,
    /// Name or ARN of the cluster.
    pub(super) cluster: Option<String>,
}

impl Connection {
    /// URL of the API server.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.api.server
    }

    /// Name or ARN of the cluster, as the user or the kubeconfig says.
    #[must_use]
    pub fn cluster(&self) -> Option<&str> {
        self.cluster.as_deref()
    }

    /// Names the cluster of all that is collected from here on.
    #[must_use]
    pub fn named(mut self, cluster: &str) -> Self {
        self.cluster = Some(cluster.to_owned());
        self
    }

    /// The issuer of the cluster's service account tokens, a URL; `None` where it may not be read. For
    /// EKS it is the OIDC issuer of the cluster's description, which so names the cluster where nothing
    /// else does, as in a pod.
    pub async fn oidc_issuer(&self) -> Option<String> {
        let bytes = self.api.get(ISSUER_PATH).await.ok()?;
        let discovery: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        discovery.get("issuer")?.as_str().map(str::to_owned)
    }
}

/// Prepares to ask a cluster; nothing is asked yet. Its name is `cluster`, else what the kubeconfig that
/// `aws eks update-kubeconfig` writes says.
///
/// # Errors
/// [`Error::NoKubeconfig`] where there is none at the place that `access` names, [`Error::Kubeconfig`] where that is none,
/// [`Error::Access`] where no configuration is usable.
pub async fn connect(
    access: &Access,
    cluster: Option<&str>,
    clock: fn() -> i64,
) -> Result<Connection, Error> {
    let (mut config, found) = config(access).await?;
    // Bounded and counted here instead: the client's own retries wait up to 1000 s.
    config.default_retry = false;
    let server = config.cluster_url.to_string();
    let server = server.trim_end_matches('/').to_owned();
    let plugin = config.auth_info.exec.as_ref();
    let plugin = plugin.and_then(|exec| exec.command.clone());
    let plugin = plugin.map_or_else(String::new, |command| format!(", plugin {command}"));
    // Exec plugins run while the client is built, and block.
    let built = tokio::task::spawn_blocking(move || Client::try_from(config)).await;
    let client = built
        .map_err(|error| Error::Access(error.to_string()))?
        .map_err(|error| Error::Access(format!("{server}{plugin}: {error}")))?;
    Ok(Connection {
        api: Api::new(client, server, clock),
        cluster: cluster.map(str::to_owned).or(found),
    })
}

async fn config(access: &Access) -> Result<(Config, Option<String>), Error> {
    match access {
        Access::InCluster => in_cluster().map(|config| (config, None)),
        Access::Kubeconfig { path, context } => {
            let file = read(path.as_deref())?;
            from_file(file, context.clone()).await
        }
        Access::Default => match Kubeconfig::read() {
            Ok(file) if !file.contexts.is_empty() => from_file(file, None).await,
            Ok(_) => in_cluster().map(|config| (config, None)),
            Err(outside) => match in_cluster() {
                Ok(config) => Ok((config, None)),
                Err(inside) => Err(Error::Access(format!(
                    "no kubeconfig ({outside}) and not in a cluster ({inside}); \
                     run aws eks update-kubeconfig --name CLUSTER"
                ))),
            },
        },
    }
}

fn in_cluster() -> Result<Config, Error> {
    Config::incluster().map_err(|error| {
        Error::Access(format!(
            "not in a cluster, or the pod has no service account token: {error}"
        ))
    })
}

fn read(path: Option<&Path>) -> Result<Kubeconfig, Error> {
    let file = match path {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    file.map_err(|error| match (error, path) {
        (KubeconfigError::ReadConfig(source, path), _)
            if source.kind() == io::ErrorKind::NotFound =>
        {
            Error::NoKubeconfig(path)
        }
        (error, Some(path)) => Error::Kubeconfig {
            path: path.to_owned(),
            reason: match error {
                KubeconfigError::ReadConfig(source, _) => source.to_string(),
                error => error.to_string(),
            },
        },
        (error, None) => Error::Access(format!("kubeconfig: {error}")),
    })
}

async fn from_file(
    file: Kubeconfig,
    context: Option<String>,
) -> Result<(Config, Option<String>), Error> {
    let wanted = context.clone().or_else(|| file.current_context.clone());
    let cluster = wanted.as_deref().and_then(|name| cluster(&file, name));
    let known = file.contexts.iter().map(|entry| entry.name.clone());
    let known: Vec<String> = known.take(20).collect();
    let options = KubeConfigOptions {
        context,
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(file, &options).await;
    let config = config.map_err(|error| {
        let wanted = wanted.unwrap_or_else(|| "(none is current)".to_owned());
        let known = known.join(", ");
        Error::Access(format!(
            "kubeconfig, context {wanted}: {error}; contexts: {known}"
        ))
    })?;
    Ok((config, cluster))
}

/// The EKS cluster of a context: `aws eks update-kubeconfig` names the cluster entry by its ARN and
/// passes the name to the plugin; eksctl and `aws-iam-authenticator` only do the latter.
fn cluster(file: &Kubeconfig, context: &str) -> Option<String> {
    let entry = file.contexts.iter().find(|entry| entry.name == context)?;
    let context = entry.context.as_ref()?;
    let is_arn = |name: &&String| {
        name.starts_with("arn:") && name.contains(":eks:") && name.contains(":cluster/")
    };
    let arn = Some(&context.cluster).filter(is_arn);
    let arn = arn.or_else(|| Some(&entry.name).filter(is_arn));
    if let Some(arn) = arn {
        return Some(arn.clone());
    }
    let user = context.user.as_ref()?;
    let user = file.auth_infos.iter().find(|info| info.name == *user)?;
    plugin_cluster(user.auth_info.as_ref()?.exec.as_ref()?)
}

/// The name in `aws eks get-token --cluster-name NAME` or `aws-iam-authenticator token -i NAME`.
fn plugin_cluster(exec: &ExecConfig) -> Option<String> {
    let args = exec.args.as_ref()?;
    for (at, arg) in args.iter().enumerate() {
        if ["--cluster-name", "--cluster-id", "-i"].contains(&arg.as_str()) {
            return args.get(at + 1).cloned();
        }
        let inline = arg.strip_prefix("--cluster-name=");
        if let Some(name) = inline.or_else(|| arg.strip_prefix("--cluster-id=")) {
            return Some(name.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests;
