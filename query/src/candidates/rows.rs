//! The rows of `activity_identities`. What is told of activities is the same for many of them: rows name it, and
//! batches hold each text once.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::HashMap;

use super::input::{Holder, Id, Inputs};
use super::names::number;
use super::tell::Told;
use crate::error::{Error, Result};

/// Rows of a batch: what shares texts, and what has to fit into memory beside all that is done already.
const BATCH_ROWS: usize = 65_536;

/// Names of the columns; all but the score are texts.
const COLUMNS: [&str; 12] = [
    "activity_id",
    "namespace",
    "service_account",
    "workload",
    "pod",
    "pod_uid",
    "node",
    "confidence",
    "score",
    "fact",
    "detail",
    "candidates",
];

/// The columns of `activity_identities` as they are read.
pub(crate) fn schema() -> SchemaRef {
    schema_of(&DataType::Utf8)
}

/// The columns of [`Sheet`]'s batches: texts that are not all different are held once each.
fn held() -> SchemaRef {
    let words = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    schema_of(&words)
}

fn schema_of(text: &DataType) -> SchemaRef {
    let fields = COLUMNS.iter().map(|&name| {
        let kind = match name {
            "activity_id" => DataType::Utf8,
            "score" => DataType::Float64,
            _ => text.clone(),
        };
        Field::new(name, kind, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// What activities must have in common for the same to be told of them.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Alike {
    /// The pod whose address is theirs.
    Holder(Holder),
    /// Their scene.
    Scene(u32),
    /// Their scene, and those of the calls that they serve.
    Forwarded(u32, Vec<u32>),
}

/// Rows that are being written.
pub(super) struct Sheet<'a> {
    inputs: &'a Inputs,
    schema: SchemaRef,
    done: Vec<RecordBatch>,
    ids: Vec<(usize, usize)>,
    /// What is told of each row.
    told_of: Vec<u32>,
    told: Vec<Told<'a>>,
    known: HashMap<Alike, u32>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(inputs: &'a Inputs) -> Self {
        Self {
            inputs,
            schema: held(),
            done: Vec::new(),
            ids: Vec::new(),
            told_of: Vec::new(),
            told: Vec::new(),
            known: HashMap::new(),
        }
    }

    /// Adds an activity; `tell` is asked where nothing is known of those that are alike.
    pub(super) fn add(
        &mut self,
        (array, row): Id,
        alike: Alike,
        tell: impl FnOnce() -> Told<'a>,
    ) -> Result<()> {
        let told = &mut self.told;
        let told = *self.known.entry(alike).or_insert_with(|| {
            told.push(tell());
            number(told.len() - 1)
        });
        self.ids.push((array as usize, row as usize));
        self.told_of.push(told);
        if self.ids.len() < BATCH_ROWS {
            return Ok(());
        }
        self.turn()
    }

    /// The batches of all rows.
    pub(super) fn finish(mut self) -> Result<Vec<RecordBatch>> {
        self.turn()?;
        Ok(self.done)
    }

    /// Makes a batch of the rows, and begins the next.
    fn turn(&mut self) -> Result<()> {
        if self.ids.is_empty() {
            return Ok(());
        }
        let batch = self.batch();
        let batch = batch.map_err(|error| Error::from_engine("identities", error.into()))?;
        self.done.push(batch);
        self.ids.clear();
        self.told_of.clear();
        self.told.clear();
        self.known.clear();
        Ok(())
    }

    fn batch(&self) -> Result<RecordBatch, ArrowError> {
        let ids: Vec<&dyn Array> = self.inputs.ids.iter().map(|ids| ids as _).collect();
        let told = |row: &u32| &self.told[*row as usize];
        let scores = self.told_of.iter().map(|row| told(row).score);
        let columns = vec![
            interleave(&ids, &self.ids)?,
            self.words(|told| told.namespace)?,
            self.words(|told| told.service_account)?,
            self.words(|told| told.workload)?,
            self.words(|told| told.pod)?,
            self.words(|told| told.pod_uid)?,
            self.words(|told| told.node)?,
            self.words(|told| Some(told.confidence))?,
            Arc::new(scores.map(Some).collect::<Float64Array>()),
            self.words(|told| Some(told.fact))?,
            self.words(|told| Some(&told.detail))?,
            self.words(|told| told.candidates.as_deref())?,
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }

    /// A column of texts, each once.
    fn words(
        &self,
        pick: impl for<'t> Fn(&'t Told<'a>) -> Option<&'t str>,
    ) -> Result<ArrayRef, ArrowError> {
        let mut words: Vec<&str> = Vec::new();
        let mut known: HashMap<&str, i32> = HashMap::new();
        let told: Vec<Option<i32>> = self
            .told
            .iter()
            .map(|told| {
                let text = pick(told)?;
                Some(*known.entry(text).or_insert_with(|| {
                    words.push(text);
                    // There are no more than rows of a batch.
                    i32::try_from(words.len() - 1).unwrap_or(i32::MAX)
                }))
            })
            .collect();
        let keys: Int32Array = self.told_of.iter().map(|&at| told[at as usize]).collect();
        let words = Arc::new(StringArray::from(words));
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(
            keys, words,
        )?))
    }
}
