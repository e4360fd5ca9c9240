//! A world around some environments: a cluster, requests on their way, watches that lag, people.

pub mod cluster;
pub mod random;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use cluster::{Cluster, Told, failed, lost};
use random::Random;
use serde_json::json;
use windlass_engine::applyset::{Inventory, SetId};
use windlass_engine::health::{Assessment, Health};
use windlass_engine::{
    Claims, Command, Desired, Environment, Event, FailureClass, Options, Outcome, PruneLimit,
    Ticket, Time,
};
use windlass_manifest::{GroupKind, Object, ObjectId, Origin};

/// What a commit wants: for each environment its objects and their values.
pub type Commit = Vec<BTreeMap<ObjectId, String>>;

pub struct World {
    pub random: Random,
    pub cluster: Cluster,
    pub claims: Claims,
    pub places: Vec<Place>,
    pub now: Time,
    pub commits: Vec<Commit>,
    /// Requests that were given up and are carried out all the same, and when.
    late: Vec<(Time, SetId, Command)>,
    pub calm: bool,
    pub trace: Vec<String>,
}

/// One environment and what surrounds it.
pub struct Place {
    pub env: Environment,
    pub set: SetId,
    pub rendered: Option<usize>,
    flights: Vec<Flight>,
    watches: BTreeMap<GroupKind, VecDeque<Told>>,
    watched: BTreeSet<GroupKind>,
    wake: Option<Time>,
    deleted: BTreeSet<String>,
    held: bool,
    is_gated: bool,
}

struct Flight {
    command: Command,
    answer: Option<Outcome>,
}

const KINDS: [&str; 5] = [
    "ConfigMap",
    "Secret",
    "Deployment.apps",
    "Widget.example.com",
    "Namespace",
];

fn options() -> Options {
    Options {
        max_in_flight: 4,
        prune_limit: PruneLimit {
            percent: 50,
            objects: 4,
        },
        ..Options::default()
    }
}

