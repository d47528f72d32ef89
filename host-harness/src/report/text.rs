//! A run for people: a head for each step, and under it the decision, the calls and the groups.

use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};
use textwrap::core::display_width;

use super::counted;
use super::page::{Look, Page, Tone, UNBREAKABLE};
use door_access_host::OneLine;
use door_access_scenario::report::{
    Call, Ending, FactKind, GroupsOf, LogEntry, Mismatch, Opening, Report, Setup, StepReport,
};
use door_access_scenario::words;

/// Prints for people.
pub(crate) struct Text<'a> {
    page: Page<'a>,
    day: String,
}

impl<'a> Text<'a> {
    /// Prints to `out`.
    pub(crate) fn new(out: &'a mut dyn Write, look: Look) -> Text<'a> {
        Text { page: Page { out, look }, day: String::new() }
    }

    fn calls(&mut self, calls: &[Call]) -> io::Result<()> {
        let mut lines = Vec::new();
        for call in calls {
            let (tone, mark) = match call.status {
                Some(status) if status < 400 => (Tone::Good, status.to_string()),
                Some(status) => (Tone::Bad, status.to_string()),
                None => (Tone::Bad, "lost".to_owned()),
            };
            lines.push((tone, mark, format!("{} {}", call.method, call.path)));
            let details = call.failure.iter().chain(&call.body);
            lines.extend(details.map(|detail| (Tone::Plain, String::new(), detail.clone())));
        }
        self.page.listed("calls", &lines)
    }

    fn log(&mut self, lines: &[LogEntry]) -> io::Result<()> {
        for (index, line) in lines.iter().enumerate() {
            let label = if index == 0 { "log" } else { "" };
            let fields = line.fields.iter().map(|field| format!(" {}={:?}", field.name, field.value));
            let aside = format!("[{}]{}", line.level, fields.collect::<String>());
            self.page.labelled(Tone::Faint, label, &line.message, &aside)?;
        }
        Ok(())
    }

    fn groups(&mut self, groups: &[GroupsOf]) -> io::Result<()> {
        let list = |groups: &[String]| if groups.is_empty() { "none".to_owned() } else { groups.join(", ") };
        for (index, GroupsOf { who, before, after }) in groups.iter().enumerate() {
            let label = if index == 0 { "groups" } else { "" };
            // An address alone is always named: it may belong to another member than the event's.
            let who = if groups.len() > 1 || who.contains('@') { format!("{who}: ") } else { String::new() };
            let text = match before == after {
                true => format!("{who}{} (unchanged)", list(after)),
                false => format!("{who}{} → {}", list(before), list(after)),
            };
            self.page.labelled(Tone::Faint, label, &text, "")?;
        }
        Ok(())
    }

    fn mismatch(&mut self, mismatch: &Mismatch, line: Option<usize>) -> io::Result<()> {
        let place = line.map(|line| format!(" (line {line})")).unwrap_or_default();
        self.page.labelled(Tone::Bad, "EXPECTED", &format!("{}{place}:", mismatch.what), "")?;
        let lines = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        let (expected, found) = (lines(&mismatch.expected), lines(&mismatch.found));
        for change in TextDiff::from_lines(&expected, &found).iter_all_changes() {
            let (tone, mark, what) = match change.tag() {
                ChangeTag::Delete => (Tone::Good, "-", "expected"),
                ChangeTag::Insert => (Tone::Bad, "+", "found"),
                ChangeTag::Equal => (Tone::Plain, " ", ""),
            };
            let text = self.page.look.paint(tone, &format!("{mark} {}", OneLine(change.value().trim_end())));
            let what = self.page.look.paint(Tone::Faint, what);
            writeln!(self.page.out, "{:17}{text}{}{what}", "", if what.is_empty() { "" } else { "   " })?;
        }
        Ok(())
    }

    fn tally(&mut self, ending: &Ending) -> io::Result<()> {
        let edits = match (ending.edits, ending.edits_needed) {
            (0, 0) => "no edits".to_owned(),
            (edits, needed) if edits == needed => format!("{}, all needed,", counted(edits, "edit")),
            (edits, needed) => format!("{}, of which {needed} were needed,", counted(edits, "edit")),
        };
        let calls = format!(
            "{} took {}: {edits} and {} to read or retry. {} took {}.",
            counted(ending.events, "event"),
            counted(ending.calls, "call"),
            counted(ending.calls.saturating_sub(ending.edits), "other call"),
            setup(ending.setup),
            counted(ending.setup_calls, "call"),
        );
        self.page.labelled(Tone::Faint, "calls", &calls, "")?;
        if ending.undelivered > 0 {
            let until = match ending.paused {
                true => "the gym connects again",
                false => "time passes or the gym connects again",
            };
            let text = format!("{} kept until {until}.", counted(ending.undelivered, "event"));
            self.page.labelled(Tone::Care, "waiting", &text, "")?;
        }
        let (tone, text) = match (ending.expectations, ending.failed) {
            (0, _) => (Tone::Faint, "The scenario expects nothing in particular.".to_owned()),
            (1, 0) => (Tone::Good, "As expected: 1 expectation met.".to_owned()),
            (all, 0) => (Tone::Good, format!("As expected: all {all} expectations met.")),
            (all, failed) => {
                let (of, met) = (counted(all, "expectation"), all.saturating_sub(failed));
                (Tone::Bad, format!("OTHER than expected: {failed} of {of} failed, {met} met."))
            }
        };
        self.page.labelled(tone, "result", &text, "")?;
        if let Some(ms) = ending.elapsed_ms {
            let text = format!("{}.{} s", ms / 1_000, ms % 1_000 / 100);
            self.page.labelled(Tone::Faint, "time", &text, "")?;
        }
        Ok(())
    }
}

impl Report for Text<'_> {
    fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        self.page.wide(Tone::Head, &opening.title)?;
        self.page.gap()?;
        self.page.wide(Tone::Plain, &opening.story)?;
        self.page.gap()?;
        let component = &opening.component;
        let size =
            component.bytes.map(|bytes| format!(" ({} kB)", bytes.div_ceil(1_000))).unwrap_or_default();
        let with = format!(
            "Plugin {} {}{size}, played against {}.",
            component.name, component.version, opening.kisi
        );
        self.page.wide(Tone::Faint, &with)?;
        self.page.out.flush()
    }

    fn step(&mut self, step: &StepReport) -> io::Result<()> {
        let day = words::day(step.at);
        self.page.gap()?;
        if day != self.day {
            self.page.rule(&day)?;
            self.page.gap()?;
            self.day = day;
        }
        self.page.head(&words::clock(step.at), &step.title)?;
        if let Some(note) = &step.note {
            self.page.note(note)?;
        }
        for fact in &step.facts {
            let (tone, label) = label(fact.kind);
            let text = match &fact.member {
                Some(member) => format!("{member}: {}", fact.text),
                None => fact.text.clone(),
            };
            let aside = fact.word.as_ref().map(|word| format!("[{word}]")).unwrap_or_default();
            self.page.labelled(tone, label, &text, &aside)?;
        }
        self.calls(&step.calls)?;
        self.log(&step.log)?;
        self.groups(&step.groups)?;
        for mismatch in &step.mismatches {
            self.mismatch(mismatch, step.line)?;
        }
        self.page.out.flush()
    }

    fn ending(&mut self, ending: &Ending) -> io::Result<()> {
        self.page.gap()?;
        self.page.rule("At the end")?;
        self.page.gap()?;
        let width = ending.groups.iter().map(|roll| display_width(&roll.group)).max().unwrap_or(0);
        for (index, roll) in ending.groups.iter().enumerate() {
            let people = if roll.people.is_empty() { "none".to_owned() } else { roll.people.join(", ") };
            let label = if index == 0 { "groups" } else { "" };
            let gap = " ".repeat(width - display_width(&roll.group) + 2);
            let group = format!("{}{gap}", roll.group).replace(' ', &UNBREAKABLE.to_string());
            self.page.labelled(Tone::Faint, label, &format!("{group}{people}"), "")?;
        }
        self.tally(ending)?;
        self.page.out.flush()
    }
}

