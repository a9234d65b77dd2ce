//! What a statement may do: read the tables and views of its session, nothing else.
//!
//! Decided on the plan, never on the text: a plan says what will happen, however it was written.

use datafusion::common::tree_node::{TreeNodeRecursion, TreeNodeVisitor};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::LogicalPlan;

use crate::error::{Error, Result};

/// Refuses a plan that would change or reach anything but the tables it reads.
///
/// # Errors
/// [`Error::InvalidQuery`] that names what is not allowed.
pub(crate) fn check(plan: &LogicalPlan) -> Result<()> {
    let mut visitor = Forbidden(None);
    plan.visit_with_subqueries(&mut visitor)
        .map_err(|error| Error::from_engine("check the query", error))?;
    match visitor.0 {
        Some(what) => Err(Error::InvalidQuery(format!(
            "{what} is not allowed: podtrail's SQL only reads"
        ))),
        None => Ok(()),
    }
}

struct Forbidden(Option<String>);

impl<'plan> TreeNodeVisitor<'plan> for Forbidden {
    type Node = LogicalPlan;

    fn f_down(&mut self, node: &'plan LogicalPlan) -> DfResult<TreeNodeRecursion> {
        self.0 = forbidden(node);
        Ok(if self.0.is_some() {
            TreeNodeRecursion::Stop
        } else {
            TreeNodeRecursion::Continue
        })
    }
}

/// Names what a node does where it does more than read. A node of a kind that the engine learns in future does
/// not compile here until somebody has decided.
fn forbidden(node: &LogicalPlan) -> Option<String> {
    match node {
        LogicalPlan::Ddl(statement) => Some(statement.name().to_owned()),
        LogicalPlan::Dml(statement) => Some(statement.op.to_string()),
        LogicalPlan::Copy(_) => Some("COPY".to_owned()),
        LogicalPlan::Statement(statement) => Some(statement.name().to_owned()),
        LogicalPlan::Extension(extension) => Some(extension.node.name().to_owned()),
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::Unnest(_)
        | LogicalPlan::RecursiveQuery(_) => None,
    }
}
