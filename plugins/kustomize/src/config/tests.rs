#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

#[test]
fn zz_dump() {
    let t = TransformerConfig::builtin();
    let or = |t: &str, n: &str| {
        if t.is_empty() {
            n.to_owned()
        } else {
            t.to_owned()
        }
    };
    let g = |g: &Gvk| {
        format!(
            "{}.{}.{}",
            or(&g.kind, "[noKind]"),
            or(&g.version, "[noVer]"),
            or(&g.group, "[noGrp]")
        )
    };
    let l = |name: &str, l: &FieldSpecs| {
        for s in l.iter() {
            println!("@{name} {}:{}:{}", g(&s.gvk), s.create, s.path);
        }
    };
    l("a", &t.name_prefix);
    l("b", &t.name_suffix);
    l("c", &t.namespace);
    l("d", &t.common_labels);
    l("e", &t.labels);
    l("f", &t.template_labels);
    l("g", &t.volume_claim_template_labels);
    l("h", &t.common_annotations);
    for r in t.name_reference.iter() {
        println!("@ref {}", g(&r.gvk));
        l(&format!("i {}", g(&r.gvk)), &r.referrers);
    }
    l("j", &t.var_reference);
    l("k", &t.images);
    l("l", &t.replicas);
}
