//! Git behind two verbs, fetch and read.
