//! Limits the size of a file, and lets its reader be stopped.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::ops::ControlFlow;

use super::DumpError;

/// The maximum size of a file; a larger one is rejected.
///
/// A real file has up to 40 MB and 250,000 rows. A service with 384 MB of memory can read any file within the defaults:
/// neither a page without end nor a few kilobytes that unpack to gigabytes harm it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The maximum size of the file in bytes, and of the file unpacked. Default: 256 MiB.
    pub bytes_max: u64,
    /// The maximum number of rows, without the header and blank lines. Default: 500,000, twice the number of
    /// instruments for which the service is designed.
    pub rows_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bytes_max: 256 * 1024 * 1024, rows_max: 500_000 }
    }
}

/// Receives the number of rows read so far each time another piece of the file is read, and may stop the reading.
pub type OnProgress<'a> = dyn FnMut(u64) -> ControlFlow<()> + 'a;

/// Monitors one reading: counts, enforces the limits, and reports the progress.
///
/// If a limit is exceeded or the reading is stopped, reading the next piece of the file fails, whoever reads it. So the
/// readers of the brokers' files need no code for limits.
pub(super) struct Meter<'a> {
    limits: Limits,
    rows: Cell<u64>,
    file_bytes: Cell<u64>,
    /// `None` if the file is not packed.
    unpacked_bytes: Cell<Option<u64>>,
    packing: Cell<Packing>,
    /// The reason why the reading ends before the file does; the first reason counts.
    fault: RefCell<Option<DumpError>>,
    has_source_failed: Cell<bool>,
    on_progress: RefCell<&'a mut OnProgress<'a>>,
}

impl<'a> Meter<'a> {
    pub(super) fn new(limits: Limits, on_progress: &'a mut OnProgress<'a>) -> Self {
        Meter {
            limits,
            rows: Cell::new(0),
            file_bytes: Cell::new(0),
            unpacked_bytes: Cell::new(None),
            packing: Cell::new(Packing::Gzip),
            fault: RefCell::new(None),
            has_source_failed: Cell::new(false),
            on_progress: RefCell::new(on_progress),
        }
    }

    /// Returns a reader of the file as it is.
    pub(super) fn file<R: Read>(&self, reader: R) -> Metered<'_, 'a, R> {
        Metered { reader, meter: self, layer: Layer::File }
    }

    /// Returns a reader of the unpacked file, or of another part of it.
    pub(super) fn unpacked<R: Read>(&self, packing: Packing, reader: R) -> Metered<'_, 'a, R> {
        self.unpacked_bytes.set(self.unpacked_bytes.get().or(Some(0)));
        self.packing.set(packing);
        Metered { reader, meter: self, layer: Layer::Unpacked }
    }

    /// Counts a row. Returns `false` if the row must not be passed on any more.
    pub(super) fn may_take_row(&self) -> bool {
        let rows = self.rows.get() + 1;
        if rows > self.limits.rows_max {
            self.end_with(DumpError::TooManyRows { rows_max: self.limits.rows_max });
        }
        if self.fault.borrow().is_some() {
            return false;
        }
        self.rows.set(rows);
        true
    }

    /// Returns the reason why the reading ended early, if it did.
    pub(super) fn take_fault(&self) -> Option<DumpError> {
        self.fault.take()
    }

    /// Whether reading the file itself failed, independently of its content.
    pub(super) fn has_source_failed(&self) -> bool {
        self.has_source_failed.get()
    }

    fn end_with(&self, fault: DumpError) {
        self.fault.borrow_mut().get_or_insert(fault);
    }

    fn count(&self, layer: Layer, bytes: u64) -> io::Result<()> {
        let Limits { bytes_max, .. } = self.limits;
        let (file, unpacked) = match layer {
            Layer::File => (self.file_bytes.get() + bytes, self.unpacked_bytes.get()),
            Layer::Unpacked => (self.file_bytes.get(), self.unpacked_bytes.get().map(|total| total + bytes)),
        };
        self.file_bytes.set(file);
        self.unpacked_bytes.set(unpacked);
        match unpacked {
            _ if file > bytes_max => self.end_with(DumpError::TooLarge { bytes_max, packed_bytes: None }),
            Some(unpacked) if unpacked > bytes_max => {
                self.end_with(DumpError::TooLarge { bytes_max, packed_bytes: Some(file) });
            }
            Some(unpacked) if file > unpacked + GROWTH_MAX => self.end_with(self.packing.get().growth()),
            _ => {}
        }
        self.check()
    }

    fn go_on(&self) -> io::Result<()> {
        if (self.on_progress.borrow_mut())(self.rows.get()).is_break() {
            self.end_with(DumpError::Stopped);
        }
        self.check()
    }

    fn check(&self) -> io::Result<()> {
        match *self.fault.borrow() {
            Some(_) => Err(io::Error::other("reading stopped")),
            None => Ok(()),
        }
    }
}

/// The maximum number of bytes by which a packed file may be larger than its unpacked content. Content that cannot be
/// packed grows by less than a thousandth. A file of parts that each unpack to nothing takes a long time and has no
/// use.
const GROWTH_MAX: u64 = 1024 * 1024;

/// The format of a packed file.
#[derive(Clone, Copy)]
pub(super) enum Packing {
    Gzip,
    Zip,
}

impl Packing {
    /// Returns the error for a file that is larger than its unpacked content.
    fn growth(self) -> DumpError {
        let (expected, found) = match self {
            Packing::Gzip => (
                "a gzip file that is smaller than its decompressed content",
                "a gzip file of many almost empty members",
            ),
            Packing::Zip => (
                "a zip archive that is smaller than its decompressed content",
                "a zip archive of many almost empty members",
            ),
        };
        DumpError::Form { expected, found: found.to_owned() }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    File,
    Unpacked,
}

/// A reader that counts bytes.
pub(super) struct Metered<'m, 'a, R> {
    reader: R,
    meter: &'m Meter<'a>,
    layer: Layer,
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            self.meter.go_on()?;
            match self.reader.read(buffer) {
                // An interrupt is not a reason to reject a file.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        if read.is_err() && self.layer == Layer::File {
            self.meter.has_source_failed.set(true);
        }
        let read = read?;
        self.meter.count(self.layer, read as u64)?;
        Ok(read)
    }
}

/// Returns the error for a file that is too large: the limit and the actual size.
pub(super) fn too_large(bytes_max: u64, packed_bytes: Option<u64>) -> String {
    let most = Size(bytes_max);
    match packed_bytes {
        None => format!("expected a file of at most {most}, got a larger one"),
        Some(bytes) => {
            format!(
                "expected at most {most} after decompression, got more (reached after the first {} of the file)",
                Size(bytes)
            )
        }
    }
}

/// A number of bytes, displayed in a readable unit and rounded down.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: u64 = 1024;
        const MIB: u64 = 1024 * KIB;
        match self.0 {
            MIB.. => write!(f, "{} MiB", self.0 / MIB),
            KIB.. => write!(f, "{} KiB", self.0 / KIB),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}
