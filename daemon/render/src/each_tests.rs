#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::error::StepContext;
use crate::plugins::Plugins;
use crate::set::Head;
use crate::tree::MemoryTree;
use rstest::rstest;
use std::sync::OnceLock;
use windlass_manifest::Origin;
use windlass_plugin_host::{Host, HostOptions};

/// A plugin of scope `object`, with what its `transform` does filled in.
fn shell(transform: &str) -> Vec<u8> {
    let empty = ["{imports}", "{lowered}", "{core-imports}", "{with}"];
    let text = include_str!("../../plugin-host/tests/guests/shell.wat");
    let text = empty
        .iter()
        .fold(text.to_owned(), |text, part| text.replace(part, ""))
        .replace("{version}", "0.1.0")
        .replace(
            "(local $n i32)",
            "(local $n i32) (local $at i32) (local $end i32)",
        )
        .replace(
            "(i32.store8 (i32.const 1048) (i32.const 1))",
            "(i32.store8 (i32.const 1048) (i32.const 0))",
        )
        .replace("{transform}", transform);
    wat::parse_str(text).unwrap()
}

/// Changes each `from` in the objects into a `to`, where they stand.
fn replace(from: char, to: char) -> Vec<u8> {
    let (from, to) = (u32::from(from), u32::from(to));
    shell(&format!(
        "(loop $object
           (if (i32.lt_u (local.get $n) (local.get $count)) (then
             (local.set $at (i32.load (i32.add (local.get $objects)
               (i32.mul (local.get $n) (i32.const 8)))))
             (local.set $end (i32.add (local.get $at) (i32.load offset=4 (i32.add
               (local.get $objects) (i32.mul (local.get $n) (i32.const 8))))))
             (loop $byte
               (if (i32.lt_u (local.get $at) (local.get $end)) (then
                 (if (i32.eq (i32.load8_u (local.get $at)) (i32.const {from}))
                   (then (i32.store8 (local.get $at) (i32.const {to}))))
                 (local.set $at (i32.add (local.get $at) (i32.const 1)))
                 (br $byte))))
             (local.set $n (i32.add (local.get $n) (i32.const 1)))
             (br $object))))
         (call $answer (local.get $objects) (local.get $count))"
    ))
}

fn host() -> Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| Host::new(HostOptions::default()).unwrap())
        .clone()
}

fn step(wasm: &[u8], limits: Limits) -> Ready {
    Ready {
        at: StepContext {
            folder: "e".to_owned(),
            step: 1,
            plugin: "each.wasm".to_owned(),
        },
        plugin: host().load("each.wasm", wasm).unwrap(),
        config: "{}".to_owned(),
        limits,
    }
}

fn object(name: &str, value: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}},"data":{{"key":"{value}"}}}}"#
    )
}

fn objects(count: usize) -> Vec<String> {
    let filler = "x".repeat(400);
    (0..count)
        .map(|number| object(&format!("n{number}"), &format!("~{filler}")))
        .collect()
}

fn set(texts: &[String]) -> Arc<ObjectSet> {
    Arc::new(ObjectSet::new(texts.to_vec()).unwrap())
}

fn run_step(
    step: &Ready,
    memo: &Memo,
    objects: &Arc<ObjectSet>,
) -> Result<StepResult, RenderError> {
    let plugins = Plugins::new(host(), Box::new(|_| None));
    let surroundings = Surroundings {
        tree: &MemoryTree::new(),
        plugins: &plugins,
        origin: &|_: &Head| Origin::default(),
    };
    let done = step.run(&surroundings, memo, objects)?;
    assert!(!done.may_change, "nothing was read");
    Ok(Arc::unwrap_or_clone(done.result))
}

fn texts(result: &StepResult) -> Vec<String> {
    result.objects.as_ref().unwrap().texts()
}

#[test]
fn objects_keep_their_order_and_only_new_ones_are_handed_over() {
    let step = step(&replace('~', '!'), Limits::default());
    let memo = Memo::in_memory(64 << 20);
    let mut given = objects(3000);
    let expected = |given: &[String]| -> Vec<String> {
        given.iter().map(|text| text.replace('~', "!")).collect()
    };
    let first = run_step(&step, &memo, &set(&given)).unwrap();
    assert_eq!(texts(&first), expected(&given));

    given[1234] = object("n1234", "~other");
    given.swap(0, 2999);
    given.remove(17);
    given.insert(40, object("new", "~"));
    let answers = memo.answers(&step.identity()).unwrap();
    let known = answers.find(&set(&given).items);
    let unknown: Vec<usize> = (0..known.len())
        .filter(|index| known[*index].is_none())
        .collect();
    assert_eq!(unknown, [40, 1234], "what has to be handed over");
    let second = run_step(&step, &memo, &set(&given)).unwrap();
    assert_eq!(texts(&second), expected(&given));
    let fresh = run_step(&step, &Memo::none(), &set(&given)).unwrap();
    assert_eq!(second, fresh, "as if it had never run before");
}

/// Each object twice.
const TWICE: &str = "(loop $again
    (if (i32.lt_u (local.get $n) (local.get $count)) (then
      (i64.store (i32.add (i32.const 3000) (i32.mul (local.get $n) (i32.const 16)))
        (i64.load (i32.add (local.get $objects) (i32.mul (local.get $n) (i32.const 8)))))
      (i64.store (i32.add (i32.const 3008) (i32.mul (local.get $n) (i32.const 16)))
        (i64.load (i32.add (local.get $objects) (i32.mul (local.get $n) (i32.const 8)))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br $again))))
    (call $answer (i32.const 3000) (i32.mul (local.get $count) (i32.const 2)))";