fn kind(text: &str) -> GroupKind {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

impl World {
    pub fn new(seed: u64, environments: usize) -> Self {
        let mut claims = Claims::new();
        let places: Vec<Place> = (0..environments)
            .map(|n| {
                let set =
                    SetId::of_parent(&format!("e{n}"), "windlass", "Environment", "windlass.dev");
                claims.set_name(&set, format!("environment e{n}"));
                Place::new(set, Inventory::default())
            })
            .collect();
        let mut world = Self {
            random: Random::new(seed),
            cluster: Cluster::default(),
            claims,
            places,
            now: Time(1_000_000),
            commits: Vec::new(),
            late: Vec::new(),
            calm: false,
            trace: Vec::new(),
        };
        world.commit();
        world
    }

    fn note(&mut self, text: String) {
        self.trace
            .push(format!("{:>8} {text}", self.now.0 - 1_000_000));
    }

    /// A new commit: every object is in one environment or in none.
    pub fn commit(&mut self) {
        let mut commit: Commit = self
            .commits
            .last()
            .cloned()
            .unwrap_or_else(|| vec![BTreeMap::new(); self.places.len()]);
        let changes = if self.commits.is_empty() {
            20
        } else {
            1 + self.random.below(6)
        };
        for _ in 0..changes {
            let id = self.any_id();
            let value = format!("v{}", self.random.below(4));
            let home = self.random.below(commit.len() + 1);
            for (at, objects) in commit.iter_mut().enumerate() {
                objects.remove(&id);
                if at == home {
                    objects.insert(id.clone(), value.clone());
                }
            }
        }
        if self.random.percent(3) {
            let at = self.random.below(commit.len());
            if let Some(objects) = commit.get_mut(at) {
                objects.clear();
            }
        }
        self.note(format!("commit {}", self.commits.len()));
        self.commits.push(commit);
    }

    fn any_id(&mut self) -> ObjectId {
        let GroupKind { group, kind } = kind(self.random.pick(&KINDS).unwrap_or(&"ConfigMap"));
        let namespace = (kind != "Namespace").then(|| format!("ns{}", self.random.below(2)));
        let mut names = vec!["a", "b", "c", "df"];
        if kind == "ConfigMap" {
            names.push("keep");
        }
        let name = (*self.random.pick(&names).unwrap_or(&"a")).to_owned();
        ObjectId {
            group,
            kind,
            namespace,
            name,
        }
    }

    fn desired(&self, at: usize, id: &ObjectId, value: &str) -> Desired {
        let version = if id.group.is_empty() {
            "v1".into()
        } else {
            format!("{}/v1", id.group)
        };
        let object = Object::from_json(json!({
            "apiVersion": version, "kind": id.kind,
            "metadata": {"name": id.name, "namespace": id.namespace},
            "data": {"value": value},
        }))
        .unwrap_or_else(|e| panic!("{id}: {e}"));
        let mut desired = Desired::new(&object, Origin::default(), &self.places[at].set)
            .unwrap_or_else(|e| panic!("{id}: {e}"));
        desired.expected = Some(self.cluster.expected(value, id));
        desired.keep = id.name == "keep";
        desired
    }

    /// The daemon renders the newest commit for one environment.
    pub fn render(&mut self, at: usize) {
        let newest = self.commits.len() - 1;
        let wanted = self.commits[newest][at].clone();
        let objects: Vec<Desired> = wanted
            .iter()
            .map(|(id, value)| self.desired(at, id, value))
            .collect();
        let set = self.places[at].set.clone();
        self.claims.claim_all(&set, wanted.keys().cloned());
        self.places[at].rendered = Some(newest);
        self.places[at].is_gated = false;
        self.send(
            at,
            Event::Rendered {
                revision: newest.to_string(),
                objects,
                options: options(),
            },
        );
        self.update_gates();
        for other in 0..self.places.len() {
            self.send(other, Event::Tick);
        }
    }

    fn update_gates(&mut self) {
        for at in 0..self.places.len() {
            let mine = self.places[at].rendered;
            let open = mine.is_some() && self.places.iter().all(|place| place.rendered == mine);
            if open != self.places[at].is_gated {
                self.places[at].is_gated = open;
                self.send(at, Event::PruneGate(open));
            }
        }
    }

    pub fn send(&mut self, at: usize, event: Event) {
        self.note(format!("e{at} <- {}", short(&event)));
        let commands = self.places[at].env.handle(event, self.now, &self.claims);
        for command in commands {
            self.check_command(at, &command);
            match command {
                Command::Watch(kinds) => kinds.iter().for_each(|kind| self.watch(at, kind)),
                Command::WakeAt(time) => self.places[at].wake = Some(time),
                command => {
                    self.note(format!("e{at} -> {}", short_command(&command)));
                    self.places[at].flights.push(Flight {
                        command,
                        answer: None,
                    });
                }
            }
        }
        self.check_orphans();
    }

    fn watch(&mut self, at: usize, kind: &GroupKind) {
        self.hand_out();
        if self.cluster.unserved.contains(kind) {
            self.places[at].tell(kind, [Told::Missing(kind.clone())]);
            return;
        }
        let mut told: Vec<Told> = self
            .cluster
            .of_kind(kind)
            .into_iter()
            .map(Told::Live)
            .collect();
        told.push(Told::Listed(kind.clone()));
        self.places[at].tell(kind, told);
        self.places[at].watched.insert(kind.clone());
    }

    /// Hands what happened in the cluster to every watch, which tells of it later.
    fn hand_out(&mut self) {
        for (kind, told) in std::mem::take(&mut self.cluster.told) {
            for place in &mut self.places {
                match told {
                    Told::Served(_) | Told::Missing(_) => {
                        place.tell(&kind, [told.clone()]);
                        place.watched.remove(&kind);
                    }
                    _ if place.watched.contains(&kind) => place.tell(&kind, [told.clone()]),
                    _ => {}
                }
            }
        }
    }

    /// One thing happens.
    pub fn step(&mut self) {
        let at = self.random.below(self.places.len());
        self.now = self.now + Duration::from_millis(self.random.next() % 800);
        self.carry_out_late();
        match self.random.below(100) {
            0..35 => self.progress(at),
            35..70 => self.tell_one(at),
            70..73 if !self.calm => self.disturb(),
            73 if !self.calm => self.commit(),
            74..77 => self.render_if_behind(at),
            77 if !self.calm && self.random.percent(40) => self.restart(),
            78 if !self.calm && self.random.percent(30) => {
                self.cluster.secret += 1;
                self.rebind();
            }
            79 => self.confirm(at),
            80 if !self.calm => {
                let held = self.random.percent(50);
                self.places[at].held = held;
                self.send(at, Event::Hold(held.then(|| "held".to_owned())));
            }
            81 if self.random.percent(30) || self.calm => {
                let serve = self.calm || self.random.percent(60);
                self.cluster.serve(&kind("Widget.example.com"), serve);
            }
            82 => self.finalize(),
            _ => self.tick(at),
        }
        self.hand_out();
        self.check_orphans();
    }

    fn tick(&mut self, at: usize) {
        if self.places[at].wake.is_some_and(|wake| wake <= self.now) {
            self.places[at].wake = None;
            self.send(at, Event::Tick);
        }
    }

    pub fn render_if_behind(&mut self, at: usize) {
        if self.places[at].rendered != Some(self.commits.len() - 1) {
            self.render(at);
        }
    }

    pub fn confirm(&mut self, at: usize) {
        if let Some(refusal) = self.places[at].env.status(self.now).refusal {
            self.send(
                at,
                Event::Confirmed {
                    digest: refusal.digest,
                },
            );
        }
    }

    fn finalize(&mut self) {
        let ids: Vec<ObjectId> = self.cluster.objects.keys().cloned().collect();
        for id in ids {
            self.cluster.finalize(&id);
        }
    }

    fn rebind(&mut self) {
        for at in 0..self.places.len() {
            let Some(rendered) = self.places[at].rendered else {
                continue;
            };
            for (id, value) in self.commits[rendered][at].clone() {
                if id.kind == "Secret" {
                    let expected = Some(self.cluster.expected(&value, &id));
                    self.send(
                        at,
                        Event::Rebound {
                            id,
                            expected,
                            blocked: None,
                        },
                    );
                }
            }
        }
    }

    /// Executes or answers one request, well or badly.
    fn progress(&mut self, at: usize) {
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

    fn carry_out_late(&mut self) {
        let due: Vec<(Time, SetId, Command)> = self
            .late
            .extract_if(.., |(at, ..)| *at <= self.now)
            .collect();
        for (_, set, command) in due {
            self.execute_for(&set, &command);
        }
    }

    fn tell_one(&mut self, at: usize) {
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
    fn disturb(&mut self) {
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
    fn restart(&mut self) {
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

    /// Peace: no more changes, everything is healthy and carried out, until nothing happens.
    pub fn settle(&mut self) {
        self.calm = true;
        self.cluster.serve(&kind("Widget.example.com"), true);
        let ids: Vec<ObjectId> = self.cluster.objects.keys().cloned().collect();
        for id in ids {
            self.cluster.change(&id, |live| {
                live.health = Assessment::new(Health::Healthy, "")
            });
        }
        self.hand_out();
        for at in 0..self.places.len() {
            self.render_if_behind(at);
            self.places[at].held = false;
            self.send(at, Event::Hold(None));
        }
        for _ in 0..20_000 {
            self.step();
            self.finalize();
            self.hand_out();
            if self.places.iter().all(Place::is_idle) && self.late.is_empty() {
                if let Some(next) = self.places.iter().filter_map(|place| place.wake).min() {
                    self.now = self.now.max(next);
                    for at in 0..self.places.len() {
                        self.tick(at);
                    }
                } else {
                    for at in 0..self.places.len() {
                        self.confirm(at);
                    }
                    if self.places.iter().all(Place::is_idle) {
                        return;
                    }
                }
            }
        }
        panic!("it does not come to rest");
    }
}

impl Place {
    fn new(set: SetId, parent: Inventory) -> Self {
        Self {
            env: Environment::new(set.clone(), parent, options()),
            set,
            rendered: None,
            flights: Vec::new(),
            watches: BTreeMap::new(),
            watched: BTreeSet::new(),
            wake: None,
            deleted: BTreeSet::new(),
            held: false,
            is_gated: false,
        }
    }

    fn tell(&mut self, kind: &GroupKind, told: impl IntoIterator<Item = Told>) {
        self.watches.entry(kind.clone()).or_default().extend(told);
    }

    fn is_idle(&self) -> bool {
        self.flights.is_empty() && self.watches.values().all(VecDeque::is_empty)
    }
}

/// What must hold at every moment.
impl World {
    fn check_orphans(&self) {
        for place in &self.places {
            let orphans = self.cluster.orphans(&place.set);
            assert!(
                orphans.is_empty(),
                "not in the parent's inventory: {orphans:?}"
            );
        }
    }

    fn check_command(&self, at: usize, command: &Command) {
        let place = &self.places[at];
        assert!(
            !place.held || matches!(command, Command::Watch(_) | Command::WakeAt(_)),
            "held, and asks for {command:?}"
        );
        match command {
            Command::Apply { object, .. } => {
                let parent = self
                    .cluster
                    .parents
                    .get(&place.set)
                    .cloned()
                    .unwrap_or_default();
                assert!(
                    parent.kinds.contains(&object.id.group_kind())
                        && object
                            .id
                            .namespace
                            .iter()
                            .all(|name| parent.namespaces.contains(name)),
                    "{} is applied before the parent names it: {parent:?}",
                    object.id
                );
            }
            Command::Delete { id, uid, .. } => self.check_delete(place, id, uid),
            Command::WriteParent { .. } | Command::Watch(_) | Command::WakeAt(_) => {}
        }
    }

    fn check_delete(&self, place: &Place, id: &ObjectId, uid: &str) {
        assert!(!place.deleted.contains(uid), "{id} {uid} is deleted twice");
        assert!(id.kind != "Namespace", "{id} is never deleted");
        let commit = place.rendered.and_then(|n| self.commits.get(n));
        let wanted = commit.is_some_and(|c| c.iter().any(|objects| objects.contains_key(id)));
        assert!(
            !wanted,
            "{id} is deleted though the revision wants it somewhere"
        );
        assert_eq!(
            self.claims.owner(id),
            None,
            "{id} is deleted though it is claimed"
        );
        let status = place.env.status(self.now);
        assert_eq!(
            status.objects.applied, status.objects.total,
            "{id} is deleted in a sync that was not applied in full"
        );
    }

    /// What must hold at rest.
    pub fn check_rest(&mut self) {
        let commit = self.commits.last().cloned().unwrap_or_default();
        for (place, wanted) in self.places.iter().zip(&commit) {
            let mut there: BTreeSet<&ObjectId> = BTreeSet::new();
            for live in self.cluster.members(&place.set) {
                let kept = live.keep || live.id.kind == "Namespace";
                assert!(
                    kept || wanted.contains_key(&live.id),
                    "{} is neither wanted nor kept; {:#?}",
                    live.id,
                    place.env.status(self.now)
                );
                there.insert(&live.id);
            }
            for (id, value) in wanted {
                assert!(
                    there.contains(id),
                    "{id} is wanted: {:#?}",
                    place.env.status(self.now)
                );
                let expected = cluster::normalised(id, self.cluster.expected(value, id));
                assert_eq!(
                    self.cluster.objects.get(id).and_then(|live| live.owned),
                    Some(expected),
                    "{id} is as it is wanted"
                );
            }
            let status = place.env.status(self.now);
            assert!(status.ready, "{status:#?}");
            assert_eq!(status.applied, Some((self.commits.len() - 1).to_string()));
            let kinds: BTreeSet<GroupKind> = there.iter().map(|id| id.group_kind()).collect();
            let parent = self
                .cluster
                .parents
                .get(&place.set)
                .cloned()
                .unwrap_or_default();
            assert_eq!(
                parent.kinds, kinds,
                "the inventory is as narrow as it can be"
            );
        }
        for at in 0..self.places.len() {
            for later in [1, 1_000, 1_000_000] {
                let commands =
                    self.places[at]
                        .env
                        .handle(Event::Tick, Time(self.now.0 + later), &self.claims);
                assert_eq!(commands, [], "nothing is asked for at rest");
            }
        }
    }
}

fn ticket(command: &Command) -> Ticket {
    match command {
        Command::WriteParent { ticket, .. }
        | Command::Apply { ticket, .. }
        | Command::Delete { ticket, .. } => *ticket,
        Command::Watch(_) | Command::WakeAt(_) => Ticket(0),
    }
}

fn short(event: &Event) -> String {
    match event {
        Event::Rendered {
            revision, objects, ..
        } => {
            let ids: Vec<String> = objects.iter().map(|d| d.id.to_string()).collect();
            format!("rendered {revision}: {}", ids.join(", "))
        }
        Event::Observed(live) => format!(
            "observed {} {} v{} {:?} {:?} deleting={}",
            live.id,
            live.uid,
            live.resource_version,
            live.part_of.as_deref().map(|s| &s[9..13]),
            live.owned,
            live.deleting
        ),
        Event::Done {
            ticket,
            outcome: Outcome::Applied(live),
        } => {
            format!(
                "done {ticket}: applied {} {} v{}",
                live.id, live.uid, live.resource_version
            )
        }
        Event::Done {
            ticket,
            outcome: Outcome::Failed(f),
        } => format!("done {ticket}: {:?}", f.class),
        other => format!("{other:?}"),
    }
}

fn short_command(command: &Command) -> String {
    match command {
        Command::WriteParent { ticket, inventory } => format!(
            "{ticket} parent {:?}",
            inventory
                .kinds
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        ),
        Command::Apply { ticket, object, .. } => format!("{ticket} apply {}", object.id),
        Command::Delete {
            ticket,
            id,
            uid,
            resource_version,
            ..
        } => {
            format!("{ticket} delete {id} {uid} v{resource_version}")
        }
        other => format!("{other:?}"),
    }
}
