//! The lines of a trace: what happens in a history, step by step.

use super::history::{Gym, History, Step};

/// What a reader of the lines that follow must know.
pub(crate) fn opening(history: &History) -> String {
    let mut text = String::from(
        "Members are numbered from 0 in each gym: member 2 of gym 1 is member-1-2 for the plugin, and begins as\n\
         person2@gym1.test in Kisi. A line with a time is what happens; below it are the plugin's requests to Kisi, and in\n\
         brackets the faults that met them. A planned fault whose moment does not come has no such mark.\n",
    );
    for (number, Gym { grace_days, lease_days, members }) in history.gyms.iter().enumerate() {
        text += &format!("gym {number}: {members} members, grace {grace_days} d, lease {lease_days} d\n");
    }
    text += &format!("Kisi here: {:?}\n", history.knobs);
    match history.last_events {
        true => text += &format!("At the end members get a last event, in the order {:?}.\n", history.order),
        false => text += "At the end no member gets a last event: ticks alone must correct everything.\n",
    }
    text
}

/// What happens to a gym beside the steps.
pub(crate) fn moment(now: &str, gym: usize, happens: &str) -> String {
    format!("     {now}  gym {gym} {happens}")
}

/// A step, at a time of the simulation.
pub(crate) fn step(number: usize, now: &str, step: &Step) -> String {
    let Step { gym, what, faults } = step;
    let faults: Vec<String> =
        faults.iter().map(|fault| format!("{:?} {:?}", fault.at, fault.effect)).collect();
    let faults = if faults.is_empty() { String::new() } else { format!("; planned: {}", faults.join(", ")) };
    format!("{number:3}  {now}  gym {gym}: {what:?}{faults}")
}
