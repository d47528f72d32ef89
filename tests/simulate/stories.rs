//! Short sequences of steps that belong together, which chance alone puts together too rarely: each is a way in which
//! door access is known to go wrong. One of them stands in the middle of every second history.

use door_access_testkit::{At, Effect, Fault};
use fastrand::Rng;

use super::history::{Change, EMAILS, GROUPS, Spelling, Staff, Step, What, pick};

/// The plan that gives the most, by the first mapping.
const GOLD: usize = 1;

/// A story in a gym with so many members. Where grants are leased, time alone may shut people out.
pub(crate) fn story(rng: &mut Rng, gym: usize, members: usize, is_leased: bool) -> Vec<Step> {
    let told = match rng.u32(0..if is_leased { 20 } else { 16 }) {
        0 => many_lose_and_nobody_tells(rng, members),
        1 => members_vanish(rng, members),
        2 => a_page_is_wrong(rng, members),
        3 => staff_acts_within_a_sync(rng, members),
        4 => a_write_is_cut_off(rng, members),
        5 => a_removal_is_cut_off(rng, members),
        6 => payment_is_late(rng, members),
        7 => staff_was_first(rng, members),
        8 => an_address_changes(rng, members),
        11 => a_block_is_found_by_a_reconciliation(rng, members),
        10 => members_vanish_after_they_were_compared(rng, members),
        9 => a_list_changes_between_two_pages(rng, members),
        12 => who_has_it_by_hand_vanishes(rng, members),
        13 => many_renew(rng, members),
        14 => another_gyms_members_are_shown(rng, members),
        _ => nobody_looks_after_it(rng, members),
    };
    told.into_iter().map(|(what, faults)| Step { gym, what, faults }).collect()
}

type Told = Vec<(What, Vec<Fault>)>;

fn calm(what: What) -> (What, Vec<Fault>) {
    (what, Vec::new())
}

fn buy(who: usize, plan: usize) -> What {
    What::Buy { who, plan, starts_in_hours: 0, lasts_hours: None }
}

const fn sync(calls: u32, steps: usize) -> What {
    What::Sync { preview: false, calls, steps }
}

/// Everybody has what gives the most, by a reconciliation.
fn everybody_is_in(members: usize) -> Told {
    everybody_has(members, GOLD)
}

fn everybody_has(members: usize, plan: usize) -> Told {
    let mut told: Told = (0..members).map(|who| calm(buy(who, plan))).collect();
    told.extend([calm(What::Cancel), calm(sync(1_000, 5)), calm(What::Confirm), calm(sync(1_000, 5))]);
    told
}

/// Somebody has something, by an event.
fn one_is_in(rng: &mut Rng, members: usize) -> (usize, Told) {
    let who = rng.usize(0..members);
    (who, vec![calm(buy(who, rng.usize(0..3))), calm(What::Replay { who })])
}

fn many_lose_and_nobody_tells(rng: &mut Rng, members: usize) -> Told {
    let mut told = everybody_is_in(members);
    let how = *pick(rng, &[Change::Cancel, Change::Expire, Change::Freeze { hours: None }, Change::Plan(3)]);
    for who in 0..members {
        told.extend((0..3).map(|nth| calm(What::Change { who, nth, how })));
    }
    told.push(calm(sync(*pick(rng, &[7, 1_000]), 8)));
    told
}

fn members_vanish(rng: &mut Rng, members: usize) -> Told {
    // Of few it may be that the brake has nothing to say, and the empty directory must speak for itself.
    let mut told = if rng.u8(0..3) == 0 { everybody_has(2, 0) } else { everybody_is_in(members) };
    told.push(calm(What::Vanish { keep: rng.usize(0..members) }));
    if rng.bool() {
        told.push(calm(What::Vanish { keep: 0 }));
    }
    told.push(calm(sync(*pick(rng, &[7, 1_000]), 8)));
    told.extend([calm(What::Return), calm(sync(1_000, 8))]);
    told
}

fn members_vanish_after_they_were_compared(rng: &mut Rng, members: usize) -> Told {
    let mut told = everybody_is_in(members);
    let how = *pick(rng, &[Change::Plan(0), Change::Plan(2)]);
    told.extend((0..members).map(|who| calm(What::Change { who, nth: 0, how })));
    told.extend([calm(What::Cancel), calm(What::Sync { preview: true, calls: 1_000, steps: 5 })]);
    told.push(calm(What::Vanish { keep: rng.usize(0..members) }));
    told.extend([calm(What::Confirm), calm(sync(*pick(rng, &[4, 1_000]), 8)), calm(What::Return)]);
    told
}

