//! Storage of a file between its arrival and its reading: an unnamed file, or memory if no file can be written.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use registry_store::background::{self, Priority};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Maximum size of a file in memory, in bytes: a twelfth of the memory of the container.
pub const MEMORY_BYTES_MAX: u64 = 32 << 20;
/// The number of bytes that are written at once.
const WRITE_BYTES: usize = 1 << 20;
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

/// Stores a file while it arrives. Calls of the file system have threads of their own: tokio's blocking threads resolve
/// names, which must not wait for a disk.
#[derive(Debug)]
pub struct SpoolWriter {
    /// `None`: the file is held in memory.
    file: Option<Arc<File>>,
    /// The bytes that are not written yet, or all bytes of a file in memory.
    memory: Vec<u8>,
    permit: Option<SemaphorePermit<'static>>,
    length: u64,
    limit: u64,
}

impl SpoolWriter {
    /// Creates a writer of at most `bytes_max` bytes to a file in `folder`. If no file can be created there, the writer
    /// holds fewer bytes in memory.
    pub async fn new(folder: PathBuf, bytes_max: u64) -> Self {
        let made = background::run(Priority::Normal, move || unnamed(&folder)).await;
        let file = made.ok().and_then(Result::ok).map(Arc::new);
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
        self.memory.extend_from_slice(chunk);
        if self.file.is_some() && self.memory.len() >= WRITE_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes the bytes in memory to the file, if there is one.
    async fn flush(&mut self) -> Result<(), SpoolError> {
        let Some(file) = self.file.clone().filter(|_| !self.memory.is_empty()) else { return Ok(()) };
        let mut bytes = std::mem::take(&mut self.memory);
        let write = move || {
            (&*file).write_all(&bytes)?;
            bytes.clear();
            Ok::<_, io::Error>(bytes)
        };
        self.memory = background::run(Priority::Normal, write).await.map_err(io::Error::other)??;
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

    /// Returns the number of bytes that have arrived.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Completes the file.
    ///
    /// # Errors
    /// If its last bytes cannot be written.
    pub async fn finish(mut self) -> Result<Spool, SpoolError> {
        self.flush().await?;
        match self.file {
            None => Ok(Spool::Memory(self.memory, self.permit)),
            Some(file) => {
                let file = Arc::into_inner(file).ok_or_else(|| io::Error::other("a write is still in progress"))?;
                Ok(Spool::File(file))
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
    async fn a_file_of_many_writes_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let chunk: Vec<u8> = (0..WRITE_BYTES / 3).map(|at| b'a' + (at % 23) as u8).collect();

        let mut spool = spooled(folder.path().to_owned(), 1 << 30, &[chunk.as_slice(); 10]).await.unwrap();

        assert_eq!(spool.length().unwrap(), 10 * chunk.len() as u64);
        assert!(text(&mut spool).into_bytes() == chunk.repeat(10));
    }

    #[test]
    fn files_are_written_without_a_thread_for_names() {
        let service = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .enable_time()
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let spool = service.block_on(async {
            // A name that is looked up for a long time.
            let _lookup = tokio::task::spawn_blocking(move || released.recv());
            let chunks: [&[u8]; 1] = [&[b'x'; 3 * WRITE_BYTES]];
            let spooled = spooled(folder.path().to_owned(), 1 << 30, &chunks);
            tokio::time::timeout(std::time::Duration::from_secs(120), spooled).await
        });
        drop(release);

        assert_eq!(spool.unwrap().unwrap().length().unwrap(), 3 * WRITE_BYTES as u64);
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
