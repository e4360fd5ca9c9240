//! Lets a guest ask its caller, who is borrowed.
//!
//! A store may only hold what lives for ever, and [`Imports`] is borrowed for one call. So a host
//! function leaves its question here and suspends the guest, which runs on a stack of its own;
//! [`Bridge::run`] sees the suspension, answers on the caller's stack, and resumes the guest. It
//! all happens on one thread, without a runtime and without waiting.

use crate::Imports;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

type Question = Box<dyn FnOnce(&mut dyn Imports) + Send>;

#[derive(Clone, Default)]
pub(crate) struct Bridge {
    question: Arc<Mutex<Option<Question>>>,
}

impl Bridge {
    /// Asks the caller. To be awaited by a host function, inside of [`Bridge::run`].
    pub(crate) async fn ask<A: Send + 'static>(
        &self,
        question: impl FnOnce(&mut dyn Imports) -> A + Send + 'static,
    ) -> A {
        let answer = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&answer);
        *lock(&self.question) = Some(Box::new(move |imports| {
            let answer = question(imports);
            *lock(&slot) = Some(answer);
        }));
        poll_fn(move |_| match lock(&answer).take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        })
        .await
    }

    /// Drives a call to its end, answering its questions. `None` when it waits for something that
    /// was not asked here, which no host function does.
    pub(crate) fn run<F: Future>(&self, call: F, imports: &mut dyn Imports) -> Option<F::Output> {
        let mut call = pin!(call);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = call.as_mut().poll(&mut context) {
                return Some(output);
            }
            let question = lock(&self.question).take()?;
            question(imports);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileError, NoImports};

    #[test]
    fn questions_are_answered_by_the_caller_in_order() {
        let bridge = Bridge::default();
        let answers = bridge.run(
            async {
                let read = bridge.ask(|imports| imports.read("a")).await;
                let exists = bridge.ask(|imports| imports.exists("a")).await;
                (read, exists)
            },
            &mut NoImports,
        );
        assert_eq!(answers, Some((Err(FileError::NotFound), Ok(false))));
    }

    #[test]
    fn waiting_for_something_else_ends_the_call() {
        let output = Bridge::default().run(std::future::pending::<()>(), &mut NoImports);
        assert_eq!(output, None, "it must not hang");
    }
}
