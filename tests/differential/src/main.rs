//! Compares thousands of trees, or looks at one.

use anyhow::Result;
use clap::Parser;
use windlass_differential::build::native;
use windlass_differential::campaign;
use windlass_differential::compare::compare;
use windlass_differential::generate;
use windlass_differential::oracle::Kustomize;

/// Builds random trees with Windlass and with the real kustomize, and prints how they differ.
#[derive(Debug, Parser)]
#[command(name = "windlass-differential")]
struct Arguments {
    /// The seed of the first tree; each further tree has the next.
    #[arg(long, env = "WINDLASS_SEED", default_value_t = 0)]
    seed: u64,
    /// How many trees.
    #[arg(long, env = "WINDLASS_TREES", default_value_t = 1000)]
    trees: u64,
    /// Stops when so many differences have been found.
    #[arg(long, default_value_t = 10)]
    most: usize,
    /// Prints the tree of the seed and both results, and compares nothing else.
    #[arg(long)]
    show: bool,
    /// Prints what the real kustomize says of each tree, and compares nothing: how good the generator is.
    #[arg(long)]
    reasons: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.show {
        return show(arguments.seed);
    }
    let seeds = arguments.seed..arguments.seed.saturating_add(arguments.trees);
    if arguments.reasons {
        let mut oracle = Kustomize::start()?;
        for seed in seeds {
            match oracle.build(&generate::tree(seed))? {
                Ok(text) => println!("{seed}: {} lines", text.lines().count()),
                Err(error) => println!("{seed}: {}", error.replace('\n', " ")),
            }
        }
        return Ok(());
    }
    let report = campaign::run(seeds, arguments.most)?;
    print!("{report}");
    if !report.found.is_empty() {
        std::process::exit(1);
    }
    Ok(())
}

fn show(seed: u64) -> Result<()> {
    let tree = generate::tree(seed);
    let theirs = Kustomize::start()?.build(&tree)?;
    let ours = native(&tree);
    print!("{}", tree.show());
    match &theirs {
        Ok(text) => println!("==== kustomize\n{text}"),
        Err(error) => println!("==== kustomize fails: {error}"),
    }
    match &ours {
        Ok(objects) => println!(
            "==== Windlass\n{}",
            windlass_manifest::to_yaml_stream(objects)
        ),
        Err(error) => println!("==== Windlass fails: {error}"),
    }
    if let Some(difference) = compare(&theirs, &ours) {
        println!("==== {:?}\n{}", difference.class, difference.text);
    }
    Ok(())
}
