//! Git repositories and the servers they are fetched from, friendly and hostile ones.

mod hostile;
mod http;
mod repository;
mod ssh;

pub use hostile::HostileGit;
pub use http::{GitHttp, GitHttpOptions};
pub use repository::{Entry, GitRepository, git_command};
pub use ssh::GitSsh;
