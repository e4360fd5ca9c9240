//! A world around some environments: a cluster, requests on their way, watches that lag, people.

mod checks;
pub mod cluster;
mod fate;
pub mod random;
mod text;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use cluster::{Cluster, Told};
use random::Random;
use serde_json::json;
use text::{short, short_command};
use windlass_engine::applyset::{Inventory, SetId};
use windlass_engine::health::{Assessment, Health};
use windlass_engine::{
    Claims, Command, Desired, Environment, Event, Options, Outcome, PruneLimit, Ticket, Time,
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

fn ticket(command: &Command) -> Ticket {
    match command {
        Command::WriteParent { ticket, .. }
        | Command::Apply { ticket, .. }
        | Command::Delete { ticket, .. } => *ticket,
        Command::Watch(_) | Command::WakeAt(_) => Ticket(0),
    }
}
