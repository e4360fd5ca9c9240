//! What a name means: the objects by what they were called before.
//!
//! kustomize sieves all objects for every reference. Here the objects are indexed once, by former
//! name and kind; where many share both, also by namespace and by the prefixes and suffixes that
//! their names were given. A reference then looks at few objects, whatever their number, and comes
//! to the same result: the sieves are in [`Index::passes`] and [`Index::select`].

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::id::{CLUSTER, DEFAULT_NAMESPACE, Gvk};
use crate::resource::Resource;
use crate::schema::Schema;

/// Up to this many objects are looked at one after the other.
const FEW: usize = 16;

/// What an object is called now.
#[derive(Debug)]
pub(super) struct Candidate {
    /// Its name.
    pub(super) name: String,
    /// Its namespace as it is written; empty when it names none.
    pub(super) namespace: String,
    /// Its namespace in comparisons.
    effective: String,
    group: String,
    version: String,
    kind: String,
}

/// Who refers, and what it can refer to.
#[derive(Debug, Default)]
pub(super) struct Referrer {
    /// Whether it has no namespace, and can refer to anything.
    pub(super) is_cluster_scoped: bool,
    /// Its namespace in comparisons.
    pub(super) namespace: String,
    /// The namespaces, as they are written, whose ServiceAccounts it can refer to too.
    pub(super) accounts_in: HashSet<String>,
}

/// A reference.
pub(super) struct Query<'q> {
    /// The name in the reference.
    pub(super) name: &'q str,
    /// What kind it refers to.
    pub(super) target: &'q Gvk,
    /// What a `roleRef` says about the kind.
    pub(super) role: Option<&'q Gvk>,
    /// Who refers.
    pub(super) referrer: &'q Referrer,
    /// The prefixes of who refers.
    pub(super) prefixes: &'q [String],
    /// The suffixes of who refers.
    pub(super) suffixes: &'q [String],
    /// The namespace in the reference.
    pub(super) namespace: Option<&'q str>,
    /// Whether the reference takes over the namespace too.
    pub(super) takes_namespace: bool,
}

/// The objects of a build by what they were called before.
pub(super) struct Index<'a> {
    list: &'a [Resource],
    candidates: &'a [Candidate],
    groups: HashMap<(&'a str, &'a str), Group<'a>>,
    /// By the first namespace of objects: where those are that had it.
    moves: HashMap<&'a str, Moves<'a>>,
}

/// Where the objects are now that were in one namespace.
#[derive(Default)]
struct Moves<'a> {
    effective: HashSet<&'a str>,
    written: HashSet<&'a str>,
}

/// The objects that had a name and a kind.
#[derive(Default)]
struct Group<'a> {
    all: Bucket<'a>,
    split: OnceCell<Split<'a>>,
}

/// The objects of a group by namespace.
#[derive(Default)]
struct Split<'a> {
    current: HashMap<&'a str, Bucket<'a>>,
    original: HashMap<&'a str, Bucket<'a>>,
}

/// Some of the objects of a group, in order.
#[derive(Default)]
struct Bucket<'a> {
    members: Vec<usize>,
    contexts: OnceCell<Contexts<'a>>,
}

type Affix<'a> = Option<&'a str>;

/// The objects of a bucket by the outermost of their prefixes and suffixes. Lists of them that end
/// alike have the same last one.
#[derive(Default)]
struct Contexts<'a> {
    by_prefix: HashMap<Affix<'a>, Vec<usize>>,
    by_suffix: HashMap<Affix<'a>, Vec<usize>>,
    by_both: HashMap<(Affix<'a>, Affix<'a>), Vec<usize>>,
}