/// The plan that they have opens nothing any more, and staff lets everybody in by hand.
fn who_has_it_by_hand_vanishes(rng: &mut Rng, members: usize) -> Told {
    let mut told = everybody_is_in(members);
    let mapping = *pick(rng, &[3, 4]);
    told.extend([
        calm(What::Map { mapping }),
        calm(sync(1_000, 5)),
        calm(What::Confirm),
        calm(sync(1_000, 5)),
    ]);
    let group = rng.usize(0..GROUPS.len());
    let by_hand = |person| Staff::Assign { person, group, elevated: false, lasts_hours: None };
    told.extend((0..members).map(|person| calm(What::Staff(by_hand(person)))));
    told.push(calm(What::Vanish { keep: 1 }));
    told.push(match rng.u8(0..4) {
        0 => calm(What::Alone { days: 3 }),
        1 => {
            let effect = *pick(rng, &[Effect::Unavailable, Effect::TooMany, Effect::KillAfter]);
            (sync(1_000, 8), vec![Fault { at: At::Request(rng.usize(0..6)), effect }])
        }
        _ => calm(sync(*pick(rng, &[4, 1_000]), 8)),
    });
    told.push(calm(What::Return));
    told
}

fn a_block_is_found_by_a_reconciliation(rng: &mut Rng, members: usize) -> Told {
    let mut told = everybody_has(members, 0);
    told.push(calm(What::Block { who: rng.usize(0..members), blocked: true }));
    told.extend((0..members).map(|who| calm(buy(who, GOLD))));
    told.extend([calm(What::Cancel), calm(sync(*pick(rng, &[4, 1_000]), 8))]);
    told
}

fn a_page_is_wrong(rng: &mut Rng, members: usize) -> Told {
    let mut told = everybody_is_in(members);
    let effect = *pick(rng, &[Effect::Truncated, Effect::NotAnArray, Effect::Html, Effect::Repeated]);
    let fault = Fault { at: At::Request(rng.usize(0..4)), effect };
    told.extend([(sync(1_000, 5), vec![fault]), calm(sync(1_000, 5))]);
    told
}

fn staff_acts_within_a_sync(rng: &mut Rng, members: usize) -> Told {
    let mut told: Told = (0..members).map(|person| calm(What::Staff(Staff::Invite { person }))).collect();
    told.extend((0..members).map(|who| calm(buy(who, GOLD))));
    told.extend([calm(What::Cancel), calm(sync(4, rng.usize(1..5)))]);
    for _ in 0..rng.usize(1..3) {
        let nth = rng.usize(0..8);
        let act = *pick(rng, &[0, 0, 1]);
        told.push(calm(What::Staff(if act == 0 {
            Staff::DeleteUser { nth }
        } else {
            Staff::Unassign { nth }
        })));
    }
    told.push(calm(sync(*pick(rng, &[4, 1_000]), 5)));
    told
}

/// The plugin or the host ends in the middle of something, and goes on by an event, a tick or a reconciliation.
fn goes_on(rng: &mut Rng, who: usize) -> Told {
    match rng.u8(0..3) {
        0 => vec![calm(What::Replay { who }), calm(What::Replay { who })],
        1 => vec![calm(What::Tick { calls: 1_000 }), calm(What::Replay { who })],
        _ => vec![calm(What::Cancel), calm(sync(1_000, 6))],
    }
}

fn cut(rng: &mut Rng, requests: usize) -> Vec<Fault> {
    let effects = [
        Effect::KillAfter,
        Effect::LoseAnswer,
        Effect::UnavailableAfterCommit,
        Effect::Late,
        Effect::KillBefore,
        Effect::Refuse,
    ];
    vec![Fault { at: At::Request(rng.usize(0..requests)), effect: *pick(rng, &effects) }]
}

fn a_write_is_cut_off(rng: &mut Rng, members: usize) -> Told {
    let who = rng.usize(0..members);
    let mut told = vec![calm(buy(who, rng.usize(0..3))), (What::Replay { who }, cut(rng, 4))];
    told.extend(goes_on(rng, who));
    told
}

fn a_removal_is_cut_off(rng: &mut Rng, members: usize) -> Told {
    let (who, mut told) = one_is_in(rng, members);
    let how = *pick(rng, &[Change::Cancel, Change::Expire, Change::Freeze { hours: None }]);
    told.extend((0..2).map(|nth| calm(What::Change { who, nth, how })));
    told.push((What::Replay { who }, cut(rng, 2)));
    told.extend(goes_on(rng, who));
    told
}

fn payment_is_late(rng: &mut Rng, members: usize) -> Told {
    let (who, mut told) = one_is_in(rng, members);
    told.extend((0..2).map(|nth| calm(What::Change { who, nth, how: Change::Overdue })));
    told.push(calm(What::Replay { who }));
    told.push(calm(What::Pass { minutes: *pick(rng, &[60, 1_500, 6_000]) }));
    told.push(calm(What::Tick { calls: 1_000 }));
    if rng.bool() {
        told.extend([calm(What::Change { who, nth: 0, how: Change::Pay }), calm(What::Replay { who })]);
    }
    told
}

