//! A source of objects in memory, for tests.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex};

use futures::stream::BoxStream;

use super::{Body, ObjectRef, Source};
use crate::error::{Error, Result};

/// Objects in memory, which a test may change; without a body they cannot be opened.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    held: Mutex<BTreeMap<String, (String, Option<String>)>>,
    opened: Mutex<Vec<String>>,
    settled: Mutex<Vec<String>>,
}

impl Objects {
    pub(crate) fn new(objects: &[(&str, &str)]) -> Arc<Self> {
        let source = Arc::new(Self::default());
        for (key, body) in objects {
            source.put(key, "1", Some(body));
        }
        source
    }

    pub(crate) fn put(&self, key: &str, etag: &str, body: Option<&str>) {
        let object = (etag.to_owned(), body.map(str::to_owned));
        self.held.lock().unwrap().insert(key.to_owned(), object);
    }

    pub(crate) fn opened(&self) -> Vec<String> {
        let mut opened = std::mem::take(&mut *self.opened.lock().unwrap());
        opened.sort();
        opened
    }

    pub(crate) fn settled(&self) -> Vec<String> {
        std::mem::take(&mut *self.settled.lock().unwrap())
    }
}

#[async_trait::async_trait]
impl Source for Objects {
    fn id(&self) -> &'static str {
        "test"
    }

    fn location(&self) -> &'static str {
        "memory"
    }

    fn list(&self) -> BoxStream<'static, Result<ObjectRef>> {
        let held = self.held.lock().unwrap();
        let objects: Vec<_> = held
            .iter()
            .map(|(key, (etag, body))| {
                Ok(ObjectRef {
                    key: key.clone(),
                    etag: etag.clone(),
                    size: body.as_ref().map_or(0, |body| body.len() as u64),
                })
            })
            .collect();
        Box::pin(futures::stream::iter(objects))
    }

    async fn read(&self, object: &ObjectRef) -> std::io::Result<Body> {
        self.opened.lock().unwrap().push(object.key.clone());
        let held = self.held.lock().unwrap();
        match held.get(&object.key) {
            Some((_, Some(body))) => Ok(Box::new(Cursor::new(body.clone()))),
            _ => Err(std::io::Error::other("the disk is on fire")),
        }
    }

    async fn settled(&self, objects: &[ObjectRef]) -> Vec<Error> {
        let keys = objects.iter().map(|object| object.key.clone());
        self.settled.lock().unwrap().extend(keys);
        Vec::new()
    }
}
