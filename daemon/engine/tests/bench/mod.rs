//! A small language for scenarios: an environment, a cluster as a map, and commands as text.
//!
//! A scenario says what happens (`render`, `listed`, `edit`, `succeed`, `fail`, …) and what the
//! environment asks for (`asks`). Objects are written as people write them: `ConfigMap shop/a`.

#![allow(dead_code, reason = "not every test file uses every word")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use windlass_engine::applyset::{Inventory, SetId};
use windlass_engine::health::{Assessment, Health};
use windlass_engine::{
    Claims, Command, Desired, Environment, Event, Failure, FailureClass, Fingerprint,
    FingerprintKey, Live, Options, Outcome, Status, Ticket, Time,
};
use windlass_manifest::{GroupKind, Object, ObjectId, Origin};

pub struct Bench {
    pub env: Environment,
    pub set: SetId,
    pub claims: Claims,
    pub now: Time,
    pub cluster: BTreeMap<ObjectId, Live>,
    pub options: Options,
    /// Commands that have not been answered.
    pub open: Vec<Command>,
    /// Commands since the last `asks`.
    asked: Vec<String>,
    version: u64,
}

pub fn set(name: &str) -> SetId {
    SetId::of_parent(name, "windlass", "Environment", "windlass.dev")
}

pub fn kind(text: &str) -> GroupKind {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Reads `Kind[.group] [namespace/]name`.
pub fn id(text: &str) -> ObjectId {
    let (kind_text, name) = text
        .split_once(' ')
        .unwrap_or_else(|| panic!("no name in {text}"));
    let GroupKind { group, kind } = kind(kind_text);
    let (namespace, name) = match name.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, name),
    };
    ObjectId {
        group,
        kind,
        namespace,
        name: name.to_owned(),
    }
}

pub fn print(value: &str) -> Fingerprint {
    Fingerprint::of(&json!(value), &FingerprintKey::new([9; 32]))
}

/// Reads `Kind name = value`; a value of `?` is a missing secret.
pub fn desired(text: &str, set: &SetId) -> Desired {
    let (name, value) = text.split_once(" = ").unwrap_or((text, "1"));
    let id = id(name);
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
    .unwrap_or_else(|e| panic!("{text}: {e}"));
    let origin = Origin {
        file: Some(format!("{}.yaml", id.name)),
        ..Origin::default()
    };
    let mut desired = Desired::new(&object, origin, set).unwrap_or_else(|e| panic!("{text}: {e}"));
    desired.expected = (value != "?").then(|| print(value));
    desired
}

