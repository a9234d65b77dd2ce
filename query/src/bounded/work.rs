//! What functions know of the statement that they work for.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};

use super::operators::is_called;
use super::{Bounded, MOST_BYTES, MOST_CONSTANT_BYTES};
use crate::interrupt::go_on;

/// Bytes that one call may make, however many there are.
const LEAST_CALL_BYTES: usize = 4 << 20;

/// Bytes of memory for each byte of a constant, which is copied for each of the 1,024 rows of a batch: all of them
/// together then need at most twice the memory.
const CONSTANT_COPIES: usize = 512;

/// A statement, as its functions see it. They find it among the settings of the session that runs it.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    stop: Arc<AtomicBool>,
    share: usize,
}

impl Work {
    /// Divides the memory of a statement among the calls of its plan; they end once `stop` is set.
    pub(crate) fn of(
        plan: &LogicalPlan,
        memory_bytes: usize,
        stop: &Arc<AtomicBool>,
    ) -> DfResult<Self> {
        Ok(Self {
            stop: Arc::clone(stop),
            share: memory_bytes / calls(plan)?.max(1),
        })
    }

    /// Gives the statement that a call works for, if it is one with bounds.
    pub(super) fn behind(options: &ConfigOptions) -> Option<&Self> {
        options.extensions.get()
    }

    /// Fails once the statement is to stop.
    pub(super) fn go_on(&self) -> DfResult<()> {
        go_on(&self.stop)
    }

    /// Gives the bytes that a call may make for a batch.
    pub(super) fn call_bytes(&self) -> usize {
        self.share.clamp(LEAST_CALL_BYTES, MOST_BYTES)
    }

    /// Gives the bytes that a value may have that is the same for all rows.
    pub(super) fn constant_bytes(&self) -> usize {
        MOST_CONSTANT_BYTES.min(self.share / CONSTANT_COPIES)
    }
}

/// Counts what in a plan may make much.
fn calls(plan: &LogicalPlan) -> DfResult<usize> {
    let mut calls = 0;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                let is_bounded = match part {
                    Expr::ScalarFunction(call) => {
                        call.func.inner().is::<Bounded>() || is_called(call.func.name())
                    }
                    Expr::BinaryExpr(joined) => joined.op == Operator::StringConcat,
                    _ => false,
                };
                calls += usize::from(is_bounded);
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(calls)
}

impl ExtensionOptions for Work {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _: &str) -> DfResult<()> {
        Err(DataFusionError::Configuration(format!(
            "there is no setting {key}"
        )))
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

impl ConfigExtension for Work {
    const PREFIX: &'static str = "podtrail_statement";
}
