//! End-to-end tests: the real component in the real host against the simulator. One binary, since linking wasmtime
//! is slow; a module a topic.

mod command_line;
mod scenarios;
