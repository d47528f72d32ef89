//! Short sequences of steps that belong together, which chance alone puts together too rarely: each is a way in which
//! door access is known to go wrong. About every second history contains one of them.

use door_access_testkit::{At, Effect, Fault};
use fastrand::Rng;

use super::history::{Change, EMAILS, GROUPS, Spelling, Staff, Step, What, pick};

/// The plan that gives the most, by the first mapping.
const GOLD: usize = 1;

/// A story in a gym with so many members. Where grants are leased, time alone may shut people out.
pub(crate) fn story(rng: &mut Rng, gym: usize, members: usize, is_leased: bool) -> Vec<Step> {
    let acts = match rng.u32(0..if is_leased { 20 } else { 16 }) {
        0 => many_lose_access_without_events(rng, members),
        1 => members_vanish(rng, members),
        2 => a_page_is_wrong(rng, members),
        3 => staff_acts_within_a_sync(rng, members),
        4 => a_write_is_cut_off(rng, members),
        5 => a_removal_is_cut_off(rng, members),
        6 => payment_is_late(rng, members),
        7 => staff_was_first(rng, members),
        8 => an_address_changes(rng, members),
        11 => a_block_is_found_by_a_sync(rng, members),
        10 => members_vanish_after_they_were_compared(rng, members),
        9 => a_list_changes_between_two_pages(rng, members),
        12 => members_with_manual_access_vanish(rng, members),
        13 => many_renew(rng, members),
        14 => another_gyms_members_are_shown(rng, members),
        _ => the_gym_has_no_operator(rng, members),
    };
    acts.into_iter().map(|(what, faults)| Step { gym, what, faults }).collect()
}

type Story = Vec<(What, Vec<Fault>)>;

fn calm(what: What) -> (What, Vec<Fault>) {
    (what, Vec::new())
}

fn buy(who: usize, plan: usize) -> What {
    What::Buy { who, plan, starts_in_hours: 0, lasts_hours: None }
}

const fn sync(calls: u32, steps: usize) -> What {
    What::Sync { preview: false, calls, steps }
}

/// Every member has the plan that gives the most, by a sync.
fn all_have_gold(members: usize) -> Story {
    all_have(members, GOLD)
}

fn all_have(members: usize, plan: usize) -> Story {
    let mut acts: Story = (0..members).map(|who| calm(buy(who, plan))).collect();
    acts.extend([calm(What::Cancel), calm(sync(1_000, 5)), calm(What::Confirm), calm(sync(1_000, 5))]);
    acts
}

/// One member has a plan, by an event.
fn one_has_a_plan(rng: &mut Rng, members: usize) -> (usize, Story) {
    let who = rng.usize(0..members);
    (who, vec![calm(buy(who, rng.usize(0..3))), calm(What::Replay { who })])
}

fn many_lose_access_without_events(rng: &mut Rng, members: usize) -> Story {
    let mut acts = all_have_gold(members);
    let how = *pick(rng, &[Change::Cancel, Change::Expire, Change::Freeze { hours: None }, Change::Plan(3)]);
    for who in 0..members {
        acts.extend((0..3).map(|nth| calm(What::Change { who, nth, how })));
    }
    acts.push(calm(sync(*pick(rng, &[7, 1_000]), 8)));
    acts
}

fn members_vanish(rng: &mut Rng, members: usize) -> Story {
    // For few members the guard may not apply, so that only the empty directory stops the sync.
    let mut acts = if rng.u8(0..3) == 0 { all_have(2, 0) } else { all_have_gold(members) };
    acts.push(calm(What::Vanish { keep: rng.usize(0..members) }));
    if rng.bool() {
        acts.push(calm(What::Vanish { keep: 0 }));
    }
    acts.push(calm(sync(*pick(rng, &[7, 1_000]), 8)));
    acts.extend([calm(What::Return), calm(sync(1_000, 8))]);
    acts
}

fn members_vanish_after_they_were_compared(rng: &mut Rng, members: usize) -> Story {
    let mut acts = all_have_gold(members);
    let how = *pick(rng, &[Change::Plan(0), Change::Plan(2)]);
    acts.extend((0..members).map(|who| calm(What::Change { who, nth: 0, how })));
    acts.extend([calm(What::Cancel), calm(What::Sync { preview: true, calls: 1_000, steps: 5 })]);
    acts.push(calm(What::Vanish { keep: rng.usize(0..members) }));
    acts.extend([calm(What::Confirm), calm(sync(*pick(rng, &[4, 1_000]), 8)), calm(What::Return)]);
    acts
}

