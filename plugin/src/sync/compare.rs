//! Compares the directory with the ledger and with what was read from Kisi, member by member in the order of their
//! ids. Nothing is changed here: whom something differs for is noted, and told where it is a preview.

use super::kept::{self, Odd, Owner, Turn};
use super::{Step, Went};
use crate::clear::is_cleared;
use crate::contract::events::Action;
use crate::contract::storage::Write;
use crate::contract::sync::FindingKind;
use crate::contract::types::{Member, MemberStatus, Reason};
use crate::entitlement::{Entitlement, Withheld};
use crate::explain;
use crate::identity::{address, is_others};
use crate::json;
use crate::ledger::store::{Loaded, MEMBERS, holder_of_user};
use crate::ledger::{Account, Elevated, Hold, Record, State, fingerprint};
use crate::losses::{is_open, leaves_account, lost};
use crate::plan::{Edit, Refused, Why, plan};
use crate::reconcile::{directory_error, entitled};
use crate::settings::{MissingUser, OnBlock};
use crate::stop::{Stop, reject};
use crate::storage;
use crate::window::Window;

/// How many members are compared at once: each may need a write, and a commit takes a hundred.
const MEMBERS_A_PAGE: u32 = 90;

/// The longest id of a member, so that every key of storage that names one is short enough.
const ID_BYTES_MAX: usize = 400;

/// Compares one page of the directory, and the records of members whom the directory no longer has in between.
///
/// # Errors
/// What the host must do; `reject` when the directory cannot be believed.
pub fn page(step: &mut Step) -> Result<Went, Stop> {
    let job = &step.job.value;
    let (next, last) = (job.next.clone(), job.last.clone());
    let page = step.host.list_members(next.as_deref(), MEMBERS_A_PAGE).map_err(directory_error)?;
    let records = records(step, last.as_deref(), page.next.as_ref().and(page.members.last()))?;
    if next.is_none() && page.members.is_empty() && !records.is_empty() {
        return Err(reject(
            "The platform's directory is empty, and members hold access: this may be a mistake, so nothing \
             is changed.",
            None,
        ));
    }
    let mut writes = Vec::new();
    let mut records = records.into_iter().peekable();
    let mut before = last;
    for member in &page.members {
        if before.as_ref().is_some_and(|before| *before >= member.id) {
            return Err(reject("The platform's directory lists members twice or out of order.", None));
        }
        while let Some((id, kept)) = records.next_if(|(id, _)| *id < member.id) {
            writes.extend(one(step, &id, None, kept)?);
        }
        let kept = records.next_if(|(id, _)| *id == member.id).map(|(_, kept)| kept);
        writes.extend(one(step, &member.id, Some(member), kept.unwrap_or_default())?);
        before = Some(member.id.clone());
    }
    // Behind the last member of the last page there are only members whom the directory no longer has.
    let is_last = page.next.is_none();
    if is_last {
        for (id, kept) in records {
            writes.extend(one(step, &id, None, kept)?);
            before = Some(id);
        }
    }
    kept::keep(step.host, writes)?;
    let job = &mut step.job.value;
    job.next = page.next;
    job.last = before;
    if is_last {
        // The phase changes with the same commit: a repeated last page would be the first one again.
        return Ok(Went::Through);
    }
    step.job.save(step.host)?;
    Ok(Went::On)
}

/// A member's record as it was found.
#[derive(Default)]
struct Kept {
    record: Record,
    /// Whether it was written while Kisi's lists were read: they need not show what it says.
    is_newer: bool,
}

/// The records behind `last`, up to and including that of `until`, or all.
fn records(step: &Step, last: Option<&str>, until: Option<&Member>) -> Result<Vec<(String, Kept)>, Stop> {
    let mut records = Vec::new();
    let mut after = last.map(|last| format!("{MEMBERS}{last}"));
    loop {
        let entries = storage::scan(step.host, MEMBERS, after.as_deref(), MEMBERS_A_PAGE)?;
        let is_last = entries.len() < MEMBERS_A_PAGE as usize;
        for entry in entries {
            let id = entry.key.get(MEMBERS.len()..).unwrap_or_default().to_string();
            if until.is_some_and(|until| id > until.id) {
                return Ok(records);
            }
            let record = match json::object(&entry.value) {
                Ok(record) => record,
                Err(_) => Loaded::load(step.host, &id)?.record,
            };
            let is_newer = entry.version > step.job.value.read_from;
            // Nothing is behind it that is asked for: most pages need no second scan.
            let is_until = until.is_some_and(|until| id == until.id);
            records.push((id, Kept { record, is_newer }));
            if is_until {
                return Ok(records);
            }
            after = Some(entry.key);
        }
        if is_last {
            return Ok(records);
        }
    }
}

