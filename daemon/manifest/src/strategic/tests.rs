#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use rstest::rstest;
use serde_json::{Map, json};

use super::*;

/// A type that holds itself, with a field of every strategy.
struct TestSchema;

impl Schema for TestSchema {
    type Type = ();

    fn root(&self, _: &str, _: &str) -> Option<()> {
        Some(())
    }

    fn field(&self, of: Option<()>, name: &str) -> Field<()> {
        let field = Field {
            child: of,
            ..Field::default()
        };
        match name {
            "keyed" => Field {
                strategy: Strategy::ByKey("name"),
                ..field
            },
            "unions" => Field {
                strategy: Strategy::ByKey("name"),
                retain_keys: true,
                ..field
            },
            "set" => Field {
                strategy: Strategy::Set,
                ..field
            },
            "union" => Field {
                retain_keys: true,
                ..field
            },
            "replaced" => Field {
                replace: true,
                ..field
            },
            _ => field,
        }
    }
}

/// Marsaglia's xorshift64, so that a failing seed can be run again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn scalar(&mut self) -> Json {
        match self.below(4) {
            0 => json!(self.below(3)),
            1 => json!(format!("s{}", self.below(3))),
            2 => json!(self.below(2) == 0),
            _ => json!(0.5),
        }
    }

    /// Names in any order, each once.
    fn names(&mut self) -> Vec<u64> {
        let mut names: Vec<u64> = (0..5).filter(|_| self.below(2) == 0).collect();
        for at in (1..names.len()).rev() {
            let other = usize::try_from(self.below(at as u64 + 1)).unwrap();
            names.swap(at, other);
        }
        names
    }

    fn any(&mut self, depth: u64) -> Json {
        match self.below(if depth == 0 { 1 } else { 3 }) {
            0 => self.scalar(),
            1 => Json::Array((0..self.below(3)).map(|_| self.any(depth - 1)).collect()),
            _ => Json::Object(self.map(depth - 1)),
        }
    }

    fn map(&mut self, depth: u64) -> Map<String, Json> {
        let mut map = Map::new();
        for key in [
            "keyed", "unions", "set", "union", "replaced", "list", "value", "other",
        ] {
            if self.below(5) < 2 {
                continue;
            }
            let value = match key {
                "set" => Json::Array(self.names().into_iter().map(|name| json!(name)).collect()),
                // Now and then a field has another type than it should.
                "union" | "replaced" if self.below(6) == 0 => self.scalar(),
                "union" | "replaced" if depth > 0 => Json::Object(self.map(depth - 1)),
                "keyed" | "unions" if depth > 0 => {
                    let names = self.names();
                    let items = names.into_iter().map(|name| {
                        let mut item = self.map(depth - 1);
                        item.insert("name".to_owned(), json!(name));
                        Json::Object(item)
                    });
                    Json::Array(items.collect())
                }
                "list" => Json::Array((0..self.below(3)).map(|_| self.any(depth)).collect()),
                "value" => self.any(depth),
                _ => self.scalar(),
            };
            if !(matches!(key, "keyed" | "unions") && depth == 0) {
                map.insert(key.to_owned(), value);
            }
        }
        map
    }
}

#[test]
fn a_diff_applied_to_the_original_gives_the_modified() {
    for seed in 1..=300_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let original = Json::Object(random.map(3));
        let modified = Json::Object(random.map(3));
        let patch = diff(&original, &modified, &TestSchema).unwrap();
        let applied = apply(&original, &patch, &TestSchema);
        assert_eq!(
            applied.as_ref(),
            Ok(&modified),
            "seed {seed}: {original} with {patch}"
        );
        let same = diff(&modified, &modified, &TestSchema);
        assert_eq!(
            same,
            Ok(json!({})),
            "seed {seed}: no patch between equals: {modified}"
        );
        let three = three_way(
            &original,
            &modified,
            &original,
            Conflicts::Refuse,
            &TestSchema,
        );
        let applied = apply(&original, &three.unwrap(), &TestSchema);
        assert_eq!(
            applied,
            Ok(modified),
            "seed {seed}: nobody else changed {original}"
        );
    }
}