/// Which of the objects with a name are looked at.
#[derive(Clone, Copy)]
enum In<'q> {
    /// Those in every namespace.
    Any,
    /// Those that were in a namespace at first.
    Original(&'q str),
    /// Those that are in a namespace now.
    Current(&'q str),
}

/// Makes what an [`Index`] borrows.
pub(super) fn candidates(list: &[Resource], schema: &Schema) -> Vec<Candidate> {
    list.iter()
        .map(|resource| {
            let id = resource.id(schema);
            Candidate {
                name: id.name.to_owned(),
                namespace: resource.namespace().to_owned(),
                effective: id.namespace.to_owned(),
                group: id.group.to_owned(),
                version: id.version.to_owned(),
                kind: id.kind.to_owned(),
            }
        })
        .collect()
}

impl<'a> Index<'a> {
    /// Indexes objects. `any_kind` says whether there are references to every kind.
    pub(super) fn new(list: &'a [Resource], candidates: &'a [Candidate], any_kind: bool) -> Self {
        let mut index = Self {
            list,
            candidates,
            groups: HashMap::with_capacity(list.len()),
            moves: HashMap::new(),
        };
        for (at, (resource, candidate)) in list.iter().zip(candidates).enumerate() {
            let moves = index
                .moves
                .entry(original(resource, candidate))
                .or_default();
            moves.effective.insert(&candidate.effective);
            moves.written.insert(&candidate.namespace);
            // A name and a kind need not be of the same time.
            for name in distinct(resource.previous.iter().map(|previous| &*previous.name)) {
                let kinds = resource.previous.iter().map(|previous| &*previous.kind);
                for kind in distinct(kinds.chain(any_kind.then_some(""))) {
                    let group = index.groups.entry((name, kind)).or_default();
                    group.all.members.push(at);
                }
            }
        }
        index
    }

    /// The object that a reference means; `None` when there is none that was called so.
    ///
    /// # Errors
    /// There are several, and they are called differently now.
    pub(super) fn select(&self, query: &Query<'_>) -> Result<Option<&'a Candidate>> {
        let Some(group) = self.groups.get(&(query.name, query.target.kind.as_str())) else {
            return Ok(None);
        };
        let within = match query.namespace {
            None => In::Any,
            Some(CLUSTER) => return Ok(None),
            Some(namespace) if self.had(query.referrer, namespace) => In::Original(namespace),
            Some(namespace) => In::Current(namespace),
        };
        let buckets = self.buckets(group, query.referrer, within);
        let passes = |at: &usize| self.passes(*at, query, within);

        let mut all = buckets.iter().flat_map(|bucket| &bucket.members);
        match (
            all.by_ref().find(|at| passes(at)),
            all.find(|at| passes(at)),
        ) {
            (None, _) => return Ok(None),
            (Some(only), None) => return Ok(self.candidates.get(*only)),
            _ => {}
        }
        let mut near = buckets
            .iter()
            .flat_map(|bucket| self.near(bucket, query))
            .filter(|at| passes(at) && self.is_near(**at, query, true));
        match (near.next(), near.next()) {
            (None, _) => return Ok(None),
            (Some(only), None) => return Ok(self.candidates.get(*only)),
            _ => {}
        }
        let mut same: Vec<usize> = buckets
            .iter()
            .flat_map(|bucket| self.same(bucket, query))
            .filter(|at| passes(at) && self.is_near(**at, query, false))
            .copied()
            .collect();
        same.sort_unstable();
        let mut same = same.iter().filter_map(|&at| self.candidates.get(at));
        let Some(first) = same.next() else {
            return Ok(None);
        };
        let differs = |other: &&Candidate| {
            other.name != first.name
                || (query.takes_namespace && other.namespace != first.namespace)
        };
        match same.find(differs) {
            None => Ok(Some(first)),
            Some(other) => Err(ambiguous(query, first, other)),
        }
    }

    /// Whether an object that the referrer can refer to was in a namespace at first.
    fn had(&self, referrer: &Referrer, namespace: &str) -> bool {
        let Some(moves) = self.moves.get(namespace) else {
            return false;
        };
        referrer.is_cluster_scoped
            || moves.effective.contains(CLUSTER)
            || moves.effective.contains(referrer.namespace.as_str())
            || if referrer.accounts_in.len() < moves.written.len() {
                referrer
                    .accounts_in
                    .iter()
                    .any(|namespace| moves.written.contains(namespace.as_str()))
            } else {
                moves
                    .written
                    .iter()
                    .any(|namespace| referrer.accounts_in.contains(*namespace))
            }
    }

    /// The buckets of a group that hold everything that can pass.
    fn buckets<'g>(
        &self,
        group: &'g Group<'a>,
        referrer: &Referrer,
        within: In<'_>,
    ) -> Vec<&'g Bucket<'a>> {
        if group.all.members.len() <= FEW {
            return vec![&group.all];
        }
        let split = group.split.get_or_init(|| self.split(&group.all));
        match within {
            In::Original(namespace) => split.original.get(namespace).into_iter().collect(),
            In::Current(namespace) => split.current.get(namespace).into_iter().collect(),
            In::Any if referrer.is_cluster_scoped => vec![&group.all],
            In::Any => {
                let own = referrer.namespace.as_str();
                let is_more = |namespace: &&str| *namespace != own && *namespace != CLUSTER;
                let more: HashSet<&str> = if referrer.accounts_in.len() < split.current.len() {
                    let namespaces =
                        referrer
                            .accounts_in
                            .iter()
                            .map(|namespace| match namespace.as_str() {
                                "" => DEFAULT_NAMESPACE,
                                namespace => namespace,
                            });
                    namespaces.filter(is_more).collect()
                } else {
                    split.current.keys().copied().filter(is_more).collect()
                };
                [own, CLUSTER]
                    .into_iter()
                    .chain(more)
                    .filter_map(|namespace| split.current.get(namespace))
                    .collect()
            }
        }
    }

    fn split(&self, all: &Bucket<'a>) -> Split<'a> {
        let mut split = Split::default();
        for &at in &all.members {
            let (Some(resource), Some(candidate)) = (self.list.get(at), self.candidates.get(at))
            else {
                continue;
            };
            let current = split.current.entry(&candidate.effective).or_default();
            current.members.push(at);
            let original = split
                .original
                .entry(original(resource, candidate))
                .or_default();
            original.members.push(at);
        }
        split
    }

    /// Whether an object can be what is meant, leaving aside prefixes and suffixes.
    fn passes(&self, at: usize, query: &Query<'_>, within: In<'_>) -> bool {
        let (Some(resource), Some(candidate)) = (self.list.get(at), self.candidates.get(at)) else {
            return false;
        };
        let is_here = match within {
            In::Any => true,
            In::Original(namespace) => original(resource, candidate) == namespace,
            In::Current(namespace) => candidate.effective == namespace,
        };
        let Gvk { group, version, .. } = query.target;
        let is_kind = (group.is_empty() || *group == candidate.group)
            && (version.is_empty() || *version == candidate.version);
        let is_role = query.role.is_none_or(|role| {
            let mut kinds = resource.previous.iter().map(|previous| &previous.kind);
            (role.group.is_empty() || role.group == candidate.group)
                && (role.kind.is_empty() || kinds.any(|kind| *kind == role.kind))
        });
        let referrer = query.referrer;
        let is_in_reach = referrer.is_cluster_scoped
            || candidate.effective == CLUSTER
            || candidate.effective == referrer.namespace
            || (candidate.kind == "ServiceAccount"
                && referrer.accounts_in.contains(&candidate.namespace));
        is_here && is_kind && is_role && is_in_reach
    }

    /// Whether an object has the prefixes and suffixes of who refers; with `allow_none`, having none
    /// is having the same.
    fn is_near(&self, at: usize, query: &Query<'_>, allow_none: bool) -> bool {
        self.list.get(at).is_some_and(|resource| {
            end_alike(&resource.prefixes, query.prefixes, allow_none)
                && end_alike(&resource.suffixes, query.suffixes, allow_none)
        })
    }

    /// The objects of a bucket among which are all that are near when none counts as the same.
    fn near<'b>(
        &self,
        bucket: &'b Bucket<'a>,
        query: &Query<'b>,
    ) -> impl Iterator<Item = &'b usize> {
        let [prefix, suffix] = [query.prefixes, query.suffixes].map(outermost);
        let [none, same]: [&[usize]; 2] = match (self.contexts(bucket), prefix, suffix) {
            (Some(contexts), prefix @ Some(_), _) => {
                [None, prefix].map(|prefix| list(contexts.by_prefix.get(&prefix)))
            }
            (Some(contexts), None, suffix @ Some(_)) => {
                [None, suffix].map(|suffix| list(contexts.by_suffix.get(&suffix)))
            }
            _ => [&bucket.members, &[]],
        };
        none.iter().chain(same)
    }

    /// The objects of a bucket among which are all that are near when none is not the same.
    fn same<'b>(
        &self,
        bucket: &'b Bucket<'a>,
        query: &Query<'b>,
    ) -> impl Iterator<Item = &'b usize> {
        let key = (outermost(query.prefixes), outermost(query.suffixes));
        match self.contexts(bucket) {
            Some(contexts) => list(contexts.by_both.get(&key)).iter(),
            None => bucket.members.iter(),
        }
    }

    fn contexts<'b>(&self, bucket: &'b Bucket<'a>) -> Option<&'b Contexts<'a>> {
        if bucket.members.len() <= FEW {
            return None;
        }
        Some(bucket.contexts.get_or_init(|| {
            let mut contexts = Contexts::default();
            for &at in &bucket.members {
                let Some(resource) = self.list.get(at) else {
                    continue;
                };
                let prefix = outermost(&resource.prefixes);
                let suffix = outermost(&resource.suffixes);
                contexts.by_prefix.entry(prefix).or_default().push(at);
                contexts.by_suffix.entry(suffix).or_default().push(at);
                contexts
                    .by_both
                    .entry((prefix, suffix))
                    .or_default()
                    .push(at);
            }
            contexts
        }))
    }
}