/// What is known of a member, as it would be after a look at Kisi.
struct Picture<'a> {
    id: &'a str,
    record: Record,
    /// The grants that the ledger knows, whether they are there or not.
    known: Vec<Hold>,
    /// Whether the ledger is to be checked by reading Kisi before anything is changed.
    verify: bool,
    /// Whether something differs though the plan says nothing.
    differs: bool,
    /// Whether the member is blocked or deleted.
    is_barred: bool,
    /// Whether the member leaves the account for that of another address.
    leaves: bool,
}

/// Compares one member.
fn one(step: &mut Step, id: &str, member: Option<&Member>, kept: Kept) -> Result<Option<Write>, Stop> {
    let Kept { record, is_newer } = kept;
    let settings = &step.tenant.config.value.settings;
    let on_block = settings.on_block;
    let mappings = &step.tenant.mappings.value;
    let mut entitled = entitled(member, mappings, settings, step.now);
    step.job.value.counts.members += 1;
    if id.len() > ID_BYTES_MAX {
        step.job.value.counts.failures += 1;
        let text = format!(
            "The platform's id of this member is longer than {ID_BYTES_MAX} bytes: nothing can be kept."
        );
        step.find(FindingKind::Failure, Some(id), "", None, text);
        return Ok(None);
    }
    step.job.value.counts.grants += count(record.holds.len());
    let email = member.and_then(|member| address(member.email.as_deref()));
    let mut odd = if step.job.value.has_odd { step.rows_of(Owner::Member(id))? } else { Vec::new() };
    let verify = record.damaged;
    let known = record.holds.clone();
    let is_barred = member.is_none_or(|member| member.status == MemberStatus::Blocked);
    let mut picture = Picture { id, record, known, verify, differs: false, is_barred, leaves: false };
    if is_barred && on_block == OnBlock::All {
        // Also of a member whom the plugin knows: their account may be gone, and another one have their address.
        let by_address = email.as_ref().map(|email| rows_of_address(step, id, email)).transpose()?.flatten();
        let is_unknown = picture.record.account.is_none() && odd.is_empty();
        let is_unknown = is_unknown && by_address.as_ref().is_some_and(Vec::is_empty);
        odd.extend(by_address.unwrap_or_default());
        let todo = barred_member(step, member, email.as_deref(), &picture, &odd, &entitled)?;
        step.job.value.unknown += u64::from(is_unknown && todo.is_some());
        return Ok(todo);
    }
    drifted(step, &mut picture, is_newer)?;
    let wants = !entitled.groups.is_empty();
    let left = picture.record.account.as_ref().filter(|account| Some(&account.email) != email.as_ref());
    // A login that Kisi would not end is tried again.
    picture.differs |= left.is_some() || is_barred && !picture.record.logins.is_empty();
    let mut by_address = Vec::new();
    match (&email, &picture.record.account) {
        // The account that they move to is somebody else's, so that the one they leave is all they had.
        (Some(email), Some(_)) if left.is_some() && wants => match rows_of_address(step, id, email)? {
            None => entitled.withhold(Reason::EmailInUse),
            Some(_) => {
                picture.leaves = leaves_account(&picture.record, &step.tenant.config.value.settings);
            }
        },
        (None, _) if wants => entitled.withhold(Reason::MissingEmail),
        (Some(email), None) => match rows_of_address(step, id, email)? {
            None if wants => entitled.withhold(Reason::EmailInUse),
            None => {}
            Some(rows) => {
                picture.differs |= wants;
                match rows.first() {
                    Some(row) if wants => {
                        let account = Account { user: row.user, email: email.clone(), name: None };
                        picture.record.tie(account);
                    }
                    None if wants => step.job.value.unknown += 1,
                    _ => {}
                }
                by_hand(step, &mut picture, &entitled, &rows);
                by_address = rows;
            }
        },
        _ => {}
    }
    by_hand(step, &mut picture, &entitled, &odd);
    odd.extend(by_address);
    no_longer_elevated(step, &mut picture, &odd);
    for withheld in &entitled.withheld {
        if matches!(withheld.reason, Reason::MissingEmail | Reason::EmailInUse) {
            step.job.value.counts.conflicts += 1;
            let explanation = explain::refusal(withheld, &step.tenant.mappings.value).explanation;
            step.find(FindingKind::Conflict, Some(id), "", None, explanation);
        }
    }
    if let (Some(member), Some(account)) = (member, &picture.record.account) {
        picture.differs |= account.name.is_some_and(|name| name != fingerprint(&member.name));
    }
    decide(step, &picture, &entitled)
}

