//! An S3 server in this process that keeps objects in memory: conditional writes, ranges, pages, metadata.
//! The protocol is the crate s3s's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use bytes::Bytes;
use futures::TryStreamExt;
use hyper_util::rt::TokioIo;
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use s3s::auth::SimpleAuth;
use s3s::dto::{
    CommonPrefix, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput,
    DeletedObject, ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadBucketInput,
    HeadBucketOutput, HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output,
    Object, PutObjectInput, PutObjectOutput, StreamingBlob, Timestamp,
};
use s3s::service::S3ServiceBuilder;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use tokio::net::TcpListener;

use crate::program::{Run, command};
use crate::trail::Delivered;

/// The only bucket.
pub const BUCKET: &str = "podtrail-test";

/// The only access key id, and its secret.
pub const ACCESS_KEY: &str = "AKIAEXAMPLE000000001";
/// See [`ACCESS_KEY`].
pub const SECRET: &str = "not-a-secret";

/// Keys of a page, at most.
const PAGE: usize = 1_000;

#[derive(Debug, Clone)]
struct Held {
    bytes: Bytes,
    etag: String,
    metadata: HashMap<String, String>,
    modified: SystemTime,
}

/// The objects, which a test may change.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    held: Arc<Mutex<BTreeMap<String, Held>>>,
    /// True where what exists is overwritten, whatever a request says.
    overwrites: Arc<AtomicBool>,
}

impl Contents {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.held.lock().unwrap()
    }

    /// Writes an object.
    pub fn put(&self, key: &str, bytes: impl Into<Bytes>, metadata: &[(&str, &str)]) {
        let bytes = bytes.into();
        let metadata = metadata
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let held = Held {
            etag: etag(&bytes),
            bytes,
            metadata,
            modified: modified(),
        };
        self.lock().insert(key.to_owned(), held);
    }

    /// Gives an object's bytes.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Bytes> {
        self.lock().get(key).map(|held| held.bytes.clone())
    }

    /// Removes an object.
    pub fn remove(&self, key: &str) {
        assert!(self.lock().remove(key).is_some(), "{key} is not there");
    }

    /// From here on, a write that must not overwrite does, as where a store does not know the condition.
    pub fn ignore_conditions(&self) {
        self.overwrites.store(true, Ordering::SeqCst);
    }

    /// Gives all keys that begin with a prefix.
    #[must_use]
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        let held = self.lock();
        let keys = held.keys().filter(|key| key.starts_with(prefix));
        keys.cloned().collect()
    }
}

fn etag(bytes: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hash = DefaultHasher::new();
    bytes.hash(&mut hash);
    format!("{:016x}-{}", hash.finish(), bytes.len())
}

fn found(held: &BTreeMap<String, Held>, key: &str) -> S3Result<Held> {
    held.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
}

fn size(bytes: &Bytes) -> i64 {
    i64::try_from(bytes.len()).unwrap()
}

/// All objects are of one time: nothing here looks at it.
fn modified() -> SystemTime {
    SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(492_312)
}

