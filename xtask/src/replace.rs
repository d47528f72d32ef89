//! Writing a file so that nobody ever reads half of it, and only when it says something new.
//!
//! Tests and hosts may load the component while it is rebuilt, and tools that look at modification times (cargo
//! among them) must not see a change where there is none.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// What became of a file that was to have a certain content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// It had that content already and was not touched.
    Unchanged,
    /// It has that content now.
    Written,
}

/// Gives the file at `path` this content, through a temporary file beside it and a rename.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<Replaced> {
    if std::fs::read(path).is_ok_and(|present| present == content) {
        return Ok(Replaced::Unchanged);
    }
    let folder = path.parent().with_context(|| format!("{} has no folder", path.display()))?;
    std::fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let write = || -> Result<()> {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        file.write_all(content)?;
        readable_by_all(file.as_file())?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("failed to write {}", path.display()))?;
    Ok(Replaced::Written)
}

/// Temporary files are private to their owner; what is built here is not.
#[cfg(unix)]
fn readable_by_all(file: &std::fs::File) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.set_permissions(std::fs::Permissions::from_mode(0o644))?)
}

#[cfg(not(unix))]
fn readable_by_all(_file: &std::fs::File) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_once_and_left_alone_while_its_content_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("file");
        assert_eq!(replace(&path, b"one").unwrap(), Replaced::Written);
        let written = std::fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(replace(&path, b"one").unwrap(), Replaced::Unchanged);
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), written);
        assert_eq!(replace(&path, b"two").unwrap(), Replaced::Written);
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }
}