/// Plans give nothing any more, and staff gives every member manual access.
fn members_with_manual_access_vanish(rng: &mut Rng, members: usize) -> Story {
    let mut acts = all_have_gold(members);
    let mapping = *pick(rng, &[3, 4]);
    acts.extend([
        calm(What::Map { mapping }),
        calm(sync(1_000, 5)),
        calm(What::Confirm),
        calm(sync(1_000, 5)),
    ]);
    let group = rng.usize(0..GROUPS.len());
    let by_hand = |person| Staff::Assign { person, group, elevated: false, lasts_hours: None };
    acts.extend((0..members).map(|person| calm(What::Staff(by_hand(person)))));
    acts.push(calm(What::Vanish { keep: 1 }));
    acts.push(match rng.u8(0..4) {
        0 => calm(What::Alone { days: 3 }),
        1 => {
            let effect = *pick(rng, &[Effect::Unavailable, Effect::TooMany, Effect::KillAfter]);
            (sync(1_000, 8), vec![Fault { at: At::Request(rng.usize(0..6)), effect }])
        }
        _ => calm(sync(*pick(rng, &[4, 1_000]), 8)),
    });
    acts.push(calm(What::Return));
    acts
}

fn a_block_is_found_by_a_sync(rng: &mut Rng, members: usize) -> Story {
    let mut acts = all_have(members, 0);
    acts.push(calm(What::Block { who: rng.usize(0..members), blocked: true }));
    acts.extend((0..members).map(|who| calm(buy(who, GOLD))));
    acts.extend([calm(What::Cancel), calm(sync(*pick(rng, &[4, 1_000]), 8))]);
    acts
}

fn a_page_is_wrong(rng: &mut Rng, members: usize) -> Story {
    let mut acts = all_have_gold(members);
    let effect = *pick(rng, &[Effect::Truncated, Effect::NotAnArray, Effect::Html, Effect::Repeated]);
    let fault = Fault { at: At::Request(rng.usize(0..4)), effect };
    acts.extend([(sync(1_000, 5), vec![fault]), calm(sync(1_000, 5))]);
    acts
}

fn staff_acts_within_a_sync(rng: &mut Rng, members: usize) -> Story {
    let mut acts: Story = (0..members).map(|person| calm(What::Staff(Staff::Invite { person }))).collect();
    acts.extend((0..members).map(|who| calm(buy(who, GOLD))));
    acts.extend([calm(What::Cancel), calm(sync(4, rng.usize(1..5)))]);
    for _ in 0..rng.usize(1..3) {
        let nth = rng.usize(0..8);
        let act = *pick(rng, &[0, 0, 1]);
        acts.push(calm(What::Staff(if act == 0 {
            Staff::DeleteUser { nth }
        } else {
            Staff::Unassign { nth }
        })));
    }
    acts.push(calm(sync(*pick(rng, &[4, 1_000]), 5)));
    acts
}

