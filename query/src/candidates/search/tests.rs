use proptest::prelude::*;

use super::*;

fn there() -> impl Strategy<Value = There> {
    prop::sample::select(vec![There::Unseen, There::Maybe, There::Surely])
}

/// A source that was in some of so many places.
fn source(places: usize) -> impl Strategy<Value = Source> {
    let ways = prop::collection::vec(prop::option::of(there()), places);
    (ways, -6.0..0.0, 0.0..50.0, 0.0..50.0).prop_map(|(ways, prior, seen, unseen)| {
        let there = (0..).zip(ways);
        Source {
            workload: 0,
            prior,
            seen,
            unseen,
            most_unseen: 0.3,
            there: there.filter_map(|(at, way)| Some((at, way?))).collect(),
        }
    })
}

fn sources() -> impl Strategy<Value = (Vec<Source>, Vec<f64>)> {
    (1usize..12).prop_flat_map(|places| {
        let cells = prop::collection::vec((1u32..40).prop_map(f64::from), places);
        (prop::collection::vec(source(places), 2..7), cells)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What is not looked at because of a bound could not have been worth more.
    #[test]
    fn no_set_is_worth_more_than_its_bound((sources, cells) in sources()) {
        let mut search = Search::new(&sources, &cells);
        let mut patterns = Patterns::nobody(&cells);
        for (source, added) in sources.iter().enumerate().take(MOST_SOURCES) {
            let bound = search.bound(&patterns, &search.set, source);
            let value = search.value_with(&patterns, source).0;
            prop_assert!(value <= bound, "{value} > {bound}");
            patterns.add(search.set.len(), &added.there);
            search.set.push(source);
        }
    }

    /// Patterns with a further member are those that it makes when it is added.
    #[test]
    fn added_members_make_the_patterns_they_were_tried_with((sources, cells) in sources()) {
        let mut patterns = Patterns::nobody(&cells);
        for (place, source) in sources.iter().take(MOST_SOURCES).enumerate() {
            let mut tried = Vec::new();
            patterns.with(place, &source.there, &mut tried);
            patterns.add(place, &source.there);
            let with_cells = |pattern: &&Pattern| pattern.cells > 0.0;
            let named = |pattern: &Pattern| format!("{:?}", (pattern.there().collect::<Vec<_>>(), pattern.cells));
            let mut tried: Vec<String> = tried.iter().map(named).collect();
            let mut added: Vec<String> = patterns.each.iter().filter(with_cells).map(named).collect();
            tried.sort();
            added.sort();
            prop_assert_eq!(tried, added);
        }
    }

    /// Every place of the set is shared out whole, and no place that comes besides by more than that.
    #[test]
    fn shares_add_up((sources, cells) in sources()) {
        let found = Search::new(&sources, &cells).run();
        prop_assert_eq!(found.places.len(), found.chances.len());
        for (at, place) in found.places.iter().enumerate() {
            let sum: f64 = place.iter().sum();
            prop_assert!(sum <= 1.0 + 1e-9 && (at > 0 || sum >= 1.0 - 1e-9), "{sum}");
        }
    }
}
