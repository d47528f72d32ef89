//! Holds the guest's memory and tables to their limits while it runs.

use wasmtime::{ResourceLimiter, Result};

use crate::error::{CallError, EndCall};
use crate::limits::Limits;

/// Ends the call when a limit is exceeded. Refusing the growth would only let the guest run on to a panic that hides
/// the cause.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_bytes_max: usize,
    table_elements_max: usize,
    memory_bytes_peak: usize,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory_bytes_max: limits.memory_bytes_max,
            table_elements_max: limits.table_elements_max,
            memory_bytes_peak: 0,
        }
    }

    /// The most linear memory that the guest had, in bytes.
    pub(crate) fn memory_bytes_peak(&self) -> u64 {
        self.memory_bytes_peak as u64
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        if desired > self.memory_bytes_max {
            let error = CallError::MemoryLimit {
                wanted_bytes: desired as u64,
                limit_bytes: self.memory_bytes_max as u64,
            };
            return Err(EndCall(error).into());
        }
        self.memory_bytes_peak = self.memory_bytes_peak.max(desired);
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        if desired > self.table_elements_max {
            let error =
                CallError::TableLimit { wanted: desired as u64, limit: self.table_elements_max as u64 };
            return Err(EndCall(error).into());
        }
        Ok(true)
    }
}
