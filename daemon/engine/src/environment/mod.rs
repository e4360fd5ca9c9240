//! One environment as a state machine.
//!
//! [`Environment::handle`] takes what happened and returns what to do. Nothing waits in here: a
//! wait is a state, and the event that ends it moves the environment on. The rules are in the
//! modules, one each:
//!
//! | module | rule |
//! |---|---|
//! | `render` | what is wanted: a new render replaces what has not been sent |
//! | `kinds` | nothing is decided before the cluster has been seen |
//! | `ledger` | the parent names every kind before its first object is applied |
//! | `decide` | where each object stands: as wanted, to be applied, drifted, held by another… |
//! | `order` | what is applied, rank by rank, and what the answer means |
//! | `prune` | what is deleted, what never is, and when a person is asked |
//! | `fight`, `retry` | when to slow down |
//! | `wellness` | when an object that was applied has to be healthy |
//! | `observe` | what the watch brings |
//! | `report` | what the environment says of itself |
//!
//! Every event costs at most the logarithm of the number of objects, except a new render and the
//! plan of a prune, which look at everything they concern once.

mod alarms;
mod decide;
mod entry;
mod fight;
mod kinds;
mod ledger;
mod observe;
mod order;
mod prune;
mod render;
mod report;
mod retry;
mod tally;
mod view;
mod wellness;

use std::collections::BTreeMap;

use alarms::{Alarm, Alarms};
use entry::{Entry, Key, Keys, Standing};
use kinds::Kinds;
use ledger::Ledger;
use prune::Prune;
use retry::Breaker;
use tally::Tally;

use crate::applyset::{Inventory, SetId};
use crate::{Claims, Command, Event, Options, Ticket, Time};

/// The sync of one environment.
///
/// A value without clock, task or connection: the same events at the same times give the same
/// commands. A new machine, made after a crash from the parent's inventory, finishes what the one
/// before began, because everything it has to know is in the cluster.
#[derive(Debug)]
pub struct Environment {
    set: SetId,
    options: Options,
    entries: BTreeMap<Key, Entry>,
    kinds: Kinds,
    ledger: Ledger,
    tally: Tally,
    prune: Prune,
    alarms: Alarms,
    breaker: Breaker,
    /// Requests about objects that are on their way.
    flights: BTreeMap<Ticket, Key>,
    last_ticket: u64,
    render: render::Render,
    /// Why nothing may be sent, when nothing may.
    hold: Option<String>,
    /// Whether every environment of the repository has been rendered at this revision.
    gate: bool,
    /// When the first event came.
    started: Option<Time>,
    claims_seen: u64,
    wake_asked: Option<Time>,
    corrections: u64,
}

impl Environment {
    /// Makes the machine of the environment that `set` belongs to.
    ///
    /// `inventory` is what the parent's annotations say now, with the parent's own namespace among
    /// the namespaces, which the annotations leave out. `options` hold until the first render
    /// brings its own.
    #[must_use]
    pub fn new(set: SetId, inventory: Inventory, options: Options) -> Self {
        let mut kinds = Kinds::default();
        for kind in &inventory.kinds {
            kinds.want(kind);
        }
        Self {
            set,
            options,
            entries: BTreeMap::new(),
            kinds,
            ledger: Ledger::new(inventory),
            tally: Tally::default(),
            prune: Prune::default(),
            alarms: Alarms::default(),
            breaker: Breaker::default(),
            flights: BTreeMap::new(),
            last_ticket: 0,
            render: render::Render::default(),
            hold: None,
            gate: false,
            started: None,
            claims_seen: 0,
            wake_asked: None,
            corrections: 0,
        }
    }

    /// Says which revision had been applied in full before this process started, from the parent's
    /// status.
    ///
    /// It matters where drift is only reported: what differs at that very revision is drift, which
    /// a restart must not correct.
    #[must_use]
    pub fn resuming(mut self, applied: Option<String>) -> Self {
        self.render.resume(applied);
        self
    }

    /// The set that the environment's objects are members of.
    #[must_use]
    pub fn set(&self) -> &SetId {
        &self.set
    }

    /// Takes what happened at `now` and returns what to do about it, in order.
    ///
    /// `claims` has to be up to date with the renders of all environments. When it changes, the
    /// other environments have to hear of it, by [`Event::Tick`] if by nothing else.
    pub fn handle(&mut self, event: Event, now: Time, claims: &Claims) -> Vec<Command> {
        self.started.get_or_insert(now);
        self.heed_claims(now, claims);
        self.heed(event, now, claims);
        self.heed_alarms(now, claims);

        let mut commands = Vec::new();
        self.watch(&mut commands);
        if self.hold.is_none() && self.render.exists() {
            self.write_parent(now, &mut commands);
            self.send_applies(now, claims, &mut commands);
            self.send_deletes(now, claims, &mut commands);
        }
        self.note_applied();
        self.ask_to_be_woken(now, &mut commands);
        commands
    }

