//! A bucket as digests are verified in it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};

use super::client::{Bucket, Query};
use super::fault::{Fault, Kind};
use super::read::SMALL_OBJECT;
use crate::aws::causes;
use crate::digest::{Got, ListPublicKeys, Listed, PublicKey, Span, Vault};
use crate::source::refusal::explain;

/// Verifies digests and log files in a bucket.
#[derive(Debug)]
pub struct BucketVault {
    bucket: Arc<Bucket>,
}

impl BucketVault {
    /// Takes an open bucket.
    #[must_use]
    pub fn new(bucket: Arc<Bucket>) -> Self {
        Self { bucket }
    }

    /// The bucket, where it is the one asked for.
    fn of(&self, name: Option<&str>) -> io::Result<Arc<Bucket>> {
        match name {
            Some(name) if name != self.bucket.name() => Err(io::Error::other(format!(
                "it lies in bucket {name}, and this verification reads {}",
                self.bucket.name()
            ))),
            _ => Ok(Arc::clone(&self.bucket)),
        }
    }
}

impl Vault for BucketVault {
    fn list(&self, bucket: Option<&str>, prefix: &str) -> BoxStream<'static, io::Result<Listed>> {
        let bucket = match self.of(bucket) {
            Ok(bucket) => bucket,
            Err(error) => return futures::stream::iter([Err(error)]).boxed(),
        };
        let prefix = prefix.to_owned();
        let first = Some(None);
        futures::stream::try_unfold(
            (bucket, prefix, first),
            |(bucket, prefix, token)| async move {
                let Some(token) = token else { return Ok(None) };
                let token: Option<String> = token;
                let query = Query {
                    prefix: &prefix,
                    token: token.as_deref(),
                    ..Query::default()
                };
                let page = bucket.page(query).await;
                let page = page.map_err(|fault| fault.into_io(&bucket.uri(&prefix)))?;
                let root = bucket.uri("");
                let listed: Vec<io::Result<Listed>> = page
                    .objects
                    .into_iter()
                    .map(|object| {
                        let key = object.key.strip_prefix(&root).unwrap_or(&object.key);
                        Ok(Listed {
                            key: key.to_owned(),
                            size: object.size,
                        })
                    })
                    .collect();
                let next = page.next.map(Some);
                Ok::<_, io::Error>(Some((
                    futures::stream::iter(listed),
                    (bucket, prefix, next),
                )))
            },
        )
        .try_flatten()
        .boxed()
    }

    fn folders(
        &self,
        bucket: Option<&str>,
        prefix: &str,
    ) -> BoxFuture<'static, io::Result<Vec<String>>> {
        let bucket = self.of(bucket);
        let prefix = prefix.to_owned();
        async move {
            let bucket = bucket?;
            let mut folders = Vec::new();
            let mut token: Option<String> = None;
            loop {
                let query = Query {
                    prefix: &prefix,
                    folders: true,
                    token: token.as_deref(),
                    ..Query::default()
                };
                let page = bucket.page(query).await;
                let page = page.map_err(|fault| fault.into_io(&bucket.uri(&prefix)))?;
                folders.extend(page.folders);
                token = page.next;
                if token.is_none() {
                    folders.sort();
                    return Ok(folders);
                }
            }
        }
        .boxed()
    }

    fn name(&self, bucket: Option<&str>, key: &str) -> String {
        format!("s3://{}/{key}", bucket.unwrap_or(self.bucket.name()))
    }

    fn get(&self, bucket: Option<&str>, key: &str) -> BoxFuture<'static, io::Result<Option<Got>>> {
        let bucket = self.of(bucket);
        let key = key.to_owned();
        async move {
            let bucket = bucket?;
            let got = bucket
                .attempts(|client| bucket.open_any(client, &key))
                .await;
            match got {
                Ok(got) => Ok(Some(got)),
                Err(fault) if fault.kind == Kind::Gone => Ok(None),
                Err(fault) => Err(fault.into_io(&bucket.uri(&key))),
            }
        }
        .boxed()
    }
}

