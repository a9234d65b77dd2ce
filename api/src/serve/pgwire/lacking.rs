//! What clients ask PostgreSQL's catalog for and podtrail's has nothing of: privileges, options, members of roles.
//!
//! The engine refuses columns that it does not know, and lists made of a query. There is nothing in any of them here,
//! and that is the answer.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectNamePart, Statement, Value, VisitMut, VisitorMut,
};

use super::catalog::SCHEMA;

/// Columns of PostgreSQL's tables that the catalog lacks.
const COLUMNS: [&str; 2] = ["relacl", "reloptions"];

/// How names of columns end that hold lists in PostgreSQL, and nothing here.
const LISTS: [&str; 3] = ["acl", "config", "options"];

/// Functions of lists.
const OF_LISTS: [&str; 2] = ["array_length", "array_to_string"];

/// Reads the schemas that are searched for names.
const SEARCH_PATH: &str = "current_setting('search_path')";

/// Asks of a type whether it is composite, as psql and others write it. None is here.
const COMPOSITE: &str = "SELECT c.relkind = 'c' FROM ";

/// Puts nothing in the place of what there is nothing of, in a statement that reads the catalog alone.
pub(super) fn left_out(mut statement: Statement) -> Statement {
    let _ = VisitMut::visit(&mut statement, &mut Lacking);
    statement
}

/// Puts the schema whose names need no qualifier in the place of a query for the schemas of the search path, as Grafana
/// asks which tables there are. Gives whether there was one.
pub(super) fn with_search_path(statement: &mut Statement) -> bool {
    let mut path = SearchPath { found: false };
    let _ = VisitMut::visit(statement, &mut path);
    path.found
}

struct SearchPath {
    found: bool,
}

impl VisitorMut for SearchPath {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::InSubquery {
            expr,
            subquery,
            negated,
        } = expression
            && subquery.to_string().contains(SEARCH_PATH)
        {
            self.found = true;
            let schema = Value::SingleQuotedString(SCHEMA.to_owned());
            *expression = Expr::InList {
                expr: expr.clone(),
                list: vec![Expr::Value(schema.with_empty_span())],
                negated: *negated,
            };
        }
        ControlFlow::Continue(())
    }
}

struct Lacking;

impl VisitorMut for Lacking {
    type Break = ();

    // After its parts: what is made of a list follows from what the list is.
    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Some(value) = value_of(expression) {
            *expression = Expr::Value(value.with_empty_span());
        }
        ControlFlow::Continue(())
    }
}

/// Gives what stands for an expression that there is nothing of.
fn value_of(expression: &Expr) -> Option<Value> {
    match expression {
        Expr::CompoundIdentifier(parts) => {
            let column = &parts.last()?.value;
            COLUMNS.contains(&column.as_str()).then_some(Value::Null)
        }
        Expr::Function(function) => of_function(function),
        Expr::Subquery(query) => query
            .to_string()
            .starts_with(COMPOSITE)
            .then_some(Value::Boolean(false)),
        _ => None,
    }
}

fn of_function(function: &Function) -> Option<Value> {
    let name = function
        .name
        .0
        .last()
        .and_then(ObjectNamePart::as_ident)?
        .value
        .to_ascii_lowercase();
    match &function.args {
        FunctionArguments::Subquery(_) if name == "array" => {
            Some(Value::SingleQuotedString("{}".to_owned()))
        }
        FunctionArguments::List(list) if OF_LISTS.contains(&name.as_str()) => {
            match list.args.first()? {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(first)) if is_nothing(first) => {
                    Some(Value::Null)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Tells whether there is nothing in a list.
fn is_nothing(list: &Expr) -> bool {
    let is_list = |name: &Ident| LISTS.iter().any(|end| name.value.ends_with(end));
    match list {
        Expr::Identifier(name) => is_list(name),
        Expr::CompoundIdentifier(parts) => parts.last().is_some_and(is_list),
        Expr::Nested(inner) => is_nothing(inner),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::StringConcat,
            right,
        } => is_nothing(left) && is_nothing(right),
        Expr::Value(value) => match &value.value {
            Value::Null => true,
            Value::SingleQuotedString(text) => text == "{}",
            _ => false,
        },
        _ => false,
    }
}
