//! Storage of a file between its arrival and its reading: an unnamed file, or memory if no file can be written.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Maximum size of a file in memory, in bytes: a twelfth of the memory of the container.
pub const MEMORY_BYTES_MAX: u64 = 32 << 20;
/// The permit for an uploaded file that waits in memory for its job. There is one.
static MEMORY: Semaphore = Semaphore::const_new(1);

/// The reason why a file is rejected.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The file is too long.
    #[error("the file exceeds {limit} bytes{}", if *.is_in_memory { ", the limit while DATA_DIR is not writable; send it gzipped" } else { "" })]
    TooLarge {
        /// The maximum size in bytes.
        limit: u64,
        /// Whether the limit is that of files in memory.
        is_in_memory: bool,
    },
    /// Another file is held in memory.
    #[error(
        "at capacity: another file is held in memory, and only one fits because DATA_DIR is not writable; retry later"
    )]
    AtCapacity,
    /// The file cannot be written.
    #[error("failed to write the file to DATA_DIR: {0}")]
    Io(#[from] io::Error),
}

/// A file that arrived. It is removed when it is dropped, and when the process is killed.
#[derive(Debug)]
pub enum Spool {
    /// In an unnamed file.
    File(File),
    /// In memory, with the permit for it.
    Memory(Vec<u8>, Option<SemaphorePermit<'static>>),
}

impl Spool {
    /// Returns a reader from the start of the file.
    ///
    /// # Errors
    /// If the file cannot be rewound.
    pub fn reader(&mut self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(match self {
            Spool::File(file) => {
                file.rewind()?;
                Box::new(file)
            }
            Spool::Memory(bytes, _) => Box::new(Cursor::new(bytes)),
        })
    }

    /// Returns the size in bytes.
    ///
    /// # Errors
    /// If the system does not report it.
    pub fn length(&self) -> io::Result<u64> {
        match self {
            Spool::File(file) => file.metadata().map(|metadata| metadata.len()),
            Spool::Memory(bytes, _) => Ok(bytes.len() as u64),
        }
    }
}

/// Stores a file while it arrives.
#[derive(Debug)]
pub struct SpoolWriter {
    /// `None`: the file is held in memory.
    file: Option<tokio::fs::File>,
    memory: Vec<u8>,
    permit: Option<SemaphorePermit<'static>>,
    length: u64,
    limit: u64,
}

impl SpoolWriter {
    /// Creates a writer of at most `bytes_max` bytes to a file in `folder`. If no file can be created there, the writer holds
    /// fewer bytes in memory.
    pub async fn new(folder: PathBuf, bytes_max: u64) -> Self {
        let made = tokio::task::spawn_blocking(move || unnamed(&folder)).await;
        let file = made.ok().and_then(Result::ok).map(tokio::fs::File::from_std);
        let limit = if file.is_some() { bytes_max } else { bytes_max.min(MEMORY_BYTES_MAX) };
        SpoolWriter { file, memory: Vec::new(), permit: None, length: 0, limit }
    }

    /// Takes the permit if the file is held in memory. A file that waits for its job must have it.
    ///
    /// # Errors
    /// [`SpoolError::AtCapacity`].
    pub fn reserve(&mut self) -> Result<(), SpoolError> {
        if self.file.is_none() {
            self.permit = Some(MEMORY.try_acquire().map_err(|_| SpoolError::AtCapacity)?);
        }
        Ok(())
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), SpoolError> {
        self.length += chunk.len() as u64;
        self.check(self.length)?;
        match &mut self.file {
            Some(file) => file.write_all(chunk).await?,
            None => self.memory.extend_from_slice(chunk),
        }
        Ok(())
    }

    /// Checks the size of a file.
    ///
    /// # Errors
    /// [`SpoolError::TooLarge`].
    pub fn check(&self, length: u64) -> Result<(), SpoolError> {
        let is_in_memory = self.file.is_none();
        if length > self.limit { Err(SpoolError::TooLarge { limit: self.limit, is_in_memory }) } else { Ok(()) }
    }

    /// Returns the number of bytes written.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Completes the file.
    ///
    /// # Errors
    /// If its last bytes cannot be written.
    pub async fn finish(self) -> Result<Spool, SpoolError> {
        match self.file {
            None => Ok(Spool::Memory(self.memory, self.permit)),
            Some(mut file) => {
                file.flush().await?;
                Ok(Spool::File(file.into_std().await))
            }
        }
    }
}

fn unnamed(folder: &Path) -> io::Result<File> {
    std::fs::create_dir_all(folder)?;
    tempfile::tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn spooled(folder: PathBuf, bytes_max: u64, chunks: &[&[u8]]) -> Result<Spool, SpoolError> {
        let mut writer = SpoolWriter::new(folder, bytes_max).await;
        for chunk in chunks {
            writer.write(chunk).await?;
        }
        writer.finish().await
    }

    fn text(spool: &mut Spool) -> String {
        let mut text = String::new();
        spool.reader().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[tokio::test]
    async fn a_file_can_be_read_again_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("made");

        let mut spool = spooled(data_dir.clone(), 10, &[b"01234", b"56789"]).await.unwrap();

        assert!(matches!(spool, Spool::File(_)));
        assert_eq!(text(&mut spool), "0123456789");
        assert_eq!(text(&mut spool), "0123456789");
        assert_eq!(spool.length().unwrap(), 10);
        assert_eq!(std::fs::read_dir(&data_dir).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_is_held_in_memory_if_none_can_be_written() {
        let file = tempfile::NamedTempFile::new().unwrap();

        let mut spool = spooled(file.path().to_owned(), 10, &[b"0123456789"]).await.unwrap();

        assert!(matches!(spool, Spool::Memory(..)));
        assert_eq!(text(&mut spool), "0123456789");
        assert_eq!(spool.length().unwrap(), 10);
    }

    #[tokio::test]
    async fn one_waiting_file_fits_in_memory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut first = SpoolWriter::new(file.path().to_owned(), 10).await;
        first.reserve().unwrap();
        let first = first.finish().await.unwrap();

        let mut second = SpoolWriter::new(file.path().to_owned(), 10).await;
        assert!(matches!(second.reserve(), Err(SpoolError::AtCapacity)));
        drop(first);
        assert!(second.reserve().is_ok());
    }

    #[tokio::test]
    async fn a_file_that_is_too_long_is_rejected_with_the_limit() {
        let (folder, file) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
        let chunks: [&[u8]; 2] = [b"0123456789", b"x"];

        let on_disk = spooled(folder.path().to_owned(), 10, &chunks).await.unwrap_err();
        let in_memory = SpoolWriter::new(file.path().to_owned(), 1 << 40).await.check(1 << 30).unwrap_err();

        assert_eq!(on_disk.to_string(), "the file exceeds 10 bytes");
        assert!(
            in_memory
                .to_string()
                .starts_with("the file exceeds 33554432 bytes, the limit while DATA_DIR is not writable"),
            "{in_memory}"
        );
    }
}