/// What the gym did besides the events, as the beginning of a sentence.
fn setup(setup: Setup) -> String {
    let done = [
        ("Connecting", setup.connects),
        ("mapping", setup.maps),
        ("refreshing the groups", setup.refreshes),
        ("explaining", setup.explains),
        ("opening a door", setup.unlocks),
        ("ticking", setup.ticks),
    ];
    let done = done.into_iter().filter_map(|(what, times)| match times {
        0 => None,
        1 => Some(what.to_owned()),
        _ => Some(format!("{what} {times} times")),
    });
    words::list(&done.collect::<Vec<_>>())
}

/// The label of a fact.
fn label(kind: FactKind) -> (Tone, &'static str) {
    match kind {
        FactKind::Granted => (Tone::Good, "granted"),
        FactKind::Adopted => (Tone::Good, "adopted"),
        FactKind::Adjusted => (Tone::Good, "adjusted"),
        FactKind::Revoked => (Tone::Bad, "revoked"),
        FactKind::Dropped => (Tone::Bad, "dropped"),
        FactKind::Refused => (Tone::Care, "withheld"),
        FactKind::Account => (Tone::Plain, "account"),
        FactKind::Warning => (Tone::Care, "warning"),
        FactKind::Failed => (Tone::Bad, "failed"),
        FactKind::Error => (Tone::Bad, "error"),
        FactKind::Then => (Tone::Plain, "then"),
        FactKind::Due => (Tone::Faint, "due"),
        FactKind::Found => (Tone::Plain, "found"),
        FactKind::Verdict => (Tone::Plain, "access"),
        FactKind::Opened => (Tone::Good, "opened"),
        FactKind::Shut => (Tone::Bad, "shut"),
        FactKind::Why => (Tone::Care, "why"),
        FactKind::Say => (Tone::Faint, "say"),
        FactKind::Nothing => (Tone::Faint, "nothing"),
    }
}

#[cfg(test)]
mod tests {
    use door_access_host::contract::log::Field;

    use super::super::{Look, WIDTH};
    use super::*;

    #[test]
    fn log_lines_stand_under_their_step_without_control_characters() {
        let field = Field { name: "member".to_owned(), value: "1042".to_owned() };
        let lines = ["\"grace_days\":3", "\u{1b}[2Jthe screen is empty"];
        let entry = |message: &str| LogEntry {
            at: 0,
            level: "info".to_owned(),
            message: message.to_owned(),
            fields: vec![field.clone()],
        };
        let step = StepReport {
            step: "connect",
            line: None,
            at: 0,
            title: "connect".to_owned(),
            note: None,
            facts: Vec::new(),
            calls: Vec::new(),
            log: lines.map(entry).to_vec(),
            groups: Vec::new(),
            mismatches: Vec::new(),
        };
        let mut out = Vec::new();
        Text::new(&mut out, Look { colour: false, width: WIDTH }).step(&step).unwrap();
        let printed = String::from_utf8(out).unwrap();
        for line in [
            "\n       log       \"grace_days\":3 [info] member=\"1042\"\n",
            "\n                 \\u{1b}[2Jthe screen is empty [info] member=\"1042\"\n",
        ] {
            assert!(printed.contains(line), "{printed}");
        }
        let json = serde_json::to_value(&step).unwrap();
        assert_eq!(json["log"][1]["message"], lines[1]);
    }
}