    fn heed(&mut self, event: Event, now: Time, claims: &Claims) {
        match event {
            Event::Rendered {
                revision,
                objects,
                options,
            } => {
                self.rendered(revision, objects, options, now, claims);
            }
            Event::RenderFailed {
                revision,
                code,
                message,
            } => {
                self.render.failed(revision, code, message);
            }
            Event::Rebound {
                id,
                expected,
                blocked,
            } => {
                self.rebound(&id, expected, blocked, now, claims);
            }
            Event::Observed(live) => self.observed(live, now, claims),
            Event::Vanished { id, uid } => self.vanished(&id, uid.as_deref(), now, claims),
            Event::Listed(kind) => self.listed(&kind, now, claims),
            Event::KindServed(kind) => self.kind_served(&kind, now, claims),
            Event::KindMissing(kind) => self.kind_missing(&kind, now, claims),
            Event::KindUnwatched { kind, failure } => {
                self.kind_unwatched(&kind, &failure, now, claims);
            }
            Event::PruneGate(open) => {
                if self.gate != open {
                    self.gate = open;
                    self.prune.reconsider();
                    self.evaluate_standing(Standing::Contested, now, claims);
                }
            }
            Event::Hold(reason) => self.hold = reason,
            Event::Confirmed { digest } => self.prune.confirm(digest),
            Event::Resync => self.resync(now, claims),
            Event::Done { ticket, outcome } => self.done(ticket, outcome, now, claims),
            Event::Tick => {}
        }
    }

    /// Objects that wait for another environment to let go are looked at whenever a claim changes.
    fn heed_claims(&mut self, now: Time, claims: &Claims) {
        if self.claims_seen != claims.generation() {
            self.claims_seen = claims.generation();
            self.prune.reconsider();
            self.evaluate_standing(Standing::Contested, now, claims);
        }
    }

    fn heed_alarms(&mut self, now: Time, claims: &Claims) {
        while let Some(alarm) = self.alarms.due(now) {
            match alarm {
                // Both are looked at whenever something could be sent.
                Alarm::Parent | Alarm::Breaker => {}
                Alarm::Retry(key) => self.evaluate(&key, now, claims),
                Alarm::Health(key) => self.overdue(&key),
                Alarm::Doubt(key) => {
                    if let Some(entry) = self.entries.get_mut(&key) {
                        entry.doubtful = false;
                    }
                    self.evaluate(&key, now, claims);
                }
            }
        }
    }

    /// A person's request ends every wait, and corrects what was only reported.
    fn resync(&mut self, now: Time, claims: &Claims) {
        self.breaker.answered();
        self.alarms.clear(Alarm::Breaker);
        self.ledger.not_before = now;
        let waiting: Keys = [Standing::Drifted, Standing::Fought]
            .into_iter()
            .flat_map(|standing| self.tally.keys(standing))
            .chain(&self.tally.troubled)
            .map(Key::clone)
            .collect();
        for key in waiting {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.reached = None;
                entry.fighting = None;
                if let Some(trouble) = &mut entry.trouble {
                    trouble.not_before = now;
                }
            }
            self.tally.fighting.remove(&key);
            self.evaluate(&key, now, claims);
        }
        self.prune.reconsider();
    }

    fn evaluate_standing(&mut self, standing: Standing, now: Time, claims: &Claims) {
        let keys: Vec<Key> = self.tally.keys(standing).cloned().collect();
        for key in keys {
            self.evaluate(&key, now, claims);
        }
    }

    fn ask_to_be_woken(&mut self, now: Time, commands: &mut Vec<Command>) {
        let next = self.alarms.next();
        // A wake-up that was asked for and has passed is not asked for any more.
        self.wake_asked = self.wake_asked.filter(|asked| *asked > now);
        if let Some(next) = next
            && self.wake_asked.is_none_or(|asked| next < asked)
        {
            self.wake_asked = Some(next);
            commands.push(Command::WakeAt(next));
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// The key of an object that is remembered from now on.
    fn remember(&mut self, id: &windlass_manifest::ObjectId) -> Key {
        if let Some((key, _)) = self.entries.get_key_value(id) {
            return Key::clone(key);
        }
        let key = Key::new(id.clone());
        self.ledger.add(id);
        self.kinds.want(&id.group_kind());
        self.entries.insert(Key::clone(&key), Entry::new(id));
        key
    }

    /// Drops an object of which nothing has to be remembered.
    fn forget(&mut self, key: &Key) {
        if self.entries.remove(key).is_none() {
            return;
        }
        self.ledger.remove(key);
        self.alarms.clear(Alarm::Retry(Key::clone(key)));
        self.alarms.clear(Alarm::Health(Key::clone(key)));
        self.alarms.clear(Alarm::Doubt(Key::clone(key)));
        self.tally.forget(key);
    }
}