const NONE: &str = "(call $answer (local.get $objects) (i32.const 0))";

#[test]
fn the_next_process_finds_the_result_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let step = step(&replace('~', '!'), Limits::default());
    let objects = set(&objects(100));
    let run = || {
        let memo = Memo::with_folder(folder.path(), 64 << 20);
        let plugins = Plugins::new(host(), Box::new(|_| None));
        let surroundings = Surroundings {
            tree: &MemoryTree::new(),
            plugins: &plugins,
            origin: &|_: &Head| Origin::default(),
        };
        step.run(&surroundings, &memo, &objects).unwrap()
    };
    let (first, second) = (run(), run());
    assert!(!first.remembered && second.remembered);
    assert_eq!(first.result, second.result);
}

#[rstest]
#[case::twice(TWICE, 2)]
#[case::none(NONE, 0)]
fn another_number_of_objects_comes_out_in_order(#[case] transform: &str, #[case] times: usize) {
    let step = step(&shell(transform), Limits::default());
    let memo = Memo::in_memory(64 << 20);
    let given = objects(100);
    let expected: Vec<String> = given
        .iter()
        .flat_map(|text| std::iter::repeat_n(text.clone(), times))
        .collect();
    for _ in 0..2 {
        let result = run_step(&step, &memo, &set(&given)).unwrap();
        assert_eq!(texts(&result), expected);
    }
}

/// Fails when it is given an object whose text begins with `{"kind":"Bad`.
const PICKY: &str = "(loop $again
    (if (i32.lt_u (local.get $n) (local.get $count)) (then
      (if (i32.eq (i32.const 66) (i32.load8_u offset=9 (i32.load (i32.add (local.get $objects)
          (i32.mul (local.get $n) (i32.const 8))))))
        (then (i32.store8 (i32.const 2048) (i32.const 1))
          (i32.store (i32.const 2052) (i32.const 29)) (i32.store (i32.const 2056) (i32.const 4))
          (i32.store8 (i32.const 2060) (i32.const 1)) (i32.store (i32.const 2064) (local.get $n))
          (i32.store8 (i32.const 2068) (i32.const 0)) (i32.store8 (i32.const 2080) (i32.const 0))
          (return (i32.const 2048))))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br $again))))
    (call $answer (local.get $objects) (local.get $count))";

#[test]
fn the_first_failure_is_shown_with_its_object() {
    let step = step(&shell(PICKY), Limits::default());
    let mut given = objects(2000);
    for bad in [1999, 700, 1500] {
        given[bad] =
            format!(r#"{{"kind":"Bad","apiVersion":"v1","metadata":{{"name":"bad-{bad}"}}}}"#);
    }
    for _ in 0..20 {
        let memo = Memo::in_memory(64 << 20);
        let error = run_step(&step, &memo, &set(&given)).unwrap_err();
        assert_eq!(error.code(), "WL0410", "{error}");
        assert!(error.to_string().contains("Bad bad-700"), "{error}");
    }
}

#[rstest]
#[case::in_and_out(Limits { objects: 99, ..Limits::default() }, "WL0416")]
#[case::bytes(Limits { output_bytes: 40_000, ..Limits::default() }, "WL0415")]
fn the_limits_hold_for_all_portions_together(#[case] limits: Limits, #[case] code: &str) {
    let step = step(&replace('~', '!'), limits);
    let error = run_step(&step, &Memo::none(), &set(&objects(100))).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
}

#[test]
fn all_portions_share_one_time() {
    let forever = "(loop $again (br $again)) unreachable";
    let limits = Limits {
        wall_time: Duration::from_millis(100),
        ..Limits::default()
    };
    let step = step(&shell(forever), limits);
    let started = Instant::now();
    let error = run_step(&step, &Memo::none(), &set(&objects(2000))).unwrap_err();
    assert_eq!(error.code(), "WL0413", "{error}");
    assert!(error.to_string().contains("limit of 100ms"), "{error}");
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "not that long for each portion: {:?}",
        started.elapsed()
    );
}

/// Ten thousand objects through three steps, and again with one of them changed.
#[rstest]
#[case::in_memory(false)]
#[case::with_a_folder(true)]
fn one_changed_object_costs_little(#[case] with_folder: bool) {
    let folder = tempfile::tempdir().unwrap();
    let steps = [('~', '!'), ('!', '?'), ('?', '+')]
        .map(|(from, to)| step(&replace(from, to), Limits::default()));
    let memo = match with_folder {
        true => Memo::with_folder(folder.path(), 256 << 20),
        false => Memo::in_memory(256 << 20),
    };
    let mut given = objects(10_000);
    let run = |objects: Arc<ObjectSet>| {
        let started = Instant::now();
        let last = steps.iter().fold(objects, |objects, step| {
            run_step(step, &memo, &objects).unwrap().objects.unwrap()
        });
        (last, started.elapsed())
    };
    let (first, cold) = run(set(&given));
    given[5000] = object("n5000", "~changed");
    let (second, warm) = run(set(&given));
    println!("{cold:?} at first, {warm:?} with one object changed");
    let changed = first.items.iter().zip(&second.items);
    let changed = changed.filter(|(first, second)| !Arc::ptr_eq(first, second));
    assert_eq!(changed.count(), 1, "the others are the very same");
    assert_eq!(second.items[5000].text, object("n5000", "+changed"));
}
