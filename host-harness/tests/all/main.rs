//! Tests of the host as a platform uses it: components made on the spot, the network answered in the process, and a clock
//! that the tests own. One binary, because linking the engine is slow.

mod calls;
mod egress;
mod guest;
mod load;
mod network;
mod stage;
mod state;
