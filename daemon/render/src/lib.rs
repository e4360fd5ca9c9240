//! Pipelines of plugin steps, memoised by what each step read.
