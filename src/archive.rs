//! `spikes.npz` and `traces.npz` of a simulation, in memory that does not grow with time.
//!
//! While the simulation runs, each array grows in a file of its own in a hidden folder: raw numbers,
//! the lowest byte first. At the end the archives are put together from these files, and the folder
//! goes; a run that is broken off keeps it, to go on, and one that goes on beyond its end takes the numbers
//! back out of the archives. A recording thus takes its size on disk, and twice of it while it is put
//! together.

use crate::files::{self, Npy, Number};
use crate::network::Network;
use crate::scene;
use crate::simulation::Recording;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Name of the folder in which arrays grow.
pub const SCRATCH: &str = ".recording";

/// Archive of spikes.
pub const SPIKES: &str = "spikes.npz";

/// Archive of states.
pub const TRACES: &str = "traces.npz";

/// Whether a file of this name is one in which an array grows.
pub fn is_recording(name: &str) -> bool {
    let rest = name.strip_prefix("trace-").or_else(|| {
        let rest = name.strip_prefix("spikes-")?;
        rest.strip_suffix(".t_ms").or_else(|| rest.strip_suffix(".id"))
    });
    rest.is_some_and(|number| !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()))
}

/// Files that take what a simulation records.
pub struct Archive<'a> {
    network: &'a Network,
    folder: PathBuf,
    /// For each population of the network, if its spikes are recorded.
    spikes: Vec<Option<Spikes>>,
    /// As in [`Recording::traces`], f32.
    traces: Vec<Growing>,
}

struct Spikes {
    /// Times \[ms\], f64.
    t_ms: Growing,
    /// Neurons, u32.
    id: Growing,
}

impl<'a> Archive<'a> {
    /// An archive in a run folder for what `recording`, still empty, is going to hold.
    ///
    /// # Errors
    /// Files cannot be made, or others are left there by an earlier run.
    pub fn create(
        folder: &Path,
        network: &'a Network,
        record: &scene::Record,
        recording: &Recording,
    ) -> Result<Self, ArchiveError> {
        make_scratch(folder)?;
        let mut archive = Self::of(folder, network, record, recording);
        archive.files().try_for_each(|file| file.create())?;
        Ok(archive)
    }

    /// The archive of a run that was broken off when it held so many numbers, as [`Self::lengths`] told;
    /// what came later is dropped.
    ///
    /// # Errors
    /// A file is missing or shorter, and the archives do not have the numbers either; it cannot be changed.
    pub fn reopen(
        folder: &Path,
        network: &'a Network,
        record: &scene::Record,
        recording: &Recording,
        lengths: &[u64],
    ) -> Result<Self, ArchiveError> {
        make_scratch(folder)?;
        let mut archive = Self::of(folder, network, record, recording);
        let mut lengths = lengths.iter();
        archive.files().try_for_each(|file| file.reopen(lengths.next().copied().unwrap_or(0)))?;
        Ok(archive)
    }

    /// An archive whose files are not there yet.
    fn of(
        folder: &Path,
        network: &'a Network,
        record: &scene::Record,
        recording: &Recording,
    ) -> Self {
        let scratch = folder.join(SCRATCH);
        let grow = |file: String, archive: &str, name: String, kind| Growing {
            path: scratch.join(file),
            bytes: 0,
            archive: folder.join(archive),
            name,
            kind,
        };
        let spikes = network.populations.iter().enumerate().map(|(k, population)| {
            let name = &population.name;
            record.spikes.contains(name).then(|| Spikes {
                t_ms: grow(format!("spikes-{k}.t_ms"), SPIKES, format!("{name}.t_ms"), f64::KIND),
                id: grow(format!("spikes-{k}.id"), SPIKES, format!("{name}.id"), u32::KIND),
            })
        });
        let spikes = spikes.collect();
        let traces =
            recording.traces.iter().enumerate().map(|(k, trace)| {
                grow(format!("trace-{k}"), TRACES, trace.name(network), f32::KIND)
            });
        let traces = traces.collect();
        Self { network, folder: folder.to_owned(), spikes, traces }
    }

