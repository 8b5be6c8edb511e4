//! An order in which the first few are of all models and device pools.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// Lets models take turns, and within a model the device pools of which the fewest were taken. What has the same model
/// and the same device pool keeps its order, so the same items always come in the same order.
pub fn spread<T>(items: Vec<T>, place: impl Fn(&T) -> (&str, &str)) -> Vec<T> {
    let total = items.len();
    let mut models: BTreeMap<String, BTreeMap<String, VecDeque<T>>> = BTreeMap::new();
    for item in items {
        let (model, pool) = place(&item);
        let (model, pool) = (model.to_owned(), pool.to_owned());
        models.entry(model).or_default().entry(pool).or_default().push_back(item);
    }
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut turns: Vec<Turns<T>> = models.into_values().map(Turns::new).collect();
    // A model that is in few device pools has the least choice.
    turns.sort_by_key(|model| model.pools.len());
    let mut spread = Vec::with_capacity(total);
    while !turns.is_empty() {
        turns.retain_mut(|model| {
            spread.extend(model.next(&mut taken));
            !model.queue.is_empty()
        });
    }
    spread
}

/// The items of a model: the device pool whose turn it is comes first.
struct Turns<T> {
    queue: BinaryHeap<Reverse<(usize, usize, String)>>,
    pools: BTreeMap<String, VecDeque<T>>,
}

impl<T> Turns<T> {
    fn new(pools: BTreeMap<String, VecDeque<T>>) -> Self {
        Self { queue: pools.keys().map(|pool| Reverse((0, 0, pool.clone()))).collect(), pools }
    }

    fn next(&mut self, taken: &mut BTreeMap<String, usize>) -> Option<T> {
        loop {
            let Reverse((counted, own, pool)) = self.queue.pop()?;
            let now = taken.get(&pool).copied().unwrap_or_default();
            if now > counted {
                // Other models have taken from this pool since.
                self.queue.push(Reverse((now, own, pool)));
                continue;
            }
            let items = self.pools.get_mut(&pool)?;
            let item = items.pop_front();
            *taken.entry(pool.clone()).or_default() += 1;
            if !items.is_empty() {
                self.queue.push(Reverse((now + 1, own + 1, pool)));
            }
            return item;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn order(items: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
        spread(items.to_vec(), |(model, pool)| (model, pool))
    }

    #[test]
    fn few_are_of_all_models_and_pools() {
        let all: Vec<_> = ["7841", "8841", "9861"]
            .into_iter()
            .flat_map(|model| ["A", "B", "C", "D", "E"].map(|pool| (model, pool)))
            .flat_map(|place| [place, place])
            .collect();
        let order = order(&all);
        assert_eq!(order.len(), 30);
        let firsts = &order[..5];
        let models: HashSet<_> = firsts.iter().map(|(model, _)| model).collect();
        let pools: HashSet<_> = firsts.iter().map(|(_, pool)| pool).collect();
        assert_eq!((models.len(), pools.len()), (3, 5), "{order:?}");
    }

    #[test]
    fn a_model_of_one_pool_leaves_the_others_to_the_rest() {
        let all = [("a", "P"), ("a", "Q"), ("a", "R"), ("b", "P")];
        assert_eq!(order(&all)[..3], [("b", "P"), ("a", "Q"), ("a", "R")]);
    }

    #[test]
    fn two_of_each_make_a_diagonal() {
        let all = [("a", "P"), ("a", "Q"), ("b", "P"), ("b", "Q")];
        assert_eq!(order(&all), [("a", "P"), ("b", "Q"), ("a", "Q"), ("b", "P")]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_models_take_turns(
            places in prop::collection::vec((0_u8..5, 0_u8..7), 0..80),
            n in 0_usize..80,
        ) {
            let items: Vec<(String, String, usize)> = places
                .iter()
                .enumerate()
                .map(|(at, (model, pool))| (model.to_string(), pool.to_string(), at))
                .collect();
            let once = spread(items.clone(), |(model, pool, _)| (model, pool));
            let again = spread(items.clone(), |(model, pool, _)| (model, pool));
            prop_assert_eq!(&once, &again);
            let mut sorted = once.clone();
            sorted.sort_by_key(|item| item.2);
            prop_assert_eq!(&sorted, &items);
            // No model is ahead of another one that still has phones.
            let n = n.min(once.len());
            let count = |part: &[(String, String, usize)], model: &str| {
                part.iter().filter(|item| item.0 == model).count()
            };
            let models: HashSet<&str> = items.iter().map(|item| item.0.as_str()).collect();
            for one in &models {
                for other in &models {
                    let (has, of) = (count(&once[..n], one), count(&once[..n], other));
                    let is_used_up = of == count(&once, other);
                    prop_assert!(is_used_up || has <= of + 1, "{one} {has}, {other} {of}");
                }
            }
        }
    }
}
