//! `windlass explain WL0103`: the page of an error code.

use std::process::ExitCode;

use super::Failed;
use super::output::{put, tell};

const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Prints the page of `code`, or the list of codes.
pub(crate) fn explain(code: Option<&str>) -> Result<ExitCode, Failed> {
    let Some(code) = code else {
        let lines: String = PAGES
            .iter()
            .map(|(code, page)| format!("{code}  {}\n", title(page)))
            .collect();
        put(&lines)?;
        return Ok(ExitCode::SUCCESS);
    };
    let wanted = code.to_uppercase();
    match PAGES.iter().find(|(code, _)| *code == wanted) {
        Some((_, page)) => {
            put(&format!("{}\n", page.trim_end()))?;
            Ok(ExitCode::SUCCESS)
        }
        None => {
            tell(format_args!(
                "windlass: there is no error code `{code}`; `windlass explain` lists them all"
            ));
            Ok(ExitCode::from(2))
        }
    }
}

/// The heading without its mark and code: `# WL0103: unknown key` is `unknown key`.
fn title(page: &str) -> &str {
    let heading = page
        .lines()
        .next()
        .unwrap_or("")
        .trim_start_matches('#')
        .trim();
    heading
        .split_once(':')
        .map_or(heading, |(_, title)| title.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_code_and_title_and_says_what_to_do() {
        for (code, page) in PAGES {
            assert!(
                page.starts_with(&format!("# {code}: ")),
                "the heading of {code}"
            );
            assert!(page.contains("## What to do"), "{code} must say what to do");
            assert!(
                page.lines().all(|line| line.chars().count() <= 100),
                "{code} fits 100 columns"
            );
        }
    }
}