fn staff_was_first(rng: &mut Rng, members: usize) -> Told {
    let who = rng.usize(0..members);
    let group = rng.usize(0..GROUPS.len());
    let staff = Staff::Assign { person: who, group, elevated: rng.u8(0..4) == 0, lasts_hours: None };
    let mut told = vec![calm(What::Staff(staff)), calm(buy(who, *pick(rng, &[GOLD, 2])))];
    told.push(calm(What::Replay { who }));
    if rng.bool() {
        told.extend([calm(What::Change { who, nth: 0, how: Change::Cancel }), calm(What::Replay { who })]);
    }
    told
}

fn an_address_changes(rng: &mut Rng, members: usize) -> Told {
    let (who, mut told) = one_is_in(rng, members);
    let spelling = *pick(rng, &[Spelling::Plain, Spelling::Upper, Spelling::Blanks]);
    let email = Some(if rng.bool() { who } else { rng.usize(0..EMAILS) });
    told.push(calm(What::Email { who, email, spelling }));
    told.push((What::Replay { who }, if rng.bool() { cut(rng, 5) } else { Vec::new() }));
    told.extend(goes_on(rng, who));
    told
}

fn a_list_changes_between_two_pages(rng: &mut Rng, members: usize) -> Told {
    let group = rng.usize(0..GROUPS.len());
    let mut told = vec![calm(What::Staff(Staff::Crowd { group }))];
    told.extend(everybody_is_in(members));
    // Wherever the reading stands then, somebody is taken out who is behind it or before it, and somebody comes.
    let effect = *pick(rng, &[Effect::Unavailable, Effect::KillBefore, Effect::KillAfter]);
    let fault = Fault { at: At::Request(rng.usize(0..5)), effect };
    told.push((sync(1_000, 1), vec![fault]));
    for _ in 0..rng.usize(1..3) {
        told.push(calm(What::Staff(Staff::Unassign { nth: rng.usize(0..300) })));
    }
    if rng.bool() {
        told.extend([calm(buy(0, GOLD)), calm(What::Replay { who: 0 })]);
    }
    told.push(calm(sync(*pick(rng, &[4, 1_000]), 5)));
    told
}

/// Everybody has another address from one moment to the next, and no event says so.
fn another_gyms_members_are_shown(rng: &mut Rng, members: usize) -> Told {
    let mut told = everybody_is_in(members);
    if rng.bool() {
        told.push(calm(What::Readdress));
        told.push(match rng.u8(0..3) {
            0 => calm(What::Alone { days: rng.u64(3..=10) }),
            _ => calm(sync(*pick(rng, &[4, 1_000]), 8)),
        });
    } else {
        // They have it after a preview was seen in which somebody gains or loses something else.
        let how = *pick(rng, &[Change::Plan(0), Change::Plan(2)]);
        told.push(calm(What::Change { who: 0, nth: 0, how }));
        told.extend([calm(What::Cancel), calm(What::Sync { preview: true, calls: 1_000, steps: 5 })]);
        told.extend([calm(What::Readdress), calm(What::Confirm), calm(sync(*pick(rng, &[4, 1_000]), 8))]);
    }
    told
}

/// Many get other dates, and a step may not send many requests.
fn many_renew(rng: &mut Rng, members: usize) -> Told {
    let plan = rng.usize(0..2);
    let dated = |who| What::Buy { who, plan, starts_in_hours: 0, lasts_hours: Some(300) };
    let mut told: Told = (0..members).map(|who| calm(dated(who))).collect();
    told.extend([calm(What::Cancel), calm(sync(1_000, 5))]);
    told.extend((0..members).map(|who| calm(What::Change { who, nth: 0, how: Change::Renew })));
    told.push(calm(sync(*pick(rng, &[4, 5, 7]), 12)));
    told
}

/// Something changed for many, and nobody is there to confirm it, nor for anything else.
fn nobody_looks_after_it(rng: &mut Rng, members: usize) -> Told {
    let mut told = everybody_is_in(members);
    if rng.bool() {
        // Leases are about to be prolonged, and everybody was compared a while ago.
        told.push(calm(What::Alone { days: 3 }));
    }
    match rng.u8(0..3) {
        0 => told.push(calm(What::Map { mapping: *pick(rng, &[1, 1, 2, 3]) })),
        1 => {
            let how = *pick(rng, &[Change::Plan(0), Change::Plan(0), Change::Plan(2)]);
            told.extend((0..members).map(|who| calm(What::Change { who, nth: 0, how })));
        }
        _ => told.push(calm(What::Vanish { keep: rng.usize(0..members) })),
    }
    told.push(calm(What::Alone { days: rng.u64(7..=10) }));
    told
}
