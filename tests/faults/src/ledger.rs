use http::Method;

/// On which side of its execution a request is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The API server never sees the request.
    BeforeExecution,
    /// The API server has executed the request, and its answer is lost.
    AfterExecution,
}

/// Where the world stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The request, counted from 1 since the proxy was armed.
    pub request: usize,
    /// The side of its execution.
    pub moment: Moment,
}

/// A request that may have changed the cluster, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// POST, PUT, PATCH or DELETE.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The HTTP status; 502 when the API server gave no answer.
    pub status: u16,
    /// The uid of the object in the answer, when there is one.
    pub uid: Option<String>,
}

/// What has passed the proxy.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Where the world is to stop, if anywhere.
    pub cut: Option<Cut>,
    /// Requests that may change the cluster since the proxy was armed, the held one included.
    pub counted: usize,
    /// Requests that the API server has not yet answered.
    pub under_way: usize,
    /// Whether the world stands still.
    pub stopped: bool,
    /// Those that were answered, in the order of their answers, since the proxy was made.
    pub mutations: Vec<Mutation>,
}

impl Ledger {
    /// Counts one request; `false` when it must not reach the API server.
    pub(crate) fn admit(&mut self) -> bool {
        if self.stopped {
            return false;
        }
        self.counted += 1;
        let here = self.cut.filter(|cut| cut.request == self.counted);
        if here.is_some() {
            self.stopped = true;
        }
        let passes = here.is_none_or(|cut| cut.moment == Moment::AfterExecution);
        if passes {
            self.under_way += 1;
        }
        passes
    }

    /// Notes an answer.
    pub(crate) fn settle(&mut self, mutation: Mutation) {
        self.under_way -= 1;
        self.mutations.push(mutation);
    }

    /// The successful deletions.
    pub fn deletions(&self) -> impl Iterator<Item = &Mutation> {
        self.mutations.iter().filter(|mutation| {
            mutation.method == Method::DELETE && (200..300).contains(&mutation.status)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(moment: Moment) -> (Vec<bool>, Ledger) {
        let cut = Cut { request: 2, moment };
        let mut ledger = Ledger {
            cut: Some(cut),
            ..Ledger::default()
        };
        ((0..3).map(|_| ledger.admit()).collect(), ledger)
    }

    #[test]
    fn the_request_of_the_cut_is_executed_or_not_and_those_behind_it_never() {
        let (passed, ledger) = admitted(Moment::BeforeExecution);
        assert_eq!(passed, [true, false, false]);
        assert!(ledger.stopped && ledger.counted == 2 && ledger.under_way == 1);
        let (passed, ledger) = admitted(Moment::AfterExecution);
        assert_eq!(passed, [true, true, false]);
        assert!(ledger.stopped && ledger.counted == 2 && ledger.under_way == 2);
    }

    #[test]
    fn nothing_is_held_without_a_cut() {
        let mut ledger = Ledger::default();
        assert!((0..9).all(|_| ledger.admit()));
        assert_eq!((ledger.counted, ledger.stopped), (9, false));
    }
}