pub fn transient() -> FailureClass {
    FailureClass::Transient { retry_after: None }
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        Self::starting(options, &[])
    }

    /// A machine whose parent names these kinds and the namespace `shop`.
    pub fn starting(options: Options, inventory: &[&str]) -> Self {
        let set = set("main");
        let mut bench = Self {
            env: Environment::new(set.clone(), names(inventory), options.clone()),
            claims: Claims::new(),
            set,
            now: Time(1_000_000),
            cluster: BTreeMap::new(),
            options,
            open: Vec::new(),
            asked: Vec::new(),
            version: 100,
        };
        bench
            .claims
            .set_name(&bench.set.clone(), "environment main");
        bench
    }

    /// The same cluster and a new machine, as after a crash.
    pub fn restart(&mut self, inventory: &[&str]) -> &mut Self {
        self.env = Environment::new(self.set.clone(), names(inventory), self.options.clone());
        self.open.clear();
        self.asked.clear();
        self
    }

    pub fn send(&mut self, event: Event) -> &mut Self {
        let commands = self.env.handle(event, self.now, &self.claims);
        for command in commands {
            self.asked.extend(text(&command));
            if !matches!(command, Command::Watch(_) | Command::WakeAt(_)) {
                self.open.push(command);
            }
        }
        self
    }

    pub fn render(&mut self, revision: &str, objects: &[&str]) -> &mut Self {
        let objects: Vec<Desired> = objects
            .iter()
            .map(|text| desired(text, &self.set))
            .collect();
        self.claims
            .claim_all(&self.set, objects.iter().map(|desired| desired.id.clone()));
        let options = self.options.clone();
        self.send(Event::Rendered {
            revision: revision.into(),
            objects,
            options,
        })
    }

    /// Renders, opens the gate, lists the kinds and carries everything out.
    pub fn deploy(&mut self, revision: &str, objects: &[&str]) -> &mut Self {
        self.render(revision, objects);
        self.send(Event::PruneGate(true));
        let mut kinds: Vec<GroupKind> = objects
            .iter()
            .map(|text| id(name(text)).group_kind())
            .collect();
        kinds.extend(self.cluster.keys().map(ObjectId::group_kind));
        for kind in kinds {
            self.send(Event::Listed(kind));
        }
        self.succeed_all()
    }

    pub fn listed(&mut self, kinds: &[&str]) -> &mut Self {
        for text in kinds {
            for live in self.of_kind(text) {
                self.send(Event::Observed(live));
            }
            self.send(Event::Listed(kind(text)));
        }
        self
    }

    fn of_kind(&self, text: &str) -> Vec<Live> {
        let kind = kind(text);
        self.cluster
            .values()
            .filter(|live| live.id.group_kind() == kind)
            .cloned()
            .collect()
    }

    /// Lets time pass, with ticks wherever the environment asked for one.
    pub fn wait(&mut self, wait: Duration) -> &mut Self {
        let end = self.now + wait;
        while self.now < end {
            self.now = (self.now + Duration::from_millis(500)).min(end);
            self.send(Event::Tick);
        }
        self
    }

    fn next_version(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    /// Puts an object of ours into the cluster without telling.
    pub fn put(&mut self, text: &str) -> &mut Self {
        let set = self.set.clone();
        self.put_for(text, &set)
    }

    pub fn put_for(&mut self, text: &str, owner: &SetId) -> &mut Self {
        let (name, value) = text.split_once(" = ").unwrap_or((text, "1"));
        let version = self.next_version();
        let live = Live {
            id: id(name),
            uid: format!("uid-{version}"),
            resource_version: version,
            part_of: Some(owner.as_str().to_owned()),
            owned: Some(print(value)),
            health: Assessment::new(Health::Healthy, ""),
            deleting: false,
            finalizers: Vec::new(),
            keep: false,
            other_manager: None,
        };
        self.cluster.insert(live.id.clone(), live);
        self
    }

    /// Changes a live object without telling.
    pub fn change(&mut self, name: &str, change: impl FnOnce(&mut Live)) -> &mut Self {
        let version = self.next_version();
        let live = self
            .cluster
            .get_mut(&id(name))
            .unwrap_or_else(|| panic!("no {name}"));
        live.resource_version = version;
        change(live);
        self
    }

    /// The watch tells of an object as it is.
    pub fn see(&mut self, name: &str) -> &mut Self {
        match self.cluster.get(&id(name)).cloned() {
            Some(live) => self.send(Event::Observed(live)),
            None => self.send(Event::Vanished {
                id: id(name),
                uid: None,
            }),
        }
    }

    /// Somebody changes the fields that we own.
    pub fn edit(&mut self, name: &str, value: &str) -> &mut Self {
        self.change(name, |live| {
            live.owned = Some(print(value));
            live.other_manager = Some("kubectl-edit".into());
        });
        self.see(name)
    }

    pub fn health(&mut self, name: &str, health: Health) -> &mut Self {
        self.change(name, |live| {
            live.health = Assessment::new(health, "as the test says")
        });
        self.see(name)
    }

    /// Somebody deletes the object.
    pub fn delete(&mut self, name: &str) -> &mut Self {
        let live = self
            .cluster
            .remove(&id(name))
            .unwrap_or_else(|| panic!("no {name}"));
        self.send(Event::Vanished {
            id: live.id,
            uid: Some(live.uid),
        })
    }

    /// Takes the open command about an object, or about `parent`.
    pub fn take(&mut self, name: &str) -> Command {
        let is_it = |command: &Command| match command {
            Command::WriteParent { .. } => name == "parent",
            Command::Apply { object, .. } => name != "parent" && object.id == id(name),
            Command::Delete { id: of, .. } => name != "parent" && *of == id(name),
            Command::Watch(_) | Command::WakeAt(_) => false,
        };
        let at = self.open.iter().position(is_it);
        self.open
            .remove(at.unwrap_or_else(|| panic!("nothing asked about {name}: {:?}", self.open)))
    }

    /// Carries a command out in the cluster, without an answer.
    pub fn execute(&mut self, command: &Command) -> (Ticket, Outcome) {
        match command {
            Command::WriteParent { ticket, .. } => (*ticket, Outcome::Written),
            Command::Apply { ticket, object, .. } => {
                let live = self.applied(object);
                (*ticket, Outcome::Applied(live))
            }
            Command::Delete {
                ticket, id, uid, ..
            } => {
                let version = self.next_version();
                match self.cluster.get_mut(id).filter(|live| live.uid == *uid) {
                    Some(live) if live.finalizers.is_empty() => drop(self.cluster.remove(id)),
                    Some(live) => {
                        live.deleting = true;
                        live.resource_version = version;
                    }
                    None => {}
                }
                (*ticket, Outcome::Deleted)
            }
            Command::Watch(_) | Command::WakeAt(_) => panic!("nothing to execute"),
        }
    }

    fn applied(&mut self, object: &Arc<Desired>) -> Live {
        let version = self.next_version();
        let fresh = Live {
            id: object.id.clone(),
            uid: format!("uid-{version}"),
            resource_version: String::new(),
            part_of: None,
            owned: None,
            health: Assessment::new(Health::Healthy, ""),
            deleting: false,
            finalizers: Vec::new(),
            keep: object.keep,
            other_manager: None,
        };
        let live = self.cluster.entry(object.id.clone()).or_insert(fresh);
        live.resource_version = version;
        live.part_of = Some(self.set.as_str().to_owned());
        live.owned = object.expected;
        live.clone()
    }

    /// The command about an object succeeds, and the watch tells of it.
    pub fn succeed(&mut self, name: &str) -> &mut Self {
        let command = self.take(name);
        let (ticket, outcome) = self.execute(&command);
        self.send(Event::Done { ticket, outcome });
        if let Command::Delete { id, uid, .. } = command {
            match self.cluster.get(&id).cloned() {
                Some(live) => self.send(Event::Observed(live)),
                None => self.send(Event::Vanished { id, uid: Some(uid) }),
            };
        }
        self
    }

    pub fn succeed_all(&mut self) -> &mut Self {
        while let Some(command) = self.open.first() {
            let name = subject(command);
            self.succeed(&name);
        }
        self
    }

    pub fn fail(&mut self, name: &str, class: FailureClass) -> &mut Self {
        let command = self.take(name);
        let ticket = match command {
            Command::WriteParent { ticket, .. }
            | Command::Apply { ticket, .. }
            | Command::Delete { ticket, .. } => ticket,
            Command::Watch(_) | Command::WakeAt(_) => panic!("has no ticket"),
        };
        let failure = Failure {
            class,
            code: "WL0799",
            message: format!("{name} failed"),
        };
        self.send(Event::Done {
            ticket,
            outcome: Outcome::Failed(failure),
        })
    }

    /// Asserts what was asked for since the last assertion, wake-ups left out.
    pub fn asks(&mut self, expected: &[&str]) -> &mut Self {
        let asked = std::mem::take(&mut self.asked);
        assert_eq!(
            asked,
            expected,
            "what the environment asks for; status: {:#?}",
            self.status()
        );
        self
    }

    pub fn forget_asked(&mut self) -> &mut Self {
        self.asked.clear();
        self
    }

    pub fn status(&self) -> Status {
        self.env.status(self.now)
    }

    pub fn state(&self, name: &str) -> String {
        let id = id(name);
        let view = self.env.objects().find(|view| *view.id == id);
        view.map_or_else(|| "unknown".to_owned(), |view| format!("{:?}", view.state))
    }
}