#[test]
fn a_plain_diff_applied_to_the_original_gives_the_modified() {
    for seed in 1..=200_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let original = Json::Object(random.map(3));
        let modified = Json::Object(random.map(3));
        let patch = plain::diff(&original, &modified).unwrap();
        let applied = plain::apply(&original, &patch);
        assert_eq!(
            applied.as_ref(),
            Ok(&modified),
            "seed {seed}: {original} with {patch}"
        );
        let three = plain::three_way(&original, &modified, &original).unwrap();
        let applied = plain::apply(&original, &three);
        assert_eq!(
            applied,
            Ok(modified),
            "seed {seed}: nobody else changed {original}"
        );
    }
}

#[test]
fn a_patch_of_three_keeps_what_others_added() {
    for seed in 1..=200_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let original = Json::Object(random.map(2));
        let mut modified = random.map(2);
        let mut current = random.map(2);
        modified.remove("theirs");
        current.insert("theirs".to_owned(), json!({"a": [1]}));
        let (modified, current) = (Json::Object(modified), Json::Object(current));
        let patch = three_way(
            &original,
            &modified,
            &current,
            Conflicts::Overwrite,
            &TestSchema,
        )
        .unwrap();
        let applied = apply(&current, &patch, &TestSchema).unwrap();
        assert_eq!(
            applied.get("theirs"),
            Some(&json!({"a": [1]})),
            "seed {seed}"
        );
        let again = three_way(
            &modified,
            &modified,
            &applied,
            Conflicts::Refuse,
            &TestSchema,
        )
        .unwrap();
        let settled = apply(&applied, &again, &TestSchema);
        let settled = settled.and_then(|settled| sort_merging_lists(&settled, &TestSchema));
        let applied = sort_merging_lists(&applied, &TestSchema);
        assert_eq!(
            settled, applied,
            "seed {seed}: applied twice is applied once"
        );
    }
}

#[rstest]
#[case::delete_what_is_not_there(json!({}), json!({"m": {"$patch": "delete"}}), json!({}))]
#[case::replace_what_is_not_there(
    json!({}), json!({"m": {"$patch": "replace", "a": 1}}), json!({"m": {"a": 1}})
)]
#[case::nulls_in_something_new(json!({}), json!({"m": {"a": null, "b": {"c": null}}}), json!({"m": {"b": {}}}))]
#[case::directives_in_something_new(
    json!({}),
    json!({"m": {"$retainKeys": ["keyed"], "$setElementOrder/keyed": [{"name": 1}],
                 "keyed": [{"name": 1}, {"name": 2, "$patch": "delete"}]}}),
    json!({"m": {"keyed": [{"name": 1}]}})
)]
#[case::a_scalar_becomes_a_map(json!({"m": 1}), json!({"m": {"a": 1}}), json!({"m": {"a": 1}}))]
#[case::a_list_becomes_a_scalar(json!({"set": [1]}), json!({"set": 1}), json!({"set": 1}))]
#[case::the_list_is_replaced(
    json!({"keyed": [{"name": 1, "a": 1}, {"name": 2}]}),
    json!({"keyed": [{"$patch": "replace"}, {"name": 1, "b": 1}]}),
    json!({"keyed": [{"name": 1, "b": 1}]})
)]
#[case::merge_is_what_happens_anyway(
    json!({"m": {"a": 1}, "keyed": [{"name": 1, "a": 1}]}),
    json!({"m": {"$patch": "merge", "b": 1}, "keyed": [{"$patch": "merge", "name": 1, "b": 1}]}),
    json!({"m": {"a": 1, "b": 1}, "keyed": [{"name": 1, "a": 1, "b": 1}]})
)]
#[case::new_items_stand_before_the_server_s(
    json!({"keyed": [{"name": "server"}]}),
    json!({"keyed": [{"name": "new"}]}),
    json!({"keyed": [{"name": "new"}, {"name": "server"}]})
)]
#[case::a_new_item_takes_the_room_of_a_deleted_one(
    json!({"keyed": [{"name": 1}, {"name": 2}, {"name": 9}]}),
    json!({"$setElementOrder/keyed": [{"name": 2}, {"name": 3}],
           "keyed": [{"name": 3}, {"name": 1, "$patch": "delete"}]}),
    json!({"keyed": [{"name": 2}, {"name": 9}, {"name": 3}]})
)]
#[case::a_new_item_without_room_stands_before_the_server_s(
    json!({"keyed": [{"name": 2}, {"name": 9}]}),
    json!({"$setElementOrder/keyed": [{"name": 2}, {"name": 3}], "keyed": [{"name": 3}]}),
    json!({"keyed": [{"name": 2}, {"name": 3}, {"name": 9}]})
)]
#[case::a_replaced_map(
    json!({"replaced": {"a": 1}}), json!({"replaced": {"b": 1}}), json!({"replaced": {"b": 1}})
)]
fn a_patch_applies(#[case] original: Json, #[case] patch: Json, #[case] expected: Json) {
    let applied = apply(&original, &patch, &TestSchema);
    assert_eq!(applied, Ok(expected), "{original} with {patch}");
}

