//! The only room that knows kube: discovery, apply, watch, secrets; and the directory target.
