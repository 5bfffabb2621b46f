//! Runs the model, and prints what it explored.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use crate::bounds::Bounds;
use crate::invariants::Invariant;
use crate::moves::{Explored, Move};
use crate::service::Tally;
use crate::story;
use crate::world::World;

/// Explores all worlds within the bounds. Panics with the shortest way to a broken invariant.
pub(crate) fn holds(bounds: &Bounds) -> Arc<Tally> {
    let explored = explored(bounds);
    let tally = Arc::clone(&explored.tally);
    let start = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = explored.checker().threads(threads).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!(
        "{}: {} states, {} steps, depth {}, {:.1} s: {}",
        bounds.name,
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        start.elapsed().as_secs_f32(),
        tally.summary()
    );
    let found = checker.discoveries().into_keys().next();
    if let Some(invariant) = Invariant::ALL.into_iter().find(|invariant| Some(invariant.name()) == found) {
        panic!(
            "{} does not hold:\n{}",
            invariant.name(),
            counterexample(bounds, invariant).map_or_else(String::new, |found| found.story)
        );
    }
    tally
}

/// A way to break an invariant.
pub(crate) struct Counterexample {
    pub(crate) steps: usize,
    pub(crate) story: String,
}

/// The shortest way to break an invariant; none: it holds within the bounds.
pub(crate) fn counterexample(bounds: &Bounds, invariant: Invariant) -> Option<Counterexample> {
    let bounds = Bounds { judged: vec![invariant], ..bounds.clone() };
    let mut shortest: Option<Vec<Move>> = None;
    loop {
        let mut checker = explored(&bounds).checker();
        // The checker remembers the last way it found, not the first: ask for a shorter one until there is none.
        if let Some(known) = &shortest {
            checker = checker.target_max_depth(known.len() + 1);
        }
        let this = BTreeSet::from([invariant.name()]);
        let checker = checker.finish_when(HasDiscoveries::AnyOf(this)).spawn_bfs().join();
        let Some(path) = checker.discovery(invariant.name()) else { break };
        shortest = Some(path.into_actions());
    }
    shortest.map(|moves| Counterexample { steps: moves.len(), story: story::tell(&explored(&bounds), &moves) })
}

/// How many worlds look the same as one seen before without being it, and whether all of them have the same future as that
/// one: without this, what [`holds`] says would be worth nothing.
pub(crate) fn look_alikes(bounds: &Bounds) -> usize {
    let explored = explored(bounds);
    let futures = |world: &World| {
        let mut futures: Vec<_> = explored.next_states(world).iter().map(look).collect();
        futures.sort_unstable();
        futures.dedup();
        futures
    };
    let mut seen: HashMap<u64, (World, Vec<u64>)> = HashMap::new();
    let mut pending = explored.init_states();
    let mut look_alikes = 0;
    while let Some(world) = pending.pop() {
        let future = futures(&world);
        match seen.get(&look(&world)) {
            None => {
                pending.extend(explored.next_states(&world));
                seen.insert(look(&world), (world, future));
            }
            Some((known, _)) if *known == world => {}
            Some((known, known_future)) => {
                assert_eq!(
                    *known_future, future,
                    "these look the same, but have different futures: {known:?} {world:?}"
                );
                look_alikes += 1;
            }
        }
    }
    println!("{}: {} states, {look_alikes} look-alikes", bounds.name, seen.len());
    look_alikes
}

fn look(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

fn explored(bounds: &Bounds) -> Explored {
    Explored { bounds: bounds.clone(), tally: Arc::default() }
}
