//! The sandbox: runs plugins as WebAssembly components within limits.
