use std::collections::BTreeSet;

use super::*;

fn names(table: &Table) -> BTreeSet<&'static str> {
    table.columns.iter().map(|column| column.name).collect()
}

#[test]
fn names_are_unique_and_in_snake_case() {
    let tables: BTreeSet<&str> = TABLES.iter().map(|table| table.name).collect();
    assert_eq!(tables.len(), TABLES.len());
    for table in TABLES {
        assert_eq!(names(table).len(), table.columns.len(), "{}", table.name);
        for column in table.columns {
            let snake =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            assert!(column.name.bytes().all(snake), "{}", column.name);
            assert!(!column.doc.is_empty(), "{}.{}", table.name, column.name);
        }
    }
}

#[test]
fn columns_that_tables_refer_to_exist() {
    for table in TABLES {
        let names = names(table);
        for name in table.partition.iter().chain(table.sort).chain(table.stats) {
            assert!(names.contains(name), "{}.{name}", table.name);
        }
        // Statistics of the partition column are its value; a file does not hold it.
        for name in table.sort.iter().chain(table.stats) {
            assert_ne!(Some(*name), table.partition, "{}.{name}", table.name);
        }
    }
}

#[test]
fn every_column_of_activities_is_of_events_or_computed() {
    let computed = [
        "calls",
        "cluster_hint",
        "first_event_time",
        "inventory_facts",
        "last_event_time",
        "resource",
    ];
    let events = names(&EVENTS);
    for column in ACTIVITIES.columns {
        let of_events = EVENTS
            .columns
            .iter()
            .find(|event| event.name == column.name);
        assert_eq!(
            of_events.is_none(),
            computed.contains(&column.name),
            "{}",
            column.name
        );
        if let Some(event) = of_events {
            assert_eq!(event.kind, column.kind, "{}", column.name);
        }
    }
    assert!(events.contains("activity_id") && events.contains("event_date"));
}

#[test]
fn a_data_file_lacks_the_partition_column_only() {
    for table in TABLES {
        let (row, file) = (table.arrow_schema(), table.file_schema());
        let dropped: Vec<&str> = row
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .filter(|name| file.index_of(name).is_err())
            .collect();
        assert_eq!(dropped, table.partition.into_iter().collect::<Vec<_>>());
        assert_eq!(file.fields().len() + dropped.len(), row.fields().len());
    }
}

#[test]
fn tables_of_a_batch_come_first_and_events_before_them() {
    let names = TABLES.map(|table| table.name);
    assert_eq!(names[0], "events");
    assert_eq!(
        names[..BATCH_TABLES.len()],
        BATCH_TABLES.map(|table| table.name)
    );
}
