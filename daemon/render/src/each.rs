//! Steps that handle each object as if it were alone: on several cores, and never twice the same.
//!
//! Objects go to the plugin in portions, since a call costs more than an object. The answers are
//! taken apart again and remembered by object. Where it cannot be seen which answer belongs to which
//! object, each of a portion is handed over by itself; so a result does not depend on the portions.

use crate::error::RenderError;
use crate::memo::{Answer, Memo, StepResult};
use crate::reads::ReadSet;
use crate::set::{Item, ObjectSet};
use crate::step::{Done, Ran, Ready, Surroundings};
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use windlass_plugin_host::{Finding, Limits, LogLine, PluginError};
use windlass_source::Tree;

/// The most objects of a portion: what one core does in a moment.
const MOST: usize = 512;
/// The fewest, so that the start of a call is a small part of it.
const FEWEST: usize = 16;
/// The most cores that one step uses: each call on them may take all of the memory of a call.
const CORES: usize = 8;
/// How many portions there are for each core, so that all are done at about the same time.
const PORTIONS: usize = 4;

/// Runs a step.
pub(crate) fn run(
    step: &Ready,
    surroundings: &Surroundings<'_>,
    memo: &Memo,
    objects: &Arc<ObjectSet>,
) -> Result<Done, RenderError> {
    let items = &objects.items;
    together(step, items.len(), 0, 0)?;
    let identity = step.identity();
    let answers = memo.answers(&identity);
    let mut known = match &answers {
        Some(answers) => answers.find(items),
        None => vec![None; items.len()],
    };
    keep_true(&mut known, surroundings.tree);
    let new: Vec<usize> = (0..items.len())
        .filter(|index| known[*index].is_none())
        .collect();
    let crew = Crew {
        step,
        surroundings,
        items,
        new: &new,
        started: Instant::now(),
    };
    let (made, may_change) = crew.work()?;
    for (index, answer) in made {
        known[index] = Some(answer);
    }
    let all: Vec<Arc<Answer>> = known.into_iter().flatten().collect();
    let result = put_together(&all);
    let (gave, bytes) = result.objects.as_ref().map_or((0, 0), |set| {
        let bytes = set.items.iter().map(|item| item.text.len()).sum();
        (set.items.len(), bytes)
    });
    together(step, items.len(), gave.max(result.findings.len()), bytes)?;
    if !new.is_empty() {
        memo.keep_answers(identity, answers, items, &all, &new);
    }
    Ok(Done {
        result: Arc::new(result),
        may_change,
        remembered: new.is_empty(),
    })
}

/// Holds the step to the limits of one call.
fn together(step: &Ready, given: usize, gave: usize, bytes: usize) -> Result<(), RenderError> {
    step.plugin
        .check_together(given, gave, bytes, &step.limits)
        .map_err(|source| RenderError::Plugin {
            at: step.at.clone(),
            object: None,
            source: Box::new(source),
        })
}

/// Forgets answers of calls that would read something else now. The objects of one call share what
/// it read, so that the tree is asked once for all of them.
fn keep_true(known: &mut [Option<Arc<Answer>>], tree: &dyn Tree) {
    let mut holds: BTreeMap<*const ReadSet, bool> = BTreeMap::new();
    let mut last = (std::ptr::null(), true);
    for place in known {
        let Some(answer) = place else { continue };
        let reads = Arc::as_ptr(&answer.reads);
        if last.0 != reads {
            let holds = holds
                .entry(reads)
                .or_insert_with(|| answer.reads.holds(tree));
            last = (reads, *holds);
        }
        if !last.1 {
            *place = None;
        }
    }
}

/// Answers by the index of the object.
type Answered = Vec<(usize, Arc<Answer>)>;

/// Those who call the plugin for the objects whose answers are not known.
struct Crew<'a> {
    step: &'a Ready,
    surroundings: &'a Surroundings<'a>,
    items: &'a [Arc<Item>],
    new: &'a [usize],
    started: Instant,
}

/// What came of the portions so far.
#[derive(Default)]
struct Made {
    answers: Answered,
    may_change: bool,
    /// The failure of the first portion that failed.
    failure: Option<(usize, RenderError)>,
}

impl Crew<'_> {
    fn work(&self) -> Result<(Answered, bool), RenderError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = cores.min(CORES);
        let size = (self.new.len() / (cores * PORTIONS)).clamp(FEWEST, MOST);
        let portions: Vec<&[usize]> = self.new.chunks(size).collect();
        let next = AtomicUsize::new(0);
        let made = Mutex::new(Made::default());
        let work = || {
            let mut worker = Worker {
                crew: self,
                loading: Duration::ZERO,
                may_change: false,
            };
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(portion) = portions.get(number) else {
                    break;
                };
                let answered = worker.answer(portion);
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                made.may_change |= worker.may_change;
                match answered {
                    Ok(answered) => made.answers.extend(answered),
                    Err(error) => {
                        let earlier = made.failure.as_ref().is_some_and(|(at, _)| *at < number);
                        if !earlier {
                            made.failure = Some((number, error));
                        }
                    }
                }
                // Portions are begun in their order, so that those before the first that fails
                // come to their end: it is always the same failure that is shown.
                if made.failure.is_some() {
                    break;
                }
            }
        };
        match portions.len() {
            0 | 1 => work(),
            many => std::thread::scope(|scope| {
                for _ in 1..cores.min(many) {
                    scope.spawn(work);
                }
                work();
            }),
        }
        let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
        match made.failure {
            Some((_, error)) => Err(error),
            None => Ok((made.answers, made.may_change)),
        }
    }
}

/// One of the crew.
struct Worker<'a> {
    crew: &'a Crew<'a>,
    /// How long it waited for other plugins to be made ready, which does not count.
    loading: Duration,
    may_change: bool,
}

