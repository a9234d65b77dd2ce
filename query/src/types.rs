//! Types of columns: how large they may be, and what they hold.
//!
//! A query of one line can put a structure twice into another, and the next query that one: such a type doubles with
//! each line, and whatever looks at a type looks at all of it.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::LogicalPlan;

/// Types that the type of a column may be made of.
const MOST_PARTS: usize = 1_000;

/// Refuses a plan with columns whose type is too large.
///
/// # Errors
/// [`DataFusionError::Plan`] that names the column.
pub(crate) fn check(plan: &LogicalPlan) -> DfResult<()> {
    plan.apply_with_subqueries(|node| {
        for field in node.schema().fields() {
            let mut left = MOST_PARTS;
            if is_larger(field.data_type(), &mut left) {
                return Err(DataFusionError::Plan(format!(
                    "the type of the column {} has more than {MOST_PARTS} parts",
                    field.name()
                )));
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

/// Tells whether values of a type have parts of several types.
pub(crate) fn has_union(kind: &DataType) -> bool {
    matches!(kind, DataType::Union(..)) || parts(kind).any(has_union)
}

/// Tells whether a type is made of more types than so many, and looks at no more than these.
fn is_larger(kind: &DataType, left: &mut usize) -> bool {
    let Some(rest) = left.checked_sub(1) else {
        return true;
    };
    *left = rest;
    parts(kind).any(|part| is_larger(part, left))
}

/// Gives the types that a type is made of.
fn parts(kind: &DataType) -> Box<dyn Iterator<Item = &DataType> + '_> {
    match kind {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _)
        | DataType::RunEndEncoded(_, field) => Box::new(std::iter::once(field.data_type())),
        DataType::Dictionary(_, value) => Box::new(std::iter::once(value.as_ref())),
        DataType::Struct(fields) => Box::new(fields.iter().map(|field| field.data_type())),
        DataType::Union(fields, _) => Box::new(fields.iter().map(|(_, field)| field.data_type())),
        _ => Box::new(std::iter::empty()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::engine::session_config;
    use datafusion::prelude::SessionContext;

    async fn checked(sql: &str) -> DfResult<()> {
        let state = SessionContext::new_with_config(session_config(1)).state();
        check(&state.create_logical_plan(sql).await?)
    }

    #[tokio::test]
    async fn types_that_double_again_and_again_are_refused() {
        for made in ["struct(s, s)", "named_struct('a', s, 'b', make_array(s))"] {
            let mut sql = "SELECT 1 AS s".to_owned();
            for depth in 1..=15 {
                sql = format!("SELECT {made} AS s FROM ({sql}) AS t");
                let checked = checked(&sql).await;
                if depth < 5 {
                    checked.unwrap_or_else(|error| panic!("{sql}: {error}"));
                } else if depth > 9 {
                    let error = checked.unwrap_err().to_string();
                    assert!(error.contains("more than 1000 parts"), "{error}");
                }
            }
            // What is not asked for in the end is looked at all the same.
            let unused = format!("SELECT 1 FROM ({sql}) AS t");
            assert!(checked(&unused).await.is_err());
        }
    }
}
