//! Any files of a gym, `plans.csv` and `members.csv` with a line of `%%` between them: read, or rejected with the file.

#![cfg_attr(feature = "run", no_main)]

use door_access_fuzz::fuzz_target;
use door_access_fuzz::script::parts;

fuzz_target!(|data: &[u8]| {
    let (plans, members) = match parts(data)[..] {
        [plans, members] => (plans, members),
        _ => (&b"id,name\nbasic,Basic\n"[..], data),
    };
    if let Err(refused) = host_harness::memberships(plans, members) {
        let refused = refused.to_string();
        let is_placed = ["plans.csv", "members.csv"].iter().any(|file| refused.contains(file));
        assert!(is_placed, "{refused}");
    }
});
