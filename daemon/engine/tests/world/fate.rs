//! What becomes of requests, what the watches tell, and what others do.

use std::collections::VecDeque;
use std::time::Duration;

use windlass_engine::applyset::SetId;
use windlass_engine::health::{Assessment, Health};
use windlass_engine::{Claims, Command, Event, FailureClass, Outcome, Time};
use windlass_manifest::{GroupKind, ObjectId};

use super::cluster::{self, Told, failed, lost};
use super::text::short_command;
use super::{Place, World, ticket};

impl World {
    /// Executes or answers one request, well or badly.
    pub(super) fn progress(&mut self, at: usize) {
        let count = self.places[at].flights.len();
        if count == 0 {
            return;
        }
        let which = self.random.below(count);
        if let Some(outcome) = self.places[at].flights[which].answer.take() {
            let flight = self.places[at].flights.remove(which);
            self.answer(at, &flight.command, outcome);
            return;
        }
        let command = self.places[at].flights[which].command.clone();
        let luck = if self.calm {
            100
        } else {
            self.random.below(100)
        };
        let outcome = match luck {
            0..6 => lost(),
            6..12 => {
                self.execute(at, &command);
                lost()
            }
            12..15 if !matches!(command, Command::WriteParent { .. }) => {
                let at_last = self.now + Duration::from_millis(self.random.next() % 40_000);
                let set = self.places[at].set.clone();
                self.late.push((at_last, set, command));
                lost()
            }
            15..18 => failed(FailureClass::Rejected),
            _ => self.execute(at, &command),
        };
        self.places[at].flights[which].answer = Some(outcome);
    }

    fn answer(&mut self, at: usize, command: &Command, outcome: Outcome) {
        if let (Command::Delete { uid, .. }, Outcome::Deleted) = (command, &outcome) {
            self.places[at].deleted.insert(uid.clone());
        }
        self.send(
            at,
            Event::Done {
                ticket: ticket(command),
                outcome,
            },
        );
    }

    fn execute(&mut self, at: usize, command: &Command) -> Outcome {
        let set = self.places[at].set.clone();
        self.execute_for(&set, command)
    }

    fn execute_for(&mut self, set: &SetId, command: &Command) -> Outcome {
        self.note(format!("     carried out: {}", short_command(command)));
        match command {
            Command::WriteParent { inventory, .. } => {
                self.cluster.parents.insert(set.clone(), inventory.clone());
                Outcome::Written
            }
            Command::Apply { object, .. } => {
                let body: serde_json::Value =
                    serde_json::from_str(&object.body).unwrap_or_default();
                let value = body["data"]["value"].as_str().unwrap_or_default();
                self.cluster.apply(object, value, set)
            }
            Command::Delete {
                id,
                uid,
                resource_version,
                ..
            } => self.cluster.delete(id, uid, resource_version),
            Command::Watch(_) | Command::WakeAt(_) => failed(FailureClass::Rejected),
        }
    }

    pub(super) fn carry_out_late(&mut self) {
        let due: Vec<(Time, SetId, Command)> = self
            .late
            .extract_if(.., |(at, ..)| *at <= self.now)
            .collect();
        for (_, set, command) in due {
            self.execute_for(&set, &command);
        }
    }

    pub(super) fn tell_one(&mut self, at: usize) {
        let waiting: Vec<GroupKind> = self.places[at]
            .watches
            .iter()
            .filter(|(_, queue)| !queue.is_empty())
            .map(|(kind, _)| kind.clone())
            .collect();
        let Some(kind) = self.random.pick(&waiting).cloned() else {
            return;
        };
        let told = self.places[at]
            .watches
            .get_mut(&kind)
            .and_then(VecDeque::pop_front);
        let event = match told {
            Some(Told::Live(live)) => Event::Observed(live),
            Some(Told::Gone { id, uid }) => Event::Vanished { id, uid: Some(uid) },
            Some(Told::Listed(kind)) => Event::Listed(kind),
            Some(Told::Served(kind)) => Event::KindServed(kind),
            Some(Told::Missing(kind)) => Event::KindMissing(kind),
            None => return,
        };
        self.send(at, event);
    }

    /// Somebody else changes something.
    pub(super) fn disturb(&mut self) {
        let ids: Vec<ObjectId> = self.cluster.objects.keys().cloned().collect();
        let Some(id) = self.random.pick(&ids).cloned() else {
            return;
        };
        let how = self.random.below(7);
        self.note(format!("     disturbed ({how}): {id}"));
        match how {
            0 => self.cluster.change(&id, |live| {
                live.owned = live.owned.map(|_| cluster::print("edited"));
                live.other_manager = Some("somebody".to_owned());
            }),
            1 => self.cluster.remove(&id),
            2 => self.cluster.change(&id, |live| live.part_of = None),
            3 => self.cluster.change(&id, |live| {
                live.health = Assessment::new(Health::Progressing, "rolls out");
            }),
            4 => self.cluster.change(&id, |live| live.keep = !live.keep),
            _ => self.cluster.change(&id, |live| {
                live.health = Assessment::new(Health::Healthy, "");
            }),
        }
    }

    /// The daemon is killed: what is on its way is carried out or not, and nobody hears of it.
    pub(super) fn restart(&mut self) {
        self.note("restart".to_owned());
        self.claims = Claims::new();
        for at in 0..self.places.len() {
            let flights = std::mem::take(&mut self.places[at].flights);
            for flight in flights {
                if flight.answer.is_none() && self.random.percent(50) {
                    self.execute(at, &flight.command);
                }
            }
            let set = self.places[at].set.clone();
            self.claims.set_name(&set, format!("environment e{at}"));
            let parent = self.cluster.parents.get(&set).cloned().unwrap_or_default();
            self.places[at] = Place::new(set, parent);
        }
        self.hand_out();
        let order = self.random.below(self.places.len());
        for n in 0..self.places.len() {
            let at = (n + order) % self.places.len();
            if self.random.percent(70) {
                self.render(at);
            }
        }
    }
}
