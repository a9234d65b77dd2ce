//! The values of a prepared statement: of which types they are, and what a client sends for them.
//!
//! The engine infers a type from where a value is used. What it cannot infer is a text, as in PostgreSQL; what the
//! client declares is written into the statement as a cast.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::ParamValues;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr as Used, LogicalPlan};
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType as SqlType, Expr, LimitClause, Query, Statement, Value, Visit, VisitMut,
    Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion_postgres::arrow_pg::datatypes::df::deserialize_parameters_with_server_types;
use datafusion_postgres::arrow_pg::datatypes::into_pg_type;
use datafusion_postgres::pgwire::api::Type;
use datafusion_postgres::pgwire::api::portal::Portal;
use datafusion_postgres::pgwire::api::stmt::StoredStatement;
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::extendedquery::Bind;
use podtrail_query::Session;

use super::catalog::Catalog;
use super::error::{PROTOCOL_VIOLATION, SYNTAX_ERROR, error, of_engine};

/// Values that a statement may take.
const MOST: usize = 1000;

/// A value of a statement.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    /// As which type the client sends it.
    wire: Type,
    /// As which type the engine wants it, where that was inferred.
    inferred: Option<DataType>,
}

impl Parameter {
    fn text() -> Self {
        Self {
            wire: Type::TEXT,
            inferred: None,
        }
    }

    /// Gives the number of its type.
    pub(super) fn oid(&self) -> u32 {
        self.wire.oid()
    }
}

/// A statement that is planned with typed placeholders.
pub(super) struct Typed {
    pub(super) statement: Statement,
    pub(super) plan: LogicalPlan,
    pub(super) parameters: Vec<Parameter>,
}

/// Finds the types of a statement's values, and plans it so.
///
/// # Errors
/// Where it cannot be planned.
pub(super) async fn typed(
    catalog: &Catalog,
    session: &Session,
    mut statement: Statement,
    declared: &[u32],
) -> PgWireResult<Typed> {
    let placeholders = Placeholders::of(&statement)?;
    let count = placeholders.highest.max(declared.len());
    if count > MOST {
        return Err(wrong(&format!("${count}")));
    }
    let untyped = catalog.plan(session, statement.clone()).await;
    if count == 0 {
        return Ok(Typed {
            statement,
            plan: untyped.map_err(|failure| of_engine(&failure))?,
            parameters: Vec::new(),
        });
    }
    let mut inferred = untyped.as_ref().map(inferred_types).unwrap_or_default();
    let of_rows = placeholders.of_rows.into_iter();
    inferred.extend(of_rows.map(|name| (name, DataType::Int64)));
    let mut casts = HashMap::new();
    let mut parameters = Vec::with_capacity(count);
    for number in 1..=count {
        let name = format!("${number}");
        let declared = declared.get(number - 1).and_then(|oid| declared_type(*oid));
        let list = placeholders.lists.contains(&name);
        let inferred = inferred
            .get(&name)
            .filter(|inferred| !list || matches!(inferred, DataType::List(_)))
            .cloned();
        let parameter = match (declared, inferred) {
            (Some(wire), _) => Parameter {
                wire,
                inferred: None,
            },
            (None, Some(inferred)) => match into_pg_type(&inferred) {
                Ok(wire) if wire != Type::UNKNOWN => Parameter {
                    wire,
                    inferred: Some(inferred),
                },
                _ => Parameter::text(),
            },
            (None, None) if list => Parameter {
                wire: Type::TEXT_ARRAY,
                inferred: None,
            },
            (None, None) => Parameter::text(),
        };
        if parameter.inferred.is_none()
            && let Some(sql) = sql_type(&parameter.wire)
        {
            casts.insert(name, sql);
        }
        parameters.push(parameter);
    }
    let plan = if casts.is_empty() {
        untyped
    } else {
        let _ = VisitMut::visit(&mut statement, &mut Casts(&casts));
        catalog.plan(session, statement.clone()).await
    };
    Ok(Typed {
        statement,
        plan: plan.map_err(|failure| of_engine(&failure))?,
        parameters,
    })
}

