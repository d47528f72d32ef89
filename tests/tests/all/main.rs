//! End-to-end tests: the real component in the real host against the simulator. One binary, since linking wasmtime
//! is slow; a module a topic.

mod native;
mod world;

mod calls;
mod component;
mod connecting;
mod histories;
mod kills;
mod rules;
mod secrets;

mod command_line;
mod scenarios;
