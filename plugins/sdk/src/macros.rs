//! The macros that turn a plugin into a component.

/// Exports a plugin: the type, a colon, and what it does.
///
/// What it does is one or more of `transform`, `generate`, `validate` and `assess`, each the name
/// of the trait in lower case; `transform` and `generate` exclude each other. Natively the macro
/// checks the types and exports nothing.
///
/// ```ignore
/// windlass_plugin_sdk::export!(Quota: transform, validate);
/// ```
#[macro_export]
macro_rules! export {
    ($plugin:ty : $($what:ident),+ $(,)?) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Component;
            $crate::__export_one!(describe, $plugin, Component);
            $($crate::__export_one!($what, $plugin, Component);)+
        };
        // Without this a private plugin would be dead code in a native build.
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            const _: fn() -> $crate::Description = <$plugin as $crate::Plugin>::describe;
            $(const _: $crate::run::signature::$what = $crate::run::$what::<$plugin>;)+
        };
    };
}

/// Exports a plugin that implements [`Transform`](crate::Transform).
#[macro_export]
macro_rules! export_transformer {
    ($plugin:ty) => {
        $crate::export!($plugin: transform);
    };
}

/// Exports a plugin that implements [`Generate`](crate::Generate).
#[macro_export]
macro_rules! export_generator {
    ($plugin:ty) => {
        $crate::export!($plugin: generate);
    };
}

/// Exports a plugin that implements [`Validate`](crate::Validate).
#[macro_export]
macro_rules! export_validator {
    ($plugin:ty) => {
        $crate::export!($plugin: validate);
    };
}

/// Exports a plugin that implements [`Assess`](crate::Assess).
#[macro_export]
macro_rules! export_assessor {
    ($plugin:ty) => {
        $crate::export!($plugin: assess);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_one {
    (describe, $plugin:ty, $component:ident) => {
        impl $crate::wasm::describe::Guest for $component {
            fn describe() -> $crate::wasm::describe::Description {
                $crate::wasm::described::<$plugin>()
            }
        }
        $crate::wasm::describe::export!($component with_types_in $crate::wasm::describe::bindings);
    };
    (transform, $plugin:ty, $component:ident) => {
        $crate::__export_one!(@transform, transformed, $plugin, $component);
    };
    (generate, $plugin:ty, $component:ident) => {
        $crate::__export_one!(@transform, generated, $plugin, $component);
    };
    (@transform, $run:ident, $plugin:ty, $component:ident) => {
        impl $crate::wasm::transform::Guest for $component {
            fn transform(
                objects: Vec<String>,
                configuration: String,
            ) -> Result<Vec<String>, $crate::wasm::transform::Failure> {
                $crate::wasm::$run::<$plugin>(objects, &configuration)
            }
        }
        $crate::wasm::transform::export!(
            $component with_types_in $crate::wasm::transform::bindings
        );
    };
    (validate, $plugin:ty, $component:ident) => {
        impl $crate::wasm::validate::Guest for $component {
            fn validate(
                objects: Vec<String>,
                configuration: String,
            ) -> Result<
                Vec<$crate::wasm::validate::Finding>,
                $crate::wasm::validate::Failure,
            > {
                $crate::wasm::validated::<$plugin>(objects, &configuration)
            }
        }
        $crate::wasm::validate::export!($component with_types_in $crate::wasm::validate::bindings);
    };
    (assess, $plugin:ty, $component:ident) => {
        impl $crate::wasm::assess::Guest for $component {
            fn assess(
                object: String,
                configuration: String,
            ) -> Result<$crate::wasm::assess::Health, $crate::wasm::assess::Failure> {
                $crate::wasm::assessed::<$plugin>(&object, &configuration)
            }
        }
        $crate::wasm::assess::export!($component with_types_in $crate::wasm::assess::bindings);
    };
}
