//! Requests to cancel the statement of another connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use datafusion_postgres::pgwire::messages::cancel::CancelRequest;
use datafusion_postgres::pgwire::messages::startup::SecretKey;
use tokio::sync::Notify;

/// The connections whose statements can be cancelled, by number.
#[derive(Debug, Default)]
pub(super) struct Cancels(Mutex<Listed>);

#[derive(Debug, Default)]
struct Listed {
    next: i32,
    connections: HashMap<i32, (SecretKey, Arc<Notify>)>,
}

impl Cancels {
    /// Lists a connection under a number that none has.
    pub(super) fn register(self: &Arc<Self>, key: SecretKey) -> (i32, Registered, Arc<Notify>) {
        let cancelled = Arc::new(Notify::new());
        let mut listed = self.listed();
        loop {
            listed.next = listed.next.checked_add(1).unwrap_or(1);
            if !listed.connections.contains_key(&listed.next) {
                break;
            }
        }
        let number = listed.next;
        listed
            .connections
            .insert(number, (key, Arc::clone(&cancelled)));
        let registered = Registered {
            cancels: Arc::clone(self),
            number,
        };
        (number, registered, cancelled)
    }

    /// Cancels the statement that the connection runs, where the request has its key.
    pub(super) fn cancel(&self, request: &CancelRequest) {
        let listed = self.listed();
        let Some((key, cancelled)) = listed.connections.get(&request.pid) else {
            return;
        };
        let (key, asked) = (key.to_bytes(), request.secret_key.to_bytes());
        if verify_slices_are_equal(&key, &asked).is_ok() {
            // Heard only while a statement runs.
            cancelled.notify_waiters();
        }
    }

    fn listed(&self) -> MutexGuard<'_, Listed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is listed; dropped, it is no more.
pub(super) struct Registered {
    cancels: Arc<Cancels>,
    number: i32,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.cancels.listed().connections.remove(&self.number);
    }
}
