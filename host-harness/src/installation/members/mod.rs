//! The gym's own data, from the files that its system exports: `members.csv` with a row for each membership, and
//! `plans.csv`. Every command reads them again.

mod aside;
mod day;
mod rows;
mod table;
mod zone;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use door_access_host::MemoryDirectory;
use door_access_host::contract::events::EventKind;
use door_access_host::contract::types::{Member, MemberStatus, Membership, MembershipStatus, Payment, Plan};
use door_access_scenario::file::{alike, meant};
use door_access_scenario::unusable::{Place, Unusable, Wrong, told_once, unusable};

pub(super) use aside::Aside;

pub(super) use rows::{BLOCKED, columns};
pub(super) use table::{Row, Table};
pub(super) use zone::Zone;

const MEMBERS: &str = "members.csv";
const PLANS: &str = "plans.csv";

/// The gym's members and plans.
pub(super) struct Roll {
    /// All plans, in the order of the file.
    pub(super) plans: Vec<Plan>,
    /// All members, ordered by id.
    pub(super) members: Vec<Member>,
    /// The optional columns that the members' file has.
    pub(super) columns: BTreeSet<String>,
    /// Its columns that are not read.
    pub(super) unread: Vec<String>,
    /// The rows that cannot be used.
    pub(super) aside: Aside,
}

impl Roll {
    /// Reads the files of a folder. Rows that cannot be used are set aside; what makes a file doubtful as a whole is an
    /// error.
    pub(super) fn read(folder: &Path, zone: &Zone) -> Result<Roll, Unusable> {
        if let Some(gone) = [PLANS, MEMBERS].iter().find(|name| !folder.join(name).exists()) {
            return unusable(format!(
                "there is no {gone} in {}: put it there, or name another folder with `harness connect --members FOLDER`",
                folder.display()
            ));
        }
        let (plans, members) = (Table::read(&folder.join(PLANS))?, Table::read(&folder.join(MEMBERS))?);
        Roll::of(&plans, &members, zone)
    }

    /// Reads both tables.
    fn of(plans: &Table, members: &Table, zone: &Zone) -> Result<Roll, Unusable> {
        let (columns, unread) = (rows::possible(members), rows::unread(members));
        let (mut wrong, mut aside) = (Vec::new(), Aside::default());
        let plans = rows::plans(plans, &mut aside, &mut wrong);
        let members = rows::members(members, &plans, zone, &mut aside, &mut wrong);
        if wrong.is_empty() {
            Ok(Roll { plans, members, columns, unread, aside })
        } else {
            Err(told_once(wrong).into())
        }
    }

    /// Reads the texts of both files.
    pub(super) fn parse(plans: &[u8], members: &[u8]) -> Result<Roll, Unusable> {
        Roll::of(&Table::parse(PLANS, plans)?, &Table::parse(MEMBERS, members)?, &Zone::default())
    }

    /// Refuses a members' file that has lost an optional column. Without `blocked` or `last_day`, for example, doors
    /// would open.
    pub(super) fn has_columns(&self, before: &BTreeSet<String>, folder: &Path) -> Result<(), Unusable> {
        let place = Place { file: folder.join(MEMBERS).display().to_string(), line: 1, column: 1 };
        let gone = |column: &String| {
            let message = format!(
                "the column `{column}` is gone, and its values would no longer count, so that doors may open: \
                 restore its name, or run `harness connect --accept-columns` if the gym no longer has it"
            );
            Wrong::at(place.clone(), message)
        };
        let gone: Vec<Wrong> = before.difference(&self.columns).map(gone).collect();
        if gone.is_empty() { Ok(()) } else { Err(gone.into()) }
    }

    /// The directory that the plugin reads.
    pub(super) fn directory(&self) -> Arc<aside::FileDirectory> {
        let directory = MemoryDirectory::new();
        directory.set_plans(self.plans.clone());
        for member in &self.members {
            directory.insert(member.clone());
        }
        aside::FileDirectory::new(directory, self.aside.clone())
    }

    /// What the files say against an event that takes access away; `None` when they confirm it, and for other events.
    pub(super) fn contradicts(&self, kind: &EventKind, id: &str) -> Option<String> {
        let member = self.members.iter().find(|member| member.id == id)?;
        let has = |is: fn(&Membership) -> bool| member.memberships.iter().any(is);
        let (is_confirmed, claim) = match kind {
            EventKind::MemberBlocked => (member.status == MemberStatus::Blocked, "is blocked"),
            EventKind::MemberDeleted => (false, "was deleted: they still have a row"),
            EventKind::MembershipFrozen => {
                (has(|it| it.status == MembershipStatus::Frozen), "has a frozen membership")
            }
            EventKind::MembershipCancelled => {
                (has(|it| it.status == MembershipStatus::Cancelled), "has a cancelled membership")
            }
            EventKind::MembershipExpired => (
                has(|it| it.status == MembershipStatus::Expired || it.ends_at.is_some()),
                "has an expired membership",
            ),
            EventKind::PaymentOverdue => {
                (has(|it| matches!(it.payment, Payment::Overdue(_))), "has an overdue payment")
            }
            _ => return None,
        };
        (!is_confirmed).then(|| {
            format!(
                "{MEMBERS} does not say that {} {claim}. The file decides: correct it, and send the event again.",
                member.name
            )
        })
    }