/// The rows of a member whom the plugin has tied to nobody yet, by the address. None when it is another member's.
fn rows_of_address(step: &mut Step, id: &str, email: &str) -> Result<Option<Vec<Odd>>, Stop> {
    let tenant = &step.tenant;
    let (mappings, settings) = (&tenant.mappings.value, &tenant.config.value.settings);
    if is_others(step.host, id, email, mappings, settings, step.now)? {
        return Ok(None);
    }
    let has_odd = step.job.value.has_odd;
    Ok(Some(if has_odd { step.rows_of(Owner::Email(email))? } else { Vec::new() }))
}

/// A blocked or deleted member: everything goes, what staff gave included.
fn barred_member(
    step: &mut Step,
    member: Option<&Member>,
    email: Option<&str>,
    picture: &Picture,
    odd: &[Odd],
    entitled: &Entitlement,
) -> Result<Option<Write>, Stop> {
    let record = &picture.record;
    let by_hand = odd.iter().any(|row| row.elevated.is_none());
    let is_cleared =
        if member.is_some() { is_cleared(step.host, picture.id, record, email)? } else { record.is_empty() };
    if is_cleared && !by_hand {
        return Ok(None);
    }
    let reason = if member.is_some() { Reason::Blocked } else { Reason::Deleted };
    let is_known = |row: &Odd| record.holds.iter().any(|hold| hold.assignment() == Some(row.assignment));
    let rows = odd.iter().filter(|row| row.elevated.is_none() && !is_known(row));
    // What somebody made a higher role is theirs.
    let is_higher = |hold: &Hold| {
        odd.iter().any(|row| row.elevated.is_some() && hold.assignment() == Some(row.assignment))
    };
    let groups = record
        .holds
        .iter()
        .filter(|hold| !is_higher(hold))
        .map(|hold| (hold.group, hold.window))
        .chain(rows.map(|row| (row.group, row.window)));
    for (group, window) in groups.collect::<Vec<_>>() {
        step.job.value.counts.grants_removed += 1;
        step.job.value.ended += u64::from(window.ends_at.is_some_and(|end| end <= step.now));
        told(step, FindingKind::Loses, picture.id, group, window, &Why::Lost(Withheld::member(reason)));
    }
    step.job.value.counts.differing += 1;
    let losses = lost(&picture.known, entitled, picture.leaves, &step.tenant.mappings.value, step.now);
    Ok(Some(kept::todo(Turn::Barred, picture.id, true, losses)))
}

/// What the ledger says and Kisi no longer has. What is in a newer record than the lists, or in lists that changed while
/// they were read, is looked at when it is the member's turn, and until then nobody is said to have taken it.
fn drifted(step: &mut Step, picture: &mut Picture, is_newer: bool) -> Result<(), Stop> {
    let (mut there, mut gone) = (Vec::new(), Vec::new());
    for hold in std::mem::take(&mut picture.record.holds) {
        let is_there = match hold.state {
            State::Held { assignment } => {
                !step.was_read(hold.group) || step.has_seen(hold.group, assignment)?
            }
            _ => {
                picture.verify = true;
                true
            }
        };
        if is_there {
            there.push(hold);
        } else {
            picture.verify = true;
            let keeps = is_newer || step.job.value.has_moved;
            if keeps { &mut there } else { &mut gone }.push(hold);
        }
    }
    picture.record.holds = there;
    for hold in gone.iter().filter(|hold| !picture.record.has_another(hold)) {
        step.job.value.counts.drifted += 1;
        let change = explain::dropped(hold, &step.tenant.mappings.value);
        step.find(FindingKind::Drifted, Some(picture.id), "", Some(change.group), change.explanation);
    }
    Ok(())
}

