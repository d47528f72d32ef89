//! Any record in storage: the first byte chooses a call, the second a record, the rest is its content.

#![cfg_attr(feature = "run", no_main)]

use door_access_fuzz::calls;
use door_access_fuzz::fuzz_target;
use door_access_fuzz::gym;

fuzz_target!(|data: &[u8]| {
    let [number, record, value @ ..] = data else { return };
    let gym = gym::connected(Vec::new());
    let stored = gym::stored(&gym);
    let (key, _) = &stored[usize::from(*record) % stored.len()];
    gym.world.store(key, value);
    calls::play(&gym, *number);
});
