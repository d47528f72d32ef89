//! Any answers of Kisi: the first byte chooses a call, the rest is a script of answers.

#![cfg_attr(feature = "run", no_main)]

use door_access_fuzz::fuzz_target;
use door_access_fuzz::gym;
use door_access_fuzz::{calls, script};

fuzz_target!(|data: &[u8]| {
    let Some((number, answers)) = data.split_first() else { return };
    calls::play(&gym::connected(script::parse(answers)), *number);
});