    /// The number of memberships.
    pub(super) fn memberships(&self) -> usize {
        self.members.iter().map(|member| member.memberships.len()).sum()
    }

    /// Whether there is a member of this id.
    pub(super) fn has(&self, id: &str) -> bool {
        self.members.iter().any(|member| member.id == id)
    }

    /// A member's name and id.
    pub(super) fn named(&self, id: &str) -> String {
        let known = self.members.iter().map(|member| (member.id.as_str(), Some(member.name.as_str())));
        match known.chain(self.aside.members()).find(|(known, _)| *known == id) {
            Some((_, Some(name))) => format!("{name} ({id})"),
            _ => id.to_owned(),
        }
    }

    /// The member of this id, e-mail address or name.
    pub(super) fn member(&self, given: &str) -> Result<&Member, Unusable> {
        if let Some(member) = self.members.iter().find(|member| member.id == given) {
            return Ok(member);
        }
        let same = |text: &str| text.trim().to_lowercase() == given.trim().to_lowercase();
        let email = |member: &&Member| member.email.as_deref().is_some_and(same);
        let name = |member: &&Member| same(&member.name);
        let found: Vec<&Member> =
            self.members.iter().filter(|member| email(member) || name(member)).collect();
        if let Some(unusable) = self.aside.of(given, found.is_empty()) {
            return Err(unusable);
        }
        match found.as_slice() {
            [only] => Ok(only),
            [] => {
                // A text similar to a single name is a typing error. A similar id is another member's.
                let meant =
                    match alike(given, self.members.iter().map(|member| member.name.as_str())).as_slice() {
                        [name] => format!("did you mean `{name}`?"),
                        _ => "give the id, the e-mail address or the whole name".to_owned(),
                    };
                unusable(format!("there is no member `{given}` in {MEMBERS}: {meant}"))
            }
            several => {
                let ids: Vec<&str> = several.iter().map(|member| member.id.as_str()).collect();
                unusable(format!("`{given}` may be any of `{}`: give the id", ids.join("`, `")))
            }
        }
    }

    /// A plan's name, or the id of a plan that no longer exists.
    pub(super) fn plan_name<'a>(&'a self, id: &'a str) -> &'a str {
        self.plans.iter().find(|plan| plan.id == id).map_or(id, |plan| plan.name.as_str())
    }

    /// The plan of this id or name.
    pub(super) fn plan(&self, given: &str) -> Result<&Plan, String> {
        let plans = self.plans.iter().map(|plan| (plan, plan.id.as_str(), plan.name.as_str()));
        one_of("plan", given, plans.collect())
    }
}

/// The item of this id or name. The error is a sentence.
pub(super) fn one_of<'a, T>(
    what: &str,
    given: &str,
    known: Vec<(&'a T, &'a str, &'a str)>,
) -> Result<&'a T, String> {
    if let Some((found, ..)) = known.iter().find(|(_, id, _)| *id == given) {
        return Ok(found);
    }
    let by_name: Vec<_> = known.iter().filter(|(_, _, name)| *name == given).collect();
    match by_name.as_slice() {
        [(only, ..)] => Ok(only),
        [] => {
            let meant = meant(given, known.iter().map(|(_, _, name)| *name));
            Err(match given.trim() {
                "" => format!("the {what} is blank: {meant}"),
                _ => format!("there is no {what} `{given}`: {meant}"),
            })
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|(_, id, _)| *id).collect();
            Err(format!("there are several {what}s `{given}`: give the id, one of `{}`", ids.join("`, `")))
        }
    }
}

/// The folder of the gym's files, by its own path or the path of a file in it.
pub(super) fn folder(given: &Path) -> Result<PathBuf, Unusable> {
    let folder = if given.is_file() { given.parent().unwrap_or(Path::new("")) } else { given };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    std::path::absolute(folder).ok().filter(|folder| folder.join(MEMBERS).is_file()).ok_or_else(|| {
        Unusable::new(format!(
            "there is no {MEMBERS} in {}: name the folder that holds {MEMBERS} and {PLANS} with --members",
            folder.display()
        ))
    })
}