impl Worker<'_> {
    /// Answers for a portion, given by the indices of its objects.
    fn answer(&mut self, portion: &[usize]) -> Result<Answered, RenderError> {
        let items: Vec<Arc<Item>> = portion
            .iter()
            .filter_map(|index| self.crew.items.get(*index).map(Arc::clone))
            .collect();
        let result = self.call(portion, &items)?;
        if let Some(answers) = take_apart(result, &items) {
            return Ok(portion.iter().copied().zip(answers).collect());
        }
        let mut answered = Vec::with_capacity(portion.len());
        for (index, item) in portion.iter().zip(&items) {
            let result = self.call(&[*index], std::slice::from_ref(item))?;
            answered.push((*index, Arc::new(whole(result, item))));
        }
        Ok(answered)
    }

    fn call(&mut self, portion: &[usize], items: &[Arc<Item>]) -> Result<StepResult, RenderError> {
        let Crew {
            step,
            surroundings,
            started,
            ..
        } = self.crew;
        let limit = step.limits.wall_time;
        let left = limit
            .saturating_add(self.loading)
            .saturating_sub(started.elapsed());
        let limits = Limits {
            wall_time: left,
            ..step.limits.clone()
        };
        let Ran {
            result,
            may_change,
            loading,
        } = step
            .run_on(surroundings, items, &limits)
            .map_err(|error| self.of_all(error, portion, limit))?;
        self.may_change |= may_change;
        self.loading += loading;
        Ok(result)
    }

    /// Says of the whole step what was said of one call.
    fn of_all(&self, error: RenderError, portion: &[usize], limit: Duration) -> RenderError {
        match error {
            RenderError::Object {
                at,
                index,
                count,
                reason,
            } => RenderError::Object {
                at,
                index: index + portion.first().copied().unwrap_or_default(),
                count: count + self.crew.items.len() - portion.len(),
                reason,
            },
            RenderError::Plugin {
                at,
                object,
                mut source,
            } => {
                if let PluginError::WallTime { limit: shown, .. } = source.as_mut() {
                    *shown = limit;
                }
                RenderError::Plugin { at, object, source }
            }
            error => error,
        }
    }
}

/// Divides the result of a call among the objects that it was made from. `None` where that cannot
/// be seen: when another number of objects came out, or others, or a finding is about none of them.
fn take_apart(result: StepResult, given: &[Arc<Item>]) -> Option<Vec<Arc<Answer>>> {
    if let [item] = given {
        return Some(vec![Arc::new(whole(result, item))]);
    }
    let StepResult {
        objects,
        findings,
        log,
        reads,
    } = result;
    if let Some(set) = &objects {
        let same = |(made, given): (&Arc<Item>, &Arc<Item>)| made.head.id == given.head.id;
        if set.items.len() != given.len() || !set.items.iter().zip(given).all(same) {
            return None;
        }
    }
    let (log, reads) = (Arc::new(log), Arc::new(reads));
    let mut answers: Vec<Answer> = given
        .iter()
        .enumerate()
        .map(|(index, item)| Answer {
            objects: objects
                .as_ref()
                .map(|set| vec![shared(&set.items[index], item)]),
            findings: Vec::new(),
            log: Arc::clone(&log),
            reads: Arc::clone(&reads),
        })
        .collect();
    for mut finding in findings {
        let answer = answers.get_mut(finding.object?)?;
        finding.object = Some(0);
        answer.findings.push(finding);
    }
    Some(answers.into_iter().map(Arc::new).collect())
}

/// The result of a call for one object.
fn whole(result: StepResult, given: &Arc<Item>) -> Answer {
    let StepResult {
        objects,
        findings,
        log,
        reads,
    } = result;
    Answer {
        objects: objects.map(|set| set.items.iter().map(|made| shared(made, given)).collect()),
        findings,
        log: Arc::new(log),
        reads: Arc::new(reads),
    }
}

/// An object that came out as it went in is kept once.
fn shared(made: &Arc<Item>, given: &Arc<Item>) -> Arc<Item> {
    Arc::clone(if made.digest == given.digest {
        given
    } else {
        made
    })
}

/// Makes one result of the answers, in the order of the objects.
fn put_together(answers: &[Arc<Answer>]) -> StepResult {
    let transforms = answers.iter().any(|answer| answer.objects.is_some());
    let mut items = Vec::with_capacity(if transforms { answers.len() } else { 0 });
    let mut findings = Vec::new();
    let mut general = HashSet::new();
    let mut log: Vec<LogLine> = Vec::new();
    let mut reads = ReadSet::default();
    let mut seen: HashSet<(*const Vec<LogLine>, *const ReadSet)> = HashSet::new();
    let mut last = (std::ptr::null(), std::ptr::null());
    for (index, answer) in answers.iter().enumerate() {
        let before = if transforms { items.len() } else { index };
        for finding in &answer.findings {
            // What is about no object is said for each, and shown once.
            if finding.object.is_none() && !general.insert(format!("{finding:?}")) {
                continue;
            }
            findings.push(Finding {
                object: finding.object.map(|object| object + before),
                ..finding.clone()
            });
        }
        items.extend(answer.objects.iter().flatten().map(Arc::clone));
        let call = (Arc::as_ptr(&answer.log), Arc::as_ptr(&answer.reads));
        if call != last && seen.insert(call) {
            log.extend(answer.log.iter().cloned());
            reads.extend(&answer.reads);
        }
        last = call;
    }
    StepResult {
        objects: transforms.then(|| Arc::new(ObjectSet::of(items))),
        findings,
        log,
        reads,
    }
}

#[cfg(test)]
#[path = "each_tests.rs"]
mod tests;
