//! Random trees, built by Windlass and by the program that it has to agree with.
//!
//! A tree is made from a seed ([`generate::tree`]), built by both sides, and the two results are compared as values in
//! their order ([`compare::compare`]). When they differ, the tree is made smaller for as long as they still do
//! ([`shrink::shrink`]). Differences that are meant are listed, each with its reason ([`allowed::ALLOWANCES`]).

pub mod allowed;
pub mod build;
pub mod campaign;
pub mod compare;
pub mod generate;
pub mod node;
pub mod oracle;
pub mod random;
pub mod shrink;
pub mod tree;