impl Bucket {
    /// Opens whatever is at a key. A small object is read whole, so that a body that is cut is asked for
    /// again; a large one is streamed.
    async fn open_any(&self, client: Client, key: &str) -> Result<Got, Fault> {
        let answer = client
            .get_object()
            .bucket(self.name())
            .key(key)
            .set_request_payer(self.payer())
            .send()
            .await
            .map_err(|error| Fault::of(&error, self.asked("s3:GetObject")))?;
        let metadata: BTreeMap<String, String> = answer
            .metadata()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.to_lowercase(), value.clone()))
            .collect();
        let length = answer
            .content_length()
            .and_then(|length| u64::try_from(length).ok());
        if let Some(length) = length.filter(|length| *length <= SMALL_OBJECT) {
            let permits = u32::try_from(length).unwrap_or(u32::MAX).max(1);
            // The semaphore is never closed; a bucket that may hold less than one object waits for none.
            let held = Arc::clone(&self.memory).acquire_many_owned(permits).await;
            let whole = tokio::time::timeout(self.options.timeout, answer.body.collect()).await;
            let bytes = match whole {
                Ok(Ok(bytes)) => bytes.into_bytes(),
                Ok(Err(error)) => {
                    let cause = format!("the body broke off: {}", causes(&error));
                    return Err(Fault::new(Kind::Transient, cause));
                }
                Err(_) => {
                    let cause = format!("no whole body in {:?}", self.options.timeout);
                    return Err(Fault::new(Kind::Transient, cause));
                }
            };
            if bytes.len() as u64 != length {
                let cause = format!("{} bytes of {length} arrived", bytes.len());
                return Err(Fault::new(Kind::Transient, cause));
            }
            let body = futures::stream::once(async move {
                drop(held);
                Ok(bytes)
            });
            return Ok(Got {
                metadata,
                body: body.boxed(),
            });
        }
        let body = futures::stream::unfold(answer.body, |mut body| async move {
            let next: Result<Bytes, _> = body.next().await?;
            Some((next.map_err(io::Error::other), body))
        });
        Ok(Got {
            metadata,
            body: body.boxed(),
        })
    }
}

/// Asks CloudTrail for the public keys of a region and a stretch of time.
///
/// IAM action: `cloudtrail:ListPublicKeys`.
#[must_use]
pub fn public_keys(config: SdkConfig) -> ListPublicKeys {
    Box::new(move |region: String, span: Span| {
        let region = aws_config::Region::new(region);
        let builder = aws_sdk_cloudtrail::config::Builder::from(&config).region(region.clone());
        let client = aws_sdk_cloudtrail::Client::from_conf(builder.build());
        async move {
            let failed = |cause: String| {
                io::Error::other(format!(
                    "cannot ask for the public keys of {region}: {cause}"
                ))
            };
            let time = |micros: i64| {
                aws_sdk_cloudtrail::primitives::DateTime::from_secs(micros.div_euclid(1_000_000))
            };
            let mut found = Vec::new();
            let mut token: Option<String> = None;
            loop {
                let page = client
                    .list_public_keys()
                    .start_time(time(span.from))
                    .end_time(time(span.to))
                    .set_next_token(token.clone())
                    .send()
                    .await
                    .map_err(|error| failed(explain(&error, "cloudtrail:ListPublicKeys")))?;
                for key in page.public_key_list() {
                    if let (Some(fingerprint), Some(value)) = (key.fingerprint(), key.value()) {
                        let der = value.as_ref().to_vec();
                        found.push(PublicKey::new(fingerprint.to_owned(), der));
                    }
                }
                match page.next_token {
                    None => return Ok(found),
                    Some(next) if Some(&next) == token.as_ref() => {
                        return Err(failed("a page names itself as the next".to_owned()));
                    }
                    Some(next) => token = Some(next),
                }
            }
        }
        .boxed()
    })
}

#[cfg(test)]
mod tests;
