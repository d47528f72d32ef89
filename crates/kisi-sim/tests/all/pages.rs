//! Pages: defaults, maxima, the range header, and rows that move.

use kisi_sim::{LimitAboveMax, OffsetAboveMax, OffsetPastEnd, RowOrder};

use crate::peer::Peer;

/// A client whose organization has this many users, the owner included, and one group less.
fn crowded(users: u64) -> Peer {
    let peer = Peer::new();
    for number in 1..users {
        peer.simulator.add_user("", &format!("u{number}@x.test"));
        peer.simulator.add_group(&format!("Group {number}"));
    }
    peer
}

#[test]
fn each_resource_has_its_own_default_and_maximum() {
    let peer = crowded(300);
    for (path, rows, default, most) in
        [("/users", 300, 50, 100), ("/groups", 299, 10, 250), ("/role_assignments", 1, 10, 250)]
    {
        let page = peer.get(path).expect(200);
        assert_eq!(page.range(), format!("0-{}/{rows}", default - 1), "{path}");
        assert_eq!(page.ids().len(), rows.min(default), "{path}");
        let page = peer.get(&format!("{path}?limit=1000")).expect(200);
        assert_eq!(page.range(), format!("0-{}/{rows}", most - 1), "{path}");
        assert_eq!(page.ids().len(), rows.min(most), "{path}");
    }
    assert_eq!(peer.get("/places").range(), "0-49/1");
    assert_eq!(peer.get("/locks").range(), "*/0");
}

#[test]
fn a_limit_above_the_maximum_is_clamped_or_refused() {
    let peer = crowded(2);
    assert_eq!(peer.get("/users?limit=101").range(), "0-99/2");
    peer.knobs(|knobs| knobs.limit_above_max = LimitAboveMax::Unprocessable);
    peer.get("/users?limit=101").expect_invalid(&["limit"]);
    peer.get("/users?limit=100").expect(200);
    peer.get("/groups?limit=251").expect_invalid(&["limit"]);
}

#[test]
fn the_range_header_gives_the_requested_range() {
    let peer = crowded(16);
    let page = peer.get("/users?limit=10&offset=10");
    assert_eq!(page.range(), "10-19/16");
    assert_eq!(page.ids().len(), 6);
    assert_eq!(peer.get("/users?email=nobody@x.test").range(), "*/0");
}

#[test]
fn a_page_past_the_end_is_empty_with_a_star_or_the_requested_range() {
    let peer = crowded(16);
    let page = peer.get("/users?limit=10&offset=20");
    assert_eq!((page.range(), page.ids().len()), ("*/16", 0));
    peer.knobs(|knobs| knobs.offset_past_end = OffsetPastEnd::RequestedRange);
    assert_eq!(peer.get("/users?limit=10&offset=20").range(), "20-29/16");
    assert_eq!(peer.get("/users?offset=20&email=nobody@x.test").range(), "*/0");
}

#[test]
fn limits_and_offsets_out_of_bounds_are_refused() {
    let peer = Peer::new();
    for denied in ["limit=0", "limit=-1", "limit=ten", "offset=20001", "offset=-1", "offset=x"] {
        let field = denied.split('=').next().unwrap();
        peer.get(&format!("/users?{denied}")).expect_invalid(&[field]);
    }
    peer.get("/users?offset=20000").expect(200);
}

#[test]
fn an_offset_above_the_maximum_is_refused_even_within_the_list() {
    let peer = crowded(9);
    peer.knobs(|knobs| knobs.offset_max = 5);
    assert_eq!(peer.get("/users?limit=5&offset=5").expect(200).ids().len(), 4);
    let refused = peer.get("/users?limit=5&offset=6").expect_invalid(&["offset"]).json();
    assert_eq!(refused["errors"]["offset"][0], "must be less than or equal to 5");
    peer.get("/logins?offset=6").expect_invalid(&["offset"]);
    peer.knobs(|knobs| knobs.offset_above_max = OffsetAboveMax::BadRequest);
    peer.get("/users?offset=6").expect_error(400, "offset is above its maximum");
}

#[test]
fn stable_pages_show_every_row_once_and_drifting_pages_miss_and_repeat_rows() {
    for (order, complete) in [(RowOrder::Stable, true), (RowOrder::Drifting, false)] {
        let peer = crowded(9);
        peer.knobs(|knobs| knobs.row_order = order);
        let mut seen: Vec<u64> = [0, 3, 6]
            .iter()
            .flat_map(|offset| peer.get(&format!("/users?limit=3&offset={offset}")).ids())
            .collect();
        assert_eq!(seen.len(), 9);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len() == 9, complete, "{order:?}");
    }
}