/// The first namespace of an object, in comparisons.
fn original<'a>(resource: &'a Resource, candidate: &'a Candidate) -> &'a str {
    match resource.previous.first() {
        Some(previous) => &previous.namespace,
        None => &candidate.effective,
    }
}

/// Every text once, in order; there are few.
fn distinct<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut found: Vec<&str> = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

fn outermost(affixes: &[String]) -> Affix<'_> {
    affixes.last().map(String::as_str)
}

fn list(found: Option<&Vec<usize>>) -> &[usize] {
    found.map_or(&[], Vec::as_slice)
}

/// Whether the shorter of two lists is the end of the other. An empty one is the end of an empty one
/// alone, or with `allow_none` of every one.
fn end_alike(a: &[String], b: &[String], allow_none: bool) -> bool {
    if a.is_empty() || b.is_empty() {
        return allow_none || a.len() == b.len();
    }
    a.iter().rev().zip(b.iter().rev()).all(|(a, b)| a == b)
}

fn ambiguous(query: &Query<'_>, first: &Candidate, other: &Candidate) -> Error {
    let name = |candidate: &Candidate| match candidate.namespace.as_str() {
        "" => format!("{} {}", candidate.kind, candidate.name),
        namespace => format!(
            "{} {} in namespace {namespace}",
            candidate.kind, candidate.name
        ),
    };
    Error::new(format_args!(
        "the reference to {} can mean {} or {}",
        query.name,
        name(first),
        name(other)
    ))
    .hint("give the two different names in the folders that they come from")
}
