//! How much of a file is read at most, and who may end the reading.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::ops::ControlFlow;

use super::DumpError;

/// How much of a file is read before it is refused.
///
/// A real file has up to 40 MB and 250,000 rows. The defaults are what a service with 384 MB of memory can read
/// whatever it is given: a page without end or a few kilobytes that unpack to gigabytes cost it nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the file as it lies there, and most bytes of it unpacked. Default: 256 MiB.
    pub bytes_max: u64,
    /// Most rows, the header and blank lines not counted. Default: 500,000, twice the instruments that the service is
    /// dimensioned for.
    pub rows_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bytes_max: 256 * 1024 * 1024, rows_max: 500_000 }
    }
}

/// Is told the number of rows read so far each time another piece of the file is read, and may end the reading.
pub type OnProgress<'a> = dyn FnMut(u64) -> ControlFlow<()> + 'a;

/// Watches over one reading: counts, keeps to the limits, and passes the progress on.
///
/// What stands against going on ends the reading at the next piece of the file, whoever reads it. So the readers of the
/// brokers' forms need to know nothing of limits.
pub(super) struct Meter<'a> {
    limits: Limits,
    rows: Cell<u64>,
    file_bytes: Cell<u64>,
    /// Why the reading ends before the file does; the first reason counts.
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
            fault: RefCell::new(None),
            has_source_failed: Cell::new(false),
            on_progress: RefCell::new(on_progress),
        }
    }

    /// The file as it lies there.
    pub(super) fn file<R: Read>(&self, reader: R) -> Metered<'_, 'a, R> {
        Metered { reader, meter: self, layer: Layer::File, bytes: 0 }
    }

    /// What is unpacked from the file.
    pub(super) fn unpacked<R: Read>(&self, reader: R) -> Metered<'_, 'a, R> {
        Metered { reader, meter: self, layer: Layer::Unpacked, bytes: 0 }
    }

    /// Counts a row. `false` where it must not be handed over any more.
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

    /// Why the reading ended early, if it did.
    pub(super) fn take_fault(&self) -> Option<DumpError> {
        self.fault.take()
    }

    /// Whether the file itself could not be read, rather than what is in it.
    pub(super) fn has_source_failed(&self) -> bool {
        self.has_source_failed.get()
    }

    fn end_with(&self, fault: DumpError) {
        self.fault.borrow_mut().get_or_insert(fault);
    }

    fn go_on(&self) -> io::Result<()> {
        if (self.on_progress.borrow_mut())(self.rows.get()).is_break() {
            self.end_with(DumpError::Stopped);
        }
        match *self.fault.borrow() {
            Some(_) => Err(io::Error::other("the reading ends here")),
            None => Ok(()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    File,
    Unpacked,
}

/// A reader whose bytes are counted.
pub(super) struct Metered<'m, 'a, R> {
    reader: R,
    meter: &'m Meter<'a>,
    layer: Layer,
    bytes: u64,
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            self.meter.go_on()?;
            match self.reader.read(buffer) {
                // A signal is no reason to refuse a file.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        if read.is_err() && self.layer == Layer::File {
            self.meter.has_source_failed.set(true);
        }
        let read = read?;
        self.bytes += read as u64;
        if self.layer == Layer::File {
            self.meter.file_bytes.set(self.bytes);
        }
        let bytes_max = self.meter.limits.bytes_max;
        if self.bytes > bytes_max {
            let packed_bytes = (self.layer == Layer::Unpacked).then(|| self.meter.file_bytes.get());
            self.meter.end_with(DumpError::TooLarge { bytes_max, packed_bytes });
            return self.meter.go_on().map(|()| 0);
        }
        Ok(read)
    }
}

/// What a file that is too large was expected to be, and what was found.
pub(super) fn too_large(bytes_max: u64, packed_bytes: Option<u64>) -> String {
    let most = Size(bytes_max);
    match packed_bytes {
        None => format!("expected a file of at most {most}, found a larger one"),
        Some(bytes) => {
            format!("expected at most {most} unpacked, found more: the first {} of the file unpack to it", Size(bytes))
        }
    }
}

/// A number of bytes as people read it, rounded down.
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
