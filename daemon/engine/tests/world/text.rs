//! Events and commands as one line each, for the trace of a life.

use windlass_engine::{Command, Event, Outcome};

pub(super) fn short(event: &Event) -> String {
    match event {
        Event::Rendered {
            revision, objects, ..
        } => {
            let ids: Vec<String> = objects.iter().map(|d| d.id.to_string()).collect();
            format!("rendered {revision}: {}", ids.join(", "))
        }
        Event::Observed(live) => format!(
            "observed {} {} v{} {:?} {:?} deleting={}",
            live.id,
            live.uid,
            live.resource_version,
            live.part_of.as_deref().map(|s| &s[9..13]),
            live.owned,
            live.deleting
        ),
        Event::Done {
            ticket,
            outcome: Outcome::Applied(live),
        } => {
            format!(
                "done {ticket}: applied {} {} v{}",
                live.id, live.uid, live.resource_version
            )
        }
        Event::Done {
            ticket,
            outcome: Outcome::Failed(f),
        } => format!("done {ticket}: {:?}", f.class),
        other => format!("{other:?}"),
    }
}

pub(super) fn short_command(command: &Command) -> String {
    match command {
        Command::WriteParent { ticket, inventory } => format!(
            "{ticket} parent {:?}",
            inventory
                .kinds
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        ),
        Command::Apply { ticket, object, .. } => format!("{ticket} apply {}", object.id),
        Command::Delete {
            ticket,
            id,
            uid,
            resource_version,
            ..
        } => {
            format!("{ticket} delete {id} {uid} v{resource_version}")
        }
        other => format!("{other:?}"),
    }
}
