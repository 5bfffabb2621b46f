//! Work that several callers want at the same time, done for all of them by one statement, in one transaction.
//!
//! Who comes first waits for a connection, and whoever comes meanwhile is done with: the busier the database, the more of them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use tracing::Instrument as _;

use super::{BoxFuture, Error, Store, Tx};

/// One transaction after the other: the more are done together, the less each of them costs. One that takes longer than this may be on a
/// connection that has fallen silent: nobody waits for its end, and the next goes on beside it.
const PATIENCE: Duration = Duration::from_millis(100);
/// So many at once then, where the database has room for several.
const AT_ONCE: usize = 3;

/// Does the work of all of them: what became of each, in their order.
type Work<I, T> = for<'t> fn(&'t mut Tx, &'t [I]) -> BoxFuture<'t, Result<Vec<T>, Error>>;

/// Where callers meet. `I` is what one wants, `T` what becomes of it.
pub struct Together<I, T> {
    work: Work<I, T>,
    most: usize,
    waiting: Mutex<Vec<Waiting<I, T>>>,
    turn: Semaphore,
    places: Semaphore,
}

type Waiting<I, T> = (I, oneshot::Sender<Result<T, Error>>);

impl<I: Send + Sync + 'static, T: Send + 'static> Together<I, T> {
    /// For work that asks for one statement at most, of so many inputs at most.
    #[must_use]
    pub fn new(most: usize, work: Work<I, T>) -> Arc<Self> {
        let (turn, places) = (Semaphore::new(1), Semaphore::new(AT_ONCE));
        Arc::new(Self { work, most, waiting: Mutex::default(), turn, places })
    }

    /// As [`Store::write_one`], together with whoever else wants it.
    ///
    /// # Errors
    /// As there; an error is an error for all that were done together.
    pub async fn write(self: &Arc<Self>, store: &Store, input: I) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((input, reply));
            waiting.len() == 1
        };
        if is_first {
            self.begin(store);
        }
        answer.await.unwrap_or_else(|_| Err(Error::Unavailable("the program is ending".to_owned())))
    }

    /// In a task of its own: others wait for it, when who came first has gone.
    fn begin(self: &Arc<Self>, store: &Store) {
        tokio::spawn(Arc::clone(self).run(store.clone()).in_current_span());
    }

    async fn run(self: Arc<Self>, store: Store) {
        // Never closed.
        let _place = self.places.acquire().await;
        let _turn = timeout(PATIENCE, self.turn.acquire()).await;
        let batch = Arc::new(Batch { together: Arc::clone(&self), store: store.clone(), taken: OnceLock::new() });
        let done = store.write_one(Arc::clone(&batch), |tx, batch| {
            Box::pin(async {
                let inputs = &batch.taken().inputs;
                (batch.together.work)(tx, inputs).await
            })
        });
        let done = done.await;
        batch.answer(done);
    }
}

/// Those that are done together: whoever waits when the transaction has begun.
struct Batch<I, T> {
    together: Arc<Together<I, T>>,
    store: Store,
    taken: OnceLock<Taken<I, T>>,
}

struct Taken<I, T> {
    inputs: Vec<I>,
    replies: Mutex<Vec<oneshot::Sender<Result<T, Error>>>>,
}

impl<I: Send + Sync + 'static, T: Send + 'static> Batch<I, T> {
    /// The same ones each time that the work is run.
    fn taken(&self) -> &Taken<I, T> {
        self.taken.get_or_init(|| {
            let mut waiting = self.together.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            // Nothing has begun for who has gone.
            waiting.retain(|(_, reply)| !reply.is_closed());
            let most = waiting.len().min(self.together.most);
            let left = waiting.split_off(most);
            let taken = std::mem::replace(&mut *waiting, left);
            if !waiting.is_empty() {
                self.together.begin(&self.store);
            }
            let (inputs, replies) = taken.into_iter().unzip();
            Taken { inputs, replies: Mutex::new(replies) }
        })
    }

    /// There is no transaction for anybody who waits: the next would have to wait as long again.
    fn refuse_all(&self, error: &Error) {
        let waiting = std::mem::take(&mut *self.together.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, reply) in waiting {
            drop(reply.send(Err(error.clone())));
        }
    }

    fn answer(&self, done: Result<Vec<T>, Error>) {
        if let (None, Err(error)) = (self.taken.get(), &done) {
            return self.refuse_all(error);
        }
        let replies = std::mem::take(&mut *self.taken().replies.lock().unwrap_or_else(PoisonError::into_inner));
        // Nobody may be waiting any more.
        match done {
            Ok(done) => replies.into_iter().zip(done).for_each(|(reply, one)| drop(reply.send(Ok(one)))),
            Err(error) => replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone())))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::database::{Database, Location};
    use crate::platform::clock::Clock;

    async fn store(folder: &tempfile::TempDir) -> Store {
        let settings = Database {
            location: Location::Sqlite(folder.path().join("doorward.db")),
            max_connections: 1,
            start_timeout: Duration::ZERO,
            audit_retention: Duration::ZERO,
        };
        Store::open(&settings, Clock::system()).await.unwrap()
    }

    /// What becomes of each is how many were done together.
    fn counting(most: usize) -> Arc<Together<u32, usize>> {
        Together::new(most, |_, inputs| Box::pin(async { Ok(vec![inputs.len(); inputs.len()]) }))
    }

    /// Lets those come who are spawned, which wait for a place.
    async fn all_wait(together: &Together<u32, usize>, number: usize) {
        while together.waiting.lock().unwrap().len() < number {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_waits_is_done_with_the_others_and_who_has_gone_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (store, together) = (store(&folder).await, counting(3));
        let write = |input| {
            let (store, together) = (store.clone(), Arc::clone(&together));
            tokio::spawn(async move { together.write(&store, input).await })
        };
        assert_eq!(write(0).await.unwrap().unwrap(), 1);
        let places = together.places.acquire_many(3).await.unwrap();
        let callers: Vec<_> = (0..6).map(write).collect();
        all_wait(&together, 6).await;
        for gone in [0, 3] {
            callers[gone].abort();
            while !callers[gone].is_finished() {
                tokio::task::yield_now().await;
            }
        }
        drop(places);
        let mut done = Vec::new();
        for caller in callers {
            if let Ok(together) = caller.await {
                done.push(together.unwrap());
            }
        }
        assert_eq!(done, [3, 3, 3, 1]);
    }

    #[tokio::test]
    async fn nobody_waits_for_one_that_takes_long() {
        let folder = tempfile::tempdir().unwrap();
        let (store, together) = (store(&folder).await, counting(3));
        let _turn = together.turn.acquire().await.unwrap();
        for _ in 0..2 {
            assert_eq!(together.write(&store, 0).await.unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn where_nothing_can_begin_everybody_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (store, together) = (store(&folder).await, counting(2));
        store.close().await;
        let places = together.places.acquire_many(3).await.unwrap();
        let callers: Vec<_> = (0..9)
            .map(|input| {
                let (store, together) = (store.clone(), Arc::clone(&together));
                tokio::spawn(async move { together.write(&store, input).await })
            })
            .collect();
        all_wait(&together, 9).await;
        drop(places);
        for caller in callers {
            assert!(caller.await.unwrap().unwrap_err().is_unavailable());
        }
        assert!(together.waiting.lock().unwrap().is_empty());
    }
}
