//! What is refused when a plugin is loaded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use rstest::rstest;
use support::{IDENTITY, Shell, host, load};
use windlass_plugin_host::{Host, HostOptions, Limits};

const SOCKETS: Shell = Shell {
    imports: r#"(import "wasi:sockets/instance-network@0.2.0" (instance
        (export "network" (type (sub resource)))))"#,
    ..IDENTITY
};
const HTTP: Shell = Shell {
    imports: r#"(import "wasi:http/types@0.2.0" (instance))"#,
    ..IDENTITY
};
const UNKNOWN: Shell = Shell {
    imports: r#"(import "acme:thing/api@1.0.0" (instance (export "do" (func))))"#,
    ..IDENTITY
};
const FUNCTION: Shell = Shell {
    imports: r#"(import "run" (func))"#,
    ..IDENTITY
};
const NEWER_IMPORT: Shell = Shell {
    imports: r#"(import "windlass:plugin/files@0.2.0" (instance (export "read" (func))))"#,
    ..IDENTITY
};
const NEWER_FUNCTION: Shell = Shell {
    imports: r#"(import "windlass:plugin/files@0.1.5" (instance (export "watch" (func))))"#,
    ..IDENTITY
};
const OTHER_TYPE: Shell = Shell {
    imports: r#"(import "windlass:plugin/files@0.1.0" (instance
        (export "exists" (func (param "path" u32) (result bool)))))"#,
    ..IDENTITY
};
const NEWER_EXPORT: Shell = Shell {
    version: "0.2.0",
    ..IDENTITY
};

#[rstest]
#[case::sockets(&SOCKETS, "WL0403", &["`wasi:sockets/instance-network@0.2.0`", "a plugin has no network"])]
#[case::http(&HTTP, "WL0403", &["`wasi:http/types@0.2.0`", "commit what it would fetch"])]
#[case::unknown(&UNKNOWN, "WL0403", &["`acme:thing/api@1.0.0`", "leave out the code"])]
#[case::function(&FUNCTION, "WL0403", &["`run`"])]
#[case::newer_import(&NEWER_IMPORT, "WL0404", &["`windlass:plugin/files@0.2.0`", "use a newer Windlass"])]
#[case::newer_function(&NEWER_FUNCTION, "WL0403", &["watch"])]
#[case::other_type(&OTHER_TYPE, "WL0403", &["exists", "published `wit/` folder"])]
#[case::newer_export(&NEWER_EXPORT, "WL0404", &["@0.2.0`", "knows windlass:plugin 0.1.0"])]
fn what_does_not_fit_is_refused_by_name(
    #[case] guest: &Shell,
    #[case] code: &str,
    #[case] says: &[&str],
) {
    let error = load("odd", guest).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    let message = error.to_string();
    assert!(message.starts_with("plugin `odd` "), "{message}");
    for part in says {
        assert!(message.contains(part), "says {part}: {message}");
    }
}

#[rstest]
#[case::core_module("(module)", "core module")]
#[case::empty_component("(component)", "does not export `windlass:plugin/describe`")]
fn a_component_that_is_no_plugin_is_refused(#[case] text: &str, #[case] says: &str) {
    let wasm = wat::parse_str(text).unwrap();
    let error = host().load("odd", &wasm).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
}

#[rstest]
#[case::empty(b"")]
#[case::text(b"version https://git-lfs.github.com/spec/v1\n")]
#[case::cut(b"\0asm\x0d\0\x01\0\x01\x20")]
fn what_is_no_component_is_refused(#[case] bytes: &[u8]) {
    let error = host().load("odd", bytes).unwrap_err();
    assert_eq!(error.code(), "WL0401", "{error}");
}

#[test]
fn later_versions_of_the_same_series_fit() {
    let later = Shell {
        version: "0.1.9",
        ..IDENTITY
    };
    load("later", &later).unwrap();
}

#[test]
fn a_transform_of_another_type_is_refused_when_called() {
    let text = r#"(component
        (core module $m
            (memory (export "memory") 1)
            (func (export "transform"))
            (func (export "describe") (result i32)
                (i32.store8 (i32.const 64) (i32.const 120))
                (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1))
                (i32.store (i32.const 8) (i32.const 64)) (i32.store (i32.const 12) (i32.const 1))
                (i32.const 0)))
        (core instance $i (instantiate $m))
        (type $scope' (enum "object" "set"))
        (export $scope "scope" (type $scope'))
        (type $description' (record
            (field "name" string) (field "version" string) (field "summary" string)
            (field "scope" $scope) (field "configuration-schema" (option string))))
        (export $description "description" (type $description'))
        (func $transform (canon lift (core func $i "transform")))
        (func $describe (result $description)
            (canon lift (core func $i "describe") (memory (core memory $i "memory"))))
        (instance $t (export "transform" (func $transform)))
        (instance $d (export "describe" (func $describe)))
        (export "windlass:plugin/transform@0.1.0" (instance $t))
        (export "windlass:plugin/describe@0.1.0" (instance $d)))"#;
    let plugin = host().load("odd", &wat::parse_str(text).unwrap()).unwrap();
    let error = support::transform(&plugin, &[], "{}", &support::tight()).unwrap_err();
    assert_eq!(error.code(), "WL0406", "{error}");
}

#[test]
fn a_large_component_is_refused_before_it_is_compiled() {
    let host = Host::new(HostOptions {
        limits: Limits {
            module_bytes: 100,
            ..Limits::default()
        },
        ..HostOptions::default()
    })
    .unwrap();
    let error = host.load("large", &IDENTITY.wasm()).unwrap_err();
    assert_eq!(error.code(), "WL0402", "{error}");
    assert!(
        error.to_string().contains("`limits.moduleBytes`"),
        "{error}"
    );
}
