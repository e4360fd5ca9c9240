use std::sync::atomic::{AtomicU32, Ordering};

/// Names for one test, so that tests of one process and repeated runs share a cluster without meeting.
#[derive(Clone, Debug)]
pub struct TestCase {
    id: String,
}

impl TestCase {
    /// Makes names out of `name`, which is cut so that what is built from it stays a valid DNS label.
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mut label: String = name
            .to_ascii_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(24)
            .collect();
        label.truncate(label.trim_end_matches('-').len());
        let serial = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            id: format!("{label}-{:x}-{serial:x}", std::process::id()),
        }
    }

    /// The unique id; also a good name for the one namespace most tests need.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A unique name for one of several things.
    pub fn name(&self, of: &str) -> String {
        format!("{}-{of}", self.id)
    }
}