/// What Kisi has and the ledger does not say, or says otherwise.
fn by_hand(step: &mut Step, picture: &mut Picture, entitled: &Entitlement, rows: &[Odd]) {
    for row in rows {
        let group = step.tenant.mappings.value.group_ref(row.group);
        if row.elevated.is_some() && picture.record.hold_mut(row.assignment).is_some() {
            // Somebody made it a higher role: it is no longer the plugin's.
            picture.record.forget(row.assignment);
            picture.verify = true;
        }
        if let Some(hold) = picture.record.hold_mut(row.assignment) {
            if hold.window.same_from(&row.window, step.now) {
                continue;
            }
            hold.window = row.window;
            picture.verify = true;
            if !matches!(hold.state, State::Held { .. }) {
                // The plugin was about to change it itself.
                continue;
            }
            step.job.value.counts.drifted += 1;
            let text = explain::dates_changed(&group);
            step.find(FindingKind::Drifted, Some(picture.id), &row.account, Some(group), text);
            continue;
        }
        let is_desired = entitled.desired(row.group).is_some();
        let tied = picture.record.account.as_ref().map(|account| account.user);
        let has_one =
            picture.record.holds.iter().any(|hold| hold.group == row.group && hold.user == row.user);
        if let Some(role) = &row.elevated {
            step.find(
                FindingKind::ElevatedRole,
                Some(picture.id),
                &row.account,
                Some(group.clone()),
                explain::elevated(&group.name, role),
            );
            let known = Elevated { user: row.user, group: row.group, role: role.clone(), seen_at: step.now };
            let is_known = |one: &Elevated| one.user == row.user && one.group == row.group;
            picture.verify |= is_desired && !picture.record.elevated.iter().any(is_known);
            picture.record.elevated.retain(|one| !is_known(one));
            picture.record.elevated.push(known);
        } else if is_desired && !has_one && tied == Some(row.user) {
            step.job.value.counts.adopted += 1;
            let text = explain::adopted(&group);
            step.find(FindingKind::Adopted, Some(picture.id), &row.account, Some(group), text);
            picture.record.holds.push(Hold {
                user: row.user,
                group: row.group,
                window: row.window,
                state: State::Held { assignment: row.assignment },
            });
            picture.verify = true;
        } else {
            step.job.value.counts.unmanaged += 1;
            let text = explain::unmanaged(&group);
            step.find(FindingKind::Unmanaged, Some(picture.id), &row.account, Some(group), text);
        }
    }
}

/// A role above a plain member's that is gone hinders nothing any more.
fn no_longer_elevated(step: &Step, picture: &mut Picture, rows: &[Odd]) {
    let known = picture.record.elevated.len();
    picture.record.elevated.retain(|known| {
        let is_it = |row: &Odd| row.elevated.is_some() && (row.user, row.group) == (known.user, known.group);
        !step.was_read(known.group) || rows.iter().any(is_it)
    });
    picture.verify |= picture.record.elevated.len() < known;
}

