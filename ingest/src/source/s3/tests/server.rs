//! An S3 server in this process, over a folder, and trails in it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::dto::{
    ETag, ETagCondition, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput,
    HeadObjectInput, HeadObjectOutput, ListObjectsV2Input, ListObjectsV2Output,
};
use s3s::service::S3ServiceBuilder;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use tokio::net::TcpListener;

use crate::aws::AwsOptions;
use crate::source::s3::S3Options;

pub(crate) const BUCKET: &str = "trail";
pub(crate) const ACCESS_KEY: &str = "AKIAI44QH8DHBEXAMPLE";
/// The key that one has after [`ACCESS_KEY`].
pub(crate) const NEXT_ACCESS_KEY: &str = "AKIAI55RJ9EJCEXAMPLE";
const SECRET: &str = "not-a-secret";

/// s3s-fs, which gives no ETags in listings, does not look at `If-Match` and has its own size of a page.
struct Strict {
    inner: s3s_fs::FileSystem,
    etags: bool,
    page: Arc<AtomicI32>,
}

impl Strict {
    async fn etag(&self, bucket: &str, key: &str) -> S3Result<Option<ETag>> {
        let input = HeadObjectInput {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            ..HeadObjectInput::default()
        };
        let request = S3Request {
            input,
            method: hyper::Method::HEAD,
            uri: hyper::Uri::from_static("/"),
            headers: hyper::HeaderMap::new(),
            extensions: hyper::http::Extensions::new(),
            credentials: None,
            region: None,
            service: None,
            trailing_headers: None,
        };
        Ok(self.inner.head_object(request).await?.output.e_tag)
    }
}

#[async_trait::async_trait]
impl S3 for Strict {
    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.inner.head_bucket(request).await
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        self.inner.head_object(request).await
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let (bucket, key) = (&request.input.bucket, &request.input.key);
        if let Some(ETagCondition::ETag(wanted)) = &request.input.if_match
            && self.etag(bucket, key).await?.as_ref() != Some(wanted)
        {
            return Err(s3_error!(PreconditionFailed));
        }
        self.inner.get_object(request).await
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let bucket = request.input.bucket.clone();
        let page = self.page.load(Ordering::SeqCst);
        let request = request.map_input(|mut input| {
            input.max_keys = Some(input.max_keys.map_or(page, |most| most.min(page)));
            input
        });
        let mut answer = self.inner.list_objects_v2(request).await?;
        if self.etags {
            for object in answer.output.contents.iter_mut().flatten() {
                let key = object.key.clone().unwrap_or_default();
                object.e_tag = self.etag(&bucket, &key).await?;
            }
        }
        Ok(answer)
    }
}

/// A running server with one bucket.
pub(crate) struct Server {
    pub(crate) endpoint: String,
    root: tempfile::TempDir,
    page: Arc<AtomicI32>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// One that does as S3 does.
    pub(crate) async fn start() -> Self {
        Self::with(true).await
    }

    pub(crate) async fn with(etags: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let page = Arc::new(AtomicI32::new(1_000));
        let mut service = S3ServiceBuilder::new(Strict {
            inner: s3s_fs::FileSystem::new(root.path()).unwrap(),
            etags,
            page: Arc::clone(&page),
        });
        let mut known = SimpleAuth::from_single(ACCESS_KEY, SECRET);
        known.register(NEXT_ACCESS_KEY.to_owned(), SECRET.into());
        service.set_auth(known);
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
            root,
            page,
            task,
        }
    }

    /// Sets how many keys a page has at most.
    pub(crate) fn page(&self, keys: i32) {
        self.page.store(keys, Ordering::SeqCst);
    }

    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.root.path().join(BUCKET).join(key)
    }

    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.path(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn remove(&self, key: &str) {
        std::fs::remove_file(self.path(key)).unwrap();
    }
}

/// 2026-11-22T12:00:00Z.
pub(crate) fn noon() -> i64 {
    1_795_348_800_000_000
}

/// Bits that are spread and the same in each run.
pub(crate) fn bits() -> u64 {
    static STATE: AtomicU64 = AtomicU64::new(1);
    STATE
        .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
        .rotate_left(23)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

pub(crate) fn credentials() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(credentials_of(ACCESS_KEY))
}

pub(crate) fn credentials_of(access_key: &str) -> Credentials {
    Credentials::new(access_key, SECRET, None, None, "test")
}

/// Options for a server at an endpoint, with hardly a pause.
pub(crate) fn options(endpoint: &str) -> S3Options {
    let mut options = S3Options::new(noon, bits);
    options.aws = AwsOptions {
        region: Some("eu-west-1".to_owned()),
        credentials: Some(credentials()),
        ..AwsOptions::default()
    };
    options.endpoint = Some(endpoint.to_owned());
    options.path_style = true;
    options.pause = std::time::Duration::from_millis(1);
    options.longest_pause = std::time::Duration::from_millis(4);
    options
}

/// Key of a log file: `place` is what comes before the account, `time` like `20261122T0005Z`.
pub(crate) fn log(place: &str, account: &str, region: &str, time: &str, unique: &str) -> String {
    let (year, month, day) = (&time[..4], &time[4..6], &time[6..8]);
    format!(
        "{place}{account}/CloudTrail/{region}/{year}/{month}/{day}/{account}_CloudTrail_{region}_{time}_{unique}.json.gz"
    )
}