/// The plugin or the host ends in the middle of a change, and continues by an event, a tick or a sync.
fn goes_on(rng: &mut Rng, who: usize) -> Story {
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

fn a_write_is_cut_off(rng: &mut Rng, members: usize) -> Story {
    let who = rng.usize(0..members);
    let mut acts = vec![calm(buy(who, rng.usize(0..3))), (What::Replay { who }, cut(rng, 4))];
    acts.extend(goes_on(rng, who));
    acts
}

fn a_removal_is_cut_off(rng: &mut Rng, members: usize) -> Story {
    let (who, mut acts) = one_has_a_plan(rng, members);
    let how = *pick(rng, &[Change::Cancel, Change::Expire, Change::Freeze { hours: None }]);
    acts.extend((0..2).map(|nth| calm(What::Change { who, nth, how })));
    acts.push((What::Replay { who }, cut(rng, 2)));
    acts.extend(goes_on(rng, who));
    acts
}

fn payment_is_late(rng: &mut Rng, members: usize) -> Story {
    let (who, mut acts) = one_has_a_plan(rng, members);
    acts.extend((0..2).map(|nth| calm(What::Change { who, nth, how: Change::Overdue })));
    acts.push(calm(What::Replay { who }));
    acts.push(calm(What::Pass { minutes: *pick(rng, &[60, 1_500, 6_000]) }));
    acts.push(calm(What::Tick { calls: 1_000 }));
    if rng.bool() {
        acts.extend([calm(What::Change { who, nth: 0, how: Change::Pay }), calm(What::Replay { who })]);
    }
    acts
}

fn staff_was_first(rng: &mut Rng, members: usize) -> Story {
    let who = rng.usize(0..members);
    let group = rng.usize(0..GROUPS.len());
    let staff = Staff::Assign { person: who, group, elevated: rng.u8(0..4) == 0, lasts_hours: None };
    let mut acts = vec![calm(What::Staff(staff)), calm(buy(who, *pick(rng, &[GOLD, 2])))];
    acts.push(calm(What::Replay { who }));
    if rng.bool() {
        acts.extend([calm(What::Change { who, nth: 0, how: Change::Cancel }), calm(What::Replay { who })]);
    }
    acts
}

fn an_address_changes(rng: &mut Rng, members: usize) -> Story {
    let (who, mut acts) = one_has_a_plan(rng, members);
    let spelling = *pick(rng, &[Spelling::Plain, Spelling::Upper, Spelling::Blanks]);
    let email = Some(if rng.bool() { who } else { rng.usize(0..EMAILS) });
    acts.push(calm(What::Email { who, email, spelling }));
    acts.push((What::Replay { who }, if rng.bool() { cut(rng, 5) } else { Vec::new() }));
    acts.extend(goes_on(rng, who));
    acts
}

fn a_list_changes_between_two_pages(rng: &mut Rng, members: usize) -> Story {
    let group = rng.usize(0..GROUPS.len());
    let mut acts = vec![calm(What::Staff(Staff::Crowd { group }))];
    acts.extend(all_have_gold(members));
    // Wherever the reading stands then, a row before or after it is removed, and a member may be added.
    let effect = *pick(rng, &[Effect::Unavailable, Effect::KillBefore, Effect::KillAfter]);
    let fault = Fault { at: At::Request(rng.usize(0..5)), effect };
    acts.push((sync(1_000, 1), vec![fault]));
    for _ in 0..rng.usize(1..3) {
        acts.push(calm(What::Staff(Staff::Unassign { nth: rng.usize(0..300) })));
    }
    if rng.bool() {
        acts.extend([calm(buy(0, GOLD)), calm(What::Replay { who: 0 })]);
    }
    acts.push(calm(sync(*pick(rng, &[4, 1_000]), 5)));
    acts
}

/// All members have another address from one moment to the next, without an event.
fn another_gyms_members_are_shown(rng: &mut Rng, members: usize) -> Story {
    let mut acts = all_have_gold(members);
    if rng.bool() {
        acts.push(calm(What::Readdress));
        acts.push(match rng.u8(0..3) {
            0 => calm(What::Alone { days: rng.u64(3..=10) }),
            _ => calm(sync(*pick(rng, &[4, 1_000]), 8)),
        });
    } else {
        // The addresses change after a preview in which a member gains or loses another group.
        let how = *pick(rng, &[Change::Plan(0), Change::Plan(2)]);
        acts.push(calm(What::Change { who: 0, nth: 0, how }));
        acts.extend([calm(What::Cancel), calm(What::Sync { preview: true, calls: 1_000, steps: 5 })]);
        acts.extend([calm(What::Readdress), calm(What::Confirm), calm(sync(*pick(rng, &[4, 1_000]), 8))]);
    }
    acts
}

/// Many get other dates, and a step may send only a few requests.
fn many_renew(rng: &mut Rng, members: usize) -> Story {
    let plan = rng.usize(0..2);
    let dated = |who| What::Buy { who, plan, starts_in_hours: 0, lasts_hours: Some(300) };
    let mut acts: Story = (0..members).map(|who| calm(dated(who))).collect();
    acts.extend([calm(What::Cancel), calm(sync(1_000, 5))]);
    acts.extend((0..members).map(|who| calm(What::Change { who, nth: 0, how: Change::Renew })));
    acts.push(calm(sync(*pick(rng, &[4, 5, 7]), 12)));
    acts
}

/// Something changes for many members, and there is no operator for a confirmation.
fn the_gym_has_no_operator(rng: &mut Rng, members: usize) -> Story {
    let mut acts = all_have_gold(members);
    if rng.bool() {
        // Leases are about to be extended, and the last sync was a while ago.
        acts.push(calm(What::Alone { days: 3 }));
    }
    match rng.u8(0..3) {
        0 => acts.push(calm(What::Map { mapping: *pick(rng, &[1, 1, 2, 3]) })),
        1 => {
            let how = *pick(rng, &[Change::Plan(0), Change::Plan(0), Change::Plan(2)]);
            acts.extend((0..members).map(|who| calm(What::Change { who, nth: 0, how })));
        }
        _ => acts.push(calm(What::Vanish { keep: rng.usize(0..members) })),
    }
    acts.push(calm(What::Alone { days: rng.u64(7..=10) }));
    acts
}
