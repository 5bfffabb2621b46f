//! The requests of one path.

use std::sync::{PoisonError, RwLock};

use prometheus::{Histogram, IntCounter};

use super::Request;

/// What was counted of one path, found once for each method and status: to look for a number by its labels takes longer than to count.
#[derive(Debug, Default)]
pub struct OfPath(RwLock<Vec<Known>>);

#[derive(Debug)]
struct Known {
    method: &'static str,
    /// Empty: the client went away.
    status: String,
    requests: IntCounter,
    durations: Histogram,
}

impl OfPath {
    /// One more; `find` finds its numbers where it is the first.
    pub(super) fn count(&self, request: Request<'_>, find: impl FnOnce(Request<'_>) -> (IntCounter, Histogram)) {
        let status = request.status.unwrap_or_default();
        let add = |known: &Known| {
            known.requests.inc();
            known.durations.observe(request.took.as_secs_f64());
        };
        let is_known = |known: &&Known| known.method == request.method && known.status == status;
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).iter().find(is_known) {
            return add(known);
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter().find(is_known) {
            return add(known);
        }
        let (requests, durations) = find(request);
        let known = Known { method: request.method, status: status.to_owned(), requests, durations };
        add(&known);
        all.push(known);
    }
}