    fn files(&mut self) -> impl Iterator<Item = &mut Growing> {
        let spikes = self.spikes.iter_mut().flatten();
        spikes.flat_map(|s| [&mut s.t_ms, &mut s.id]).chain(&mut self.traces)
    }

    /// Bytes of each file, for [`Self::reopen`], once they are safely on disk.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn lengths(&mut self) -> Result<Vec<u64>, ArchiveError> {
        self.files().map(|file| file.sync().map(|()| file.bytes)).collect()
    }

    /// Moves the spikes and samples of a recording into the files.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn take(&mut self, recording: &mut Recording) -> Result<(), ArchiveError> {
        for (spikes, activity) in self.spikes.iter_mut().zip(&mut recording.populations) {
            if let Some(spikes) = spikes {
                spikes.t_ms.append(activity.times.iter().map(|(t, _)| *t))?;
                spikes.id.append(activity.times.iter().map(|(_, id)| *id))?;
            }
            activity.times.clear();
        }
        for (values, trace) in self.traces.iter_mut().zip(&mut recording.traces) {
            values.append(trace.values.drain(..))?;
        }
        Ok(())
    }

    /// Writes the archives, of what was recorded so far.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&mut self, recording: &mut Recording) -> Result<(), ArchiveError> {
        self.take(recording)?;
        for (name, arrays) in
            [(SPIKES, self.spike_arrays()), (TRACES, self.trace_arrays(recording))]
        {
            if !arrays.is_empty() {
                let path = self.folder.join(name);
                files::write_npz(&path, &arrays)
                    .map_err(|source| ArchiveError::Write { path, source })?;
            }
        }
        Ok(())
    }

    /// Removes the files in which arrays grew: what they held is in the archives.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn close(mut self) -> Result<(), ArchiveError> {
        for file in self.files() {
            let removed = fs::remove_file(&file.path);
            if let Err(source) = removed
                && source.kind() != io::ErrorKind::NotFound
            {
                return Err(ArchiveError::Scratch { path: file.path.clone(), source });
            }
        }
        // It stays if it holds what is not ours.
        let _ = fs::remove_dir(self.folder.join(SCRATCH));
        Ok(())
    }

    fn spike_arrays(&self) -> Vec<Npy<'_>> {
        let spikes = self.spikes.iter().flatten();
        let arrays = spikes.flat_map(|Spikes { t_ms, id }| {
            [t_ms.array::<f64>(|len| vec![len]), id.array::<u32>(|len| vec![len])]
        });
        arrays.collect()
    }

    /// Traces, and their times: once if all are the same, else for each population, or even for each
    /// variable of it.
    fn trace_arrays(&self, recording: &Recording) -> Vec<Npy<'_>> {
        let dt = self.network.dt;
        let traces = &recording.traces;
        let mut arrays: Vec<Npy<'_>> = Vec::new();
        for (trace, values) in traces.iter().zip(&self.traces) {
            let owner = trace.owner(self.network);
            let (neurons, every) = (trace.ids.len() as u64, trace.every);
            let samples = values.len::<f32>() / neurons.max(1);
            let mut others = traces.iter().filter(|other| other.every != every);
            let times = match others.clone().next() {
                None => "t_ms".to_owned(),
                Some(_) if others.all(|other| other.owner(self.network) != owner) => {
                    format!("{owner}.t_ms")
                }
                Some(_) => format!("{}.t_ms", values.name),
            };
            if arrays.iter().all(|array| array.name() != times) {
                arrays.push(Npy::new::<f64>(times, &[samples], move |writer| {
                    let time = |sample| (sample * every) as f64 * dt;
                    (1..=samples).try_for_each(|sample| writer.write_all(&time(sample).bytes()))
                }));
            }
            arrays.push(values.array::<f32>(|_| vec![samples, neurons]));
        }
        arrays
    }
}