/// Gives the types that values have by where they are used.
fn inferred_types(plan: &LogicalPlan) -> HashMap<String, DataType> {
    let mut types = HashMap::new();
    // Nothing fails in here.
    let _ = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|expression| {
                if let Used::Cast(cast) = expression
                    && let Used::Placeholder(placeholder) = cast.expr.as_ref()
                {
                    types.insert(placeholder.id.clone(), cast.field.data_type().clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    let inferred = plan.get_parameter_types().unwrap_or_default();
    let inferred = inferred.into_iter();
    types.extend(inferred.filter_map(|(name, inferred)| Some((name, inferred?))));
    types
}

/// What a client binds to a statement.
pub(super) fn bound(parameters: &[Parameter], bind: &Bind) -> PgWireResult<Portal<()>> {
    if bind.parameters.len() != parameters.len() {
        return Err(error(
            PROTOCOL_VIOLATION,
            format!(
                "bind message supplies {} parameters, but the statement requires {}",
                bind.parameters.len(),
                parameters.len()
            ),
        ));
    }
    if !matches!(bind.parameter_format_codes.len(), 0 | 1)
        && bind.parameter_format_codes.len() != parameters.len()
    {
        return Err(error(
            PROTOCOL_VIOLATION,
            "bind message has not as many formats as parameters",
        ));
    }
    let types = parameters
        .iter()
        .map(|parameter| Some(parameter.wire.clone()))
        .collect();
    let statement = StoredStatement::new(String::new(), (), types);
    Portal::try_new(bind, Arc::new(statement))
}

/// Reads the values that a client bound.
pub(super) fn values(
    parameters: &[Parameter],
    portal: &Portal<()>,
) -> PgWireResult<Option<ParamValues>> {
    if parameters.is_empty() {
        return Ok(None);
    }
    let inferred: Vec<_> = parameters
        .iter()
        .map(|parameter| parameter.inferred.as_ref())
        .collect();
    let wire: Vec<_> = parameters
        .iter()
        .map(|parameter| Some(&parameter.wire))
        .collect();
    deserialize_parameters_with_server_types(portal, &inferred, &wire).map(Some)
}

/// Gives the type that a client declares, where it is one to be read.
fn declared_type(oid: u32) -> Option<Type> {
    Some(match Type::from_oid(oid)? {
        Type::UNKNOWN => return None,
        // All are texts on the wire.
        Type::BPCHAR | Type::NAME | Type::JSON | Type::XML => Type::TEXT,
        other => other,
    })
}

/// Names a type as the engine's SQL does.
fn sql_type(wire: &Type) -> Option<SqlType> {
    let name = match *wire {
        Type::BOOL => "BOOLEAN",
        Type::INT2 => "SMALLINT",
        Type::INT4 => "INTEGER",
        Type::INT8 => "BIGINT",
        Type::FLOAT4 => "REAL",
        Type::FLOAT8 => "DOUBLE PRECISION",
        Type::TEXT | Type::VARCHAR => "TEXT",
        Type::DATE => "DATE",
        Type::TIME => "TIME",
        Type::TIMESTAMP => "TIMESTAMP",
        Type::TIMESTAMPTZ => "TIMESTAMP WITH TIME ZONE",
        Type::BOOL_ARRAY => "BOOLEAN[]",
        Type::INT2_ARRAY => "SMALLINT[]",
        Type::INT4_ARRAY => "INTEGER[]",
        Type::INT8_ARRAY => "BIGINT[]",
        Type::FLOAT8_ARRAY => "DOUBLE PRECISION[]",
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY => "TEXT[]",
        _ => return None,
    };
    let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(name).ok()?;
    parser.parse_data_type().ok()
}

/// The values that a statement takes.
#[derive(Default)]
struct Placeholders {
    highest: usize,
    /// Those that say how many rows are wanted: the engine does not infer what they are.
    of_rows: HashSet<String>,
    /// Those that are lists of values.
    lists: HashSet<String>,
    wrong: Option<PgWireError>,
}

impl Placeholders {
    fn of(statement: &Statement) -> PgWireResult<Self> {
        let mut found = Self::default();
        let _ = Visit::visit(statement, &mut found);
        match found.wrong {
            Some(failure) => Err(failure),
            None => Ok(found),
        }
    }
}

impl Visitor for Placeholders {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
            let offset = offset.as_ref().map(|offset| &offset.value);
            let names = limit.iter().chain(offset).filter_map(placeholder);
            self.of_rows.extend(names.map(str::to_owned));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if let Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } = expression {
            let list = placeholder(unnested(right)).map(str::to_owned);
            self.lists.extend(list);
        }
        let Some(name) = placeholder(expression) else {
            return ControlFlow::Continue(());
        };
        if let Some(Ok(number @ 1..=MOST)) = name.strip_prefix('$').map(str::parse) {
            self.highest = number.max(self.highest);
            return ControlFlow::Continue(());
        }
        self.wrong = Some(wrong(name));
        ControlFlow::Break(())
    }
}

fn wrong(name: &str) -> PgWireError {
    error(
        SYNTAX_ERROR,
        format!("{name} is no parameter: they are $1 to ${MOST}"),
    )
}

fn placeholder(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// Gives what is within parentheses.
fn unnested(expression: &Expr) -> &Expr {
    match expression {
        Expr::Nested(inner) => unnested(inner),
        other => other,
    }
}

struct Casts<'types>(&'types HashMap<String, SqlType>);

impl VisitorMut for Casts<'_> {
    type Break = ();

    // After its parts, so that what is put in its place is not visited again.
    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Some(sql) = placeholder(expression).and_then(|name| self.0.get(name)) {
            *expression = Expr::Cast {
                kind: CastKind::Cast,
                expr: Box::new(expression.clone()),
                data_type: sql.clone(),
                array: false,
                format: None,
            };
        }
        ControlFlow::Continue(())
    }
}