#[rstest]
#[case(json!([]), "a strategic merge patch is made of mappings and applied to one, not a list")]
#[case(json!({"m": {"$patch": "drop"}}), "`m.$patch`: `drop` is unknown; use `merge`, `replace` or `delete`")]
#[case(
    json!({"keyed": [{"name": 1, "union": {"$retainKeys": 1}}]}),
    "`keyed.1.union.$retainKeys`: a number stands where a list of keys is expected"
)]
#[case(
    json!({"union": {"$retainKeys": ["a"], "b": 1}}),
    "`union.$retainKeys`: the patch sets `b`, which the list does not hold"
)]
#[case(json!({"keyed": [1]}), "`keyed` is a list of other things, but a list of mappings is expected")]
#[case(json!({"set": [{}]}), "`set` is a list of mappings or lists, but a list of scalars is expected")]
#[case(
    json!({"$setElementOrder/set": [2], "set": [1]}),
    "`$setElementOrder/set`: the order of the patch's items doesn't match it at 1"
)]
#[case(
    json!({"$deleteFromPrimitiveList/set": 1}),
    "`$deleteFromPrimitiveList/set`: a number stands where a list of scalars is expected"
)]
fn a_patch_that_does_not_fit_names_the_place(#[case] patch: Json, #[case] message: &str) {
    let original =
        json!({"keyed": [{"name": 1, "union": {}}], "set": [1, 2], "union": {}, "m": {}});
    let error = apply(&original, &patch, &TestSchema).unwrap_err();
    assert_eq!(error.to_string(), message, "why {patch} is refused");
}

#[test]
fn a_conflict_names_the_field() {
    let modified = json!({"keyed": [{"name": "a", "value": 2}]});
    let original = json!({"keyed": [{"name": "a", "value": 1}]});
    let current = json!({"keyed": [{"name": "a", "value": 3}]});
    let refused = three_way(
        &original,
        &modified,
        &current,
        Conflicts::Refuse,
        &TestSchema,
    );
    assert_eq!(
        refused,
        Err(PatchError::Conflict {
            path: "keyed.a.value".to_owned()
        }),
        "both changed the value"
    );
}

#[test]
fn depth_is_an_error() {
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!({"a": deep});
    }
    let error = apply(&json!({}), &deep, &TestSchema).unwrap_err();
    assert_eq!(error.code(), "WL0333", "{error}");
    assert!(
        diff(&deep, &json!({}), &TestSchema).is_err(),
        "an original is bounded too"
    );
    assert!(
        plain::apply(&json!({}), &deep).is_err(),
        "a plain patch is bounded too"
    );
}

#[test]
fn large_lists_take_linear_time() {
    let list = |from: u32| {
        (from..from + 50_000)
            .map(|name| json!({"name": name, "v": 1}))
            .collect()
    };
    let (original, modified) = (
        json!({"keyed": Json::Array(list(0))}),
        Json::Array(list(25_000)),
    );
    let modified = json!({"keyed": modified});
    let patch = diff(&original, &modified, &TestSchema).unwrap();
    assert_eq!(
        apply(&original, &patch, &TestSchema),
        Ok(modified),
        "half goes, half is new"
    );
}
