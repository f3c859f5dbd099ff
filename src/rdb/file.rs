//! The file on disk: written beside its place, forced to disk, then put there in one step.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::save::{SaveOptions, save};
use crate::keyspace::Keyspace;

const BUFFER_BYTES: usize = 1 << 20;
/// Bytes after which they are forced to disk, if it is to be done in portions.
const PORTION_BYTES: usize = 4 << 20;

/// Writes all databases to a file and returns the number of keys. Whatever fails, the file that was
/// there stays. The caller sees to it that nothing changes meanwhile.
///
/// # Errors
/// When the disk refuses or is full.
pub fn save_file(
    keyspace: &Keyspace,
    path: &Path,
    options: &SaveOptions<'_>,
    in_portions: bool,
) -> io::Result<u64> {
    let temporary = Temporary::beside(path);
    let file = File::create(&temporary.path)?;
    let sink = Portions { file: &file, in_portions, unsynced_bytes: 0 };
    let buffered = BufWriter::with_capacity(BUFFER_BYTES, sink);
    let key_count = save(keyspace, buffered, options)?;
    file.sync_all()?;
    temporary.put_at(path)?;
    Ok(key_count)
}

/// Opens a file for loading, with its size; `None` when there is none.
///
/// # Errors
/// When it is there but cannot be read.
pub fn open_file(path: &Path) -> io::Result<Option<(BufReader<File>, u64)>> {
    match File::open(path) {
        Ok(file) => {
            let bytes = file.metadata()?.len();
            Ok(Some((BufReader::with_capacity(BUFFER_BYTES, file), bytes)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file that goes when it was not put in its place.
struct Temporary {
    path: PathBuf,
    is_placed: bool,
}

impl Temporary {
    fn beside(path: &Path) -> Self {
        let name = format!("temp-{}.rdb", std::process::id());
        Self { path: path.with_file_name(name), is_placed: false }
    }

    fn put_at(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.is_placed = true;
        // The new name must survive a loss of power as well.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_placed {
            // Why it could not be written has been said; there is nothing to add.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Forces what is written to disk bit by bit, so that the end does not take long.
struct Portions<'a> {
    file: &'a File,
    in_portions: bool,
    unsynced_bytes: usize,
}

impl Write for Portions<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsynced_bytes += written;
        if self.in_portions && self.unsynced_bytes >= PORTION_BYTES {
            self.file.sync_data()?;
            self.unsynced_bytes = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