#[async_trait::async_trait]
impl S3 for Contents {
    async fn head_bucket(
        &self,
        _: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let held = found(&self.lock(), &request.input.key)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(size(&held.bytes)),
            e_tag: Some(ETag::Strong(held.etag)),
            last_modified: Some(Timestamp::from(held.modified)),
            metadata: Some(held.metadata),
            ..HeadObjectOutput::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let held = found(&self.lock(), &request.input.key)?;
        if let Some(ETagCondition::ETag(wanted)) = &request.input.if_match
            && wanted.value() != held.etag
        {
            return Err(s3_error!(PreconditionFailed));
        }
        let whole = held.bytes.len();
        let (bytes, content_range) = match &request.input.range {
            None => (held.bytes, None),
            Some(range) => {
                let range = range
                    .check(whole as u64)
                    .map_err(|_| s3_error!(InvalidRange))?;
                let told = format!("bytes {}-{}/{whole}", range.start, range.end - 1);
                let start = usize::try_from(range.start).unwrap();
                let end = usize::try_from(range.end).unwrap();
                (held.bytes.slice(start..end), Some(told))
            }
        };
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(size(&bytes)),
            content_range,
            body: Some(StreamingBlob::from(s3s::Body::from(bytes))),
            e_tag: Some(ETag::Strong(held.etag)),
            last_modified: Some(Timestamp::from(held.modified)),
            metadata: Some(held.metadata),
            ..GetObjectOutput::default()
        }))
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let mut bytes = Vec::new();
        if let Some(body) = input.body {
            let mut body = std::pin::pin!(body);
            while let Some(part) = body
                .try_next()
                .await
                .map_err(|_| s3_error!(IncompleteBody))?
            {
                bytes.extend_from_slice(&part);
            }
        }
        let mut held = self.lock();
        let refuses = !self.overwrites.load(Ordering::SeqCst);
        if refuses
            && held.contains_key(&input.key)
            && input
                .if_none_match
                .is_some_and(|condition| condition.is_any())
        {
            return Err(s3_error!(PreconditionFailed));
        }
        let bytes = Bytes::from(bytes);
        let etag = etag(&bytes);
        let new = Held {
            bytes,
            etag: etag.clone(),
            metadata: input.metadata.unwrap_or_default(),
            modified: modified(),
        };
        held.insert(input.key, new);
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            ..PutObjectOutput::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.lock().remove(&request.input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let mut held = self.lock();
        let mut deleted = Vec::new();
        for object in request.input.delete.objects {
            held.remove(&object.key);
            deleted.push(DeletedObject {
                key: Some(object.key),
                ..DeletedObject::default()
            });
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            ..DeleteObjectsOutput::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input
            .continuation_token
            .clone()
            .or(input.start_after)
            .unwrap_or_default();
        let most = input
            .max_keys
            .and_then(|most| usize::try_from(most).ok())
            .map_or(PAGE, |most| most.min(PAGE));
        let (mut contents, mut folders) = (Vec::new(), BTreeSet::new());
        let mut last = None;
        let mut more = false;
        for (key, held) in self.lock().range(prefix.clone()..) {
            if !key.starts_with(&prefix) {
                break;
            }
            let folder = input.delimiter.as_deref().and_then(|delimiter| {
                let rest = &key[prefix.len()..];
                let at = rest.find(delimiter)?;
                Some(format!("{prefix}{}", &rest[..at + delimiter.len()]))
            });
            let entry = folder.clone().unwrap_or_else(|| key.clone());
            if entry <= after
                || folder
                    .as_ref()
                    .is_some_and(|folder| folders.contains(folder))
            {
                continue;
            }
            if contents.len() + folders.len() == most {
                more = true;
                break;
            }
            last = Some(entry);
            match folder {
                Some(folder) => drop(folders.insert(folder)),
                None => contents.push(Object {
                    key: Some(key.clone()),
                    size: Some(size(&held.bytes)),
                    e_tag: Some(ETag::Strong(held.etag.clone())),
                    last_modified: Some(Timestamp::from(held.modified)),
                    ..Object::default()
                }),
            }
        }
        let folders = folders.into_iter().map(|folder| CommonPrefix {
            prefix: Some(folder),
        });
        let folders: Vec<CommonPrefix> = folders.collect();
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(prefix),
            key_count: Some(i32::try_from(contents.len() + folders.len()).unwrap()),
            max_keys: Some(i32::try_from(most).unwrap()),
            is_truncated: Some(more),
            next_continuation_token: last.filter(|_| more),
            contents: Some(contents),
            common_prefixes: Some(folders),
            ..ListObjectsV2Output::default()
        }))
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// URL of the server.
    pub endpoint: String,
    /// What it holds.
    pub contents: Contents,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let contents = Contents::default();
        let mut service = S3ServiceBuilder::new(contents.clone());
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service.clone());
                tokio::spawn(async move {
                    // A client may go away.
                    let _ = connection.await;
                });
            }
        });
        Self {
            endpoint,
            contents,
            task,
        }
    }

    /// The bucket, for who reads or writes it in this process.
    #[must_use]
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        let bucket = AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_allow_http(true)
            .with_bucket_name(BUCKET)
            .with_region("eu-west-1")
            .with_access_key_id(ACCESS_KEY)
            .with_secret_access_key(SECRET)
            .build();
        Arc::new(bucket.unwrap())
    }

    /// Environment with which the program reaches the server, for trails and for stores.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 8] {
        [
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("PODTRAIL_ENDPOINT_URL", self.endpoint.clone()),
            ("PODTRAIL_PATH_STYLE", "true".to_owned()),
            ("PODTRAIL_STORE_ENDPOINT_URL", self.endpoint.clone()),
            ("PODTRAIL_STORE_PATH_STYLE", "true".to_owned()),
        ]
    }
}

/// Puts a trail into the bucket.
pub fn fill(server: &Server, delivered: &[Delivered]) {
    for object in delivered {
        let metadata: Vec<(&str, &str)> = object
            .signature
            .iter()
            .flat_map(|signature| {
                [
                    ("signature", signature.as_str()),
                    ("signature-algorithm", "SHA256withRSA"),
                ]
            })
            .collect();
        server
            .contents
            .put(&object.key, object.bytes.clone(), &metadata);
    }
}

/// Starts the program on a store, with the server as S3.
pub fn start(server: &Server, store: &str, arguments: &[&str]) -> Child {
    command(Path::new(store), arguments)
        .envs(server.environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs the program on a store, with the server as S3.
pub async fn run(server: &Server, store: &str, arguments: &[&str]) -> Run {
    let child = start(server, store, arguments);
    tokio::task::spawn_blocking(move || Run::from(child.wait_with_output().unwrap()))
        .await
        .unwrap()
}