fn name(text: &str) -> &str {
    text.split_once(" = ").map_or(text, |(name, _)| name)
}

fn names(kinds: &[&str]) -> Inventory {
    Inventory {
        kinds: kinds.iter().map(|text| kind(text)).collect(),
        namespaces: if kinds.is_empty() {
            Default::default()
        } else {
            ["shop".to_owned()].into()
        },
    }
}

fn subject(command: &Command) -> String {
    match command {
        Command::WriteParent { .. } => "parent".to_owned(),
        Command::Apply { object, .. } => object.id.to_string(),
        Command::Delete { id, .. } => id.to_string(),
        Command::Watch(_) | Command::WakeAt(_) => panic!("not about an object"),
    }
}

fn text(command: &Command) -> Option<String> {
    let list = |items: Vec<String>| items.join(",");
    Some(match command {
        Command::Watch(kinds) => {
            format!(
                "watch {}",
                list(kinds.iter().map(ToString::to_string).collect())
            )
        }
        Command::WriteParent { inventory, .. } => format!(
            "parent {} in {}",
            list(inventory.kinds.iter().map(ToString::to_string).collect()),
            list(inventory.namespaces.iter().cloned().collect())
        ),
        Command::Apply { object, .. } => format!("apply {}", object.id),
        Command::Delete { id, .. } => format!("delete {id}"),
        Command::WakeAt(_) => return None,
    })
}