fn make_scratch(folder: &Path) -> Result<(), ArchiveError> {
    let path = folder.join(SCRATCH);
    fs::create_dir_all(&path).map_err(|source| ArchiveError::Scratch { path, source })
}

/// An array in a file, to which more and more is appended. The file is open only meanwhile: there may
/// be more arrays than a process may have files open.
struct Growing {
    path: PathBuf,
    bytes: u64,
    /// Archive into which it goes, and its name and type of element there.
    archive: PathBuf,
    name: String,
    kind: &'static str,
}

impl Growing {
    fn create(&self) -> Result<(), ArchiveError> {
        let created = File::create_new(&self.path);
        created.map_err(|source| ArchiveError::Scratch { path: self.path.clone(), source })?;
        Ok(())
    }

    /// Takes the file as it was when it had so many bytes, or what the archive has if the file is gone.
    fn reopen(&mut self, bytes: u64) -> Result<(), ArchiveError> {
        let found = || fs::metadata(&self.path).map_or(0, |file| file.len());
        let cut = || -> io::Result<()> {
            let before = found();
            let unpacked = if before < bytes { self.unpack() } else { Ok(()) };
            if found() < bytes {
                let why = unpacked.err().map_or(String::new(), |e| format!(", and {e}"));
                let what = format!("it has {before} bytes of {bytes}{why}; run the scene again");
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
            }
            OpenOptions::new().write(true).open(&self.path)?.set_len(bytes)
        };
        cut().map_err(|source| ArchiveError::Reopen { path: self.path.clone(), source })?;
        self.bytes = bytes;
        Ok(())
    }

    /// Fills the file with what is in the archive.
    fn unpack(&self) -> anyhow::Result<()> {
        let mut file = BufWriter::new(File::create(&self.path)?);
        files::copy_array(&self.archive, &self.name, self.kind, &mut file)?;
        Ok(file.flush()?)
    }

    fn sync(&self) -> Result<(), ArchiveError> {
        let synced = OpenOptions::new().append(true).open(&self.path).and_then(|f| f.sync_data());
        synced.map_err(|source| ArchiveError::Write { path: self.path.clone(), source })
    }

    fn append<T: Number>(
        &mut self,
        values: impl ExactSizeIterator<Item = T>,
    ) -> Result<(), ArchiveError> {
        let bytes = (values.len() * size_of::<T::Bytes>()) as u64;
        if bytes == 0 {
            return Ok(());
        }
        let write = || -> io::Result<()> {
            let mut writer = BufWriter::new(OpenOptions::new().append(true).open(&self.path)?);
            for value in values {
                writer.write_all(value.bytes().as_ref())?;
            }
            writer.flush()
        };
        write().map_err(|source| ArchiveError::Write { path: self.path.clone(), source })?;
        self.bytes += bytes;
        Ok(())
    }

    /// Numbers in the file.
    fn len<T: Number>(&self) -> u64 {
        self.bytes / size_of::<T::Bytes>() as u64
    }

    fn array<T: Number>(&self, shape: impl FnOnce(u64) -> Vec<u64>) -> Npy<'_> {
        Npy::new::<T>(&self.name, &shape(self.len::<T>()), |writer| {
            io::copy(&mut File::open(&self.path)?, writer)?;
            Ok(())
        })
    }
}

/// Why a recording could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The folder in which arrays grow, or a file of it, cannot be made or removed.
    #[error("{} cannot be made or removed: {source}", path.display())]
    Scratch {
        /// File or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of a run that goes on cannot be used.
    #[error("{} does not hold what was recorded before: {source}", path.display())]
    Reopen {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error(
        "{} cannot be written: {source}; what was recorded before is in the folder {SCRATCH} of the \
         run, as raw numbers",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