/// Whether something differs, and whose turn it is.
fn decide(step: &mut Step, picture: &Picture, entitled: &Entitlement) -> Result<Option<Write>, Stop> {
    let record = &picture.record;
    let tied = record.account.as_ref().map(|account| account.user);
    let user = tied.or_else(|| record.holds.first().map(|hold| hold.user));
    let refused: Vec<Refused> =
        record.elevated.iter().map(|elevated| Refused::Grant(elevated.group)).collect();
    let mappings = &step.tenant.mappings.value;
    let date_change = step.tenant.config.value.date_change;
    let edits = plan(entitled, user, record, mappings, date_change, &refused, step.now);
    let mut turn = Turn::Loses;
    for edit in &edits {
        match edit {
            Edit::Grant { group, window, why, .. } => {
                turn = Turn::Gains;
                step.job.value.counts.grants_added += 1;
                told(step, FindingKind::Gains, picture.id, *group, *window, why);
            }
            Edit::Adjust { hold, window, why, .. } => {
                turn = Turn::Gains;
                step.job.value.counts.grants_adjusted += 1;
                told(step, FindingKind::ChangesDates, picture.id, hold.group, *window, why);
            }
            // With its group it is gone already.
            Edit::Drop { .. } => {}
            Edit::Revoke { hold, why, .. } => {
                if matches!(why, Why::Lost(_)) {
                    step.job.value.counts.grants_removed += 1;
                    let is_over = hold.window.ends_at.is_some_and(|end| end <= step.now);
                    step.job.value.ended += u64::from(is_over);
                    told(step, FindingKind::Loses, picture.id, hold.group, hold.window, why);
                }
            }
        }
    }
    if picture.leaves {
        moves(step, picture, entitled);
    }
    // A grant that was begun is not known to be there; what nobody is entitled to goes when it is.
    let begun = |hold: &&Hold| hold.assignment().is_none() && entitled.desired(hold.group).is_none();
    step.job.value.counts.grants_removed += count(record.holds.iter().filter(begun).count());
    // Whom nobody adds in Kisi gets nothing by it: that is told when they were looked for.
    if user.is_none() && step.tenant.config.value.settings.missing_user == MissingUser::Create {
        for desired in &entitled.groups {
            turn = Turn::Gains;
            step.job.value.counts.grants_added += 1;
            let why = Why::Entitled(desired.clone());
            told(step, FindingKind::Gains, picture.id, desired.group, desired.window, &why);
        }
    }
    // A date that is not remembered is all that differs for many: noting it costs no request.
    let due = entitled.due(&record.holds, step.now);
    if edits.is_empty() && !picture.verify && !picture.differs && record.due == due {
        return Ok(None);
    }
    if edits.is_empty() {
        // What Kisi must be asked about may have to be given.
        turn = Turn::Gains;
    }
    step.job.value.counts.differing += 1;
    if picture.is_barred {
        turn = Turn::Barred;
    }
    let losses = lost(&picture.known, entitled, picture.leaves, &step.tenant.mappings.value, step.now);
    Ok(Some(kept::todo(turn, picture.id, picture.verify, losses)))
}

/// What goes from the account that the member leaves, and is given to that of the new address. Should the platform err,
/// that one is a stranger's: it counts as a removal.
fn moves(step: &mut Step, picture: &Picture, entitled: &Entitlement) {
    for hold in &picture.record.holds {
        let Some(desired) = entitled.desired(hold.group) else { continue };
        if is_open(hold, &step.tenant.mappings.value, step.now) {
            step.job.value.counts.grants_added += 1;
            step.job.value.counts.grants_removed += 1;
            let window = desired.dates(step.now);
            told(step, FindingKind::Gains, picture.id, hold.group, window, &Why::Entitled(desired.clone()));
            told(step, FindingKind::Loses, picture.id, hold.group, hold.window, &Why::Moved);
        }
    }
}

/// Tells in a preview what would happen; when it happens, that is told then.
fn told(step: &mut Step, kind: FindingKind, id: &str, group: crate::id::GroupId, window: Window, why: &Why) {
    if !step.job.value.preview {
        return;
    }
    let action = match kind {
        FindingKind::Gains => Action::Granted,
        FindingKind::ChangesDates => Action::Adjusted,
        _ => Action::Revoked,
    };
    let mappings = &step.tenant.mappings.value;
    let change = explain::change(action, mappings.group_ref(group), window, why, mappings);
    step.find(kind, Some(id), "", Some(change.group), change.explanation);
}

/// Tells of some rows of people whom the platform does not know.
///
/// # Errors
/// What the host must do.
pub fn strangers(step: &mut Step) -> Result<Went, Stop> {
    if !step.job.value.has_odd {
        return Ok(Went::Through);
    }
    let after = step.job.value.stranger.clone();
    let rows = Odd::of_strangers(step.host, after.as_deref(), MEMBERS_A_PAGE)?;
    let is_last = rows.len() < MEMBERS_A_PAGE as usize;
    for (key, row) in rows {
        // A member's who is tied by now, or will be: told there.
        let email = kept::email_of(&key);
        let members = match email {
            Some(email) => step.host.find_members(email).map_err(directory_error)?,
            None => Vec::new(),
        };
        if members.is_empty() && holder_of_user(step.host, row.user)?.is_none() {
            step.job.value.counts.unmanaged += 1;
            let group = step.tenant.mappings.value.group_ref(row.group);
            let text = explain::stranger(&group);
            step.find(FindingKind::Unmanaged, None, &row.account, Some(group), text);
        }
        step.job.value.stranger = Some(key);
    }
    step.job.save(step.host)?;
    Ok(if is_last { Went::Through } else { Went::On })
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
