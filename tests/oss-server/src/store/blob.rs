//! Bytes at rest: in memory, in a file, or nowhere.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};

/// Pieces below this size are copied: a small slice would keep a whole read buffer alive.
const COPY_BELOW: usize = 16 << 10;
const READ_SIZE: usize = 128 << 10;

/// Content that is stored.
#[derive(Debug, Clone, Default)]
pub(crate) enum Blob {
    /// Nothing but the size is known.
    #[default]
    Discarded,
    Memory(Vec<Bytes>),
    File(PathBuf),
}

impl Blob {
    /// Reads `length` bytes from `start` on, piece by piece.
    pub(crate) fn read(&self, start: u64, length: u64) -> io::Result<BlobReader> {
        let source = match self {
            Self::Discarded => return Err(io::Error::other("the content was discarded")),
            Self::Memory(pieces) => Source::Memory { pieces: pieces.clone(), next: 0 },
            Self::File(path) => Source::File(File::open(path)?),
        };
        let mut reader = BlobReader { source, skip: start, left: length };
        if let Source::File(file) = &mut reader.source {
            file.seek(SeekFrom::Start(start))?;
            reader.skip = 0;
        }
        Ok(reader)
    }

    /// All of it, in one piece.
    pub(crate) fn to_bytes(&self) -> io::Result<Bytes> {
        match self {
            Self::Discarded => Ok(Bytes::new()),
            Self::Memory(pieces) if pieces.len() == 1 => Ok(pieces[0].clone()),
            Self::Memory(pieces) => Ok(pieces.concat().into()),
            Self::File(path) => Ok(std::fs::read(path)?.into()),
        }
    }
}

enum Source {
    Memory { pieces: Vec<Bytes>, next: usize },
    File(File),
}

/// A reader over a range of a [`Blob`].
pub(crate) struct BlobReader {
    source: Source,
    skip: u64,
    left: u64,
}

impl BlobReader {
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The next piece; `None` at the end.
    pub(crate) fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        while self.left > 0 {
            let Some(mut piece) = self.raw_piece()? else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            if self.skip >= piece.len() as u64 {
                self.skip -= piece.len() as u64;
                continue;
            }
            piece = piece.slice(std::mem::take(&mut self.skip) as usize..);
            piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= piece.len() as u64;
            return Ok(Some(piece));
        }
        Ok(None)
    }

    fn raw_piece(&mut self) -> io::Result<Option<Bytes>> {
        match &mut self.source {
            Source::Memory { pieces, next } => {
                *next += 1;
                Ok(pieces.get(*next - 1).cloned())
            }
            Source::File(file) => {
                let mut buffer = BytesMut::zeroed(READ_SIZE);
                let read = file.read(&mut buffer)?;
                buffer.truncate(read);
                Ok((read > 0).then(|| buffer.freeze()))
            }
        }
    }
}

/// Takes in content.
pub(crate) enum BlobWriter {
    Discard,
    Memory(Vec<Bytes>),
    File(TempFile),
}

impl BlobWriter {
    pub(crate) fn write(&mut self, piece: &Bytes) -> io::Result<()> {
        match self {
            Self::Discard => {}
            Self::Memory(pieces) if piece.len() < COPY_BELOW => pieces.push(Bytes::copy_from_slice(piece)),
            Self::Memory(pieces) => pieces.push(piece.clone()),
            Self::File(temp) => temp.file.write_all(piece)?,
        }
        Ok(())
    }

    /// Adds what is stored already: shared in memory, copied in a folder.
    pub(crate) fn append(&mut self, blob: &Blob) -> io::Result<()> {
        match (self, blob) {
            (Self::Memory(pieces), Blob::Memory(more)) => pieces.extend(more.iter().cloned()),
            (Self::File(temp), Blob::File(path)) => {
                io::copy(&mut File::open(path)?, &mut temp.file)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds what has just arrived.
    pub(crate) fn append_content(&mut self, content: &Content) -> io::Result<()> {
        match content {
            Content::Ready(blob) => self.append(blob),
            Content::Temp(temp) => self.append(&Blob::File(temp.path.clone())),
        }
    }

    pub(crate) fn finish(self) -> Content {
        match self {
            Self::Discard => Content::Ready(Blob::Discarded),
            Self::Memory(pieces) => Content::Ready(Blob::Memory(pieces)),
            Self::File(temp) => Content::Temp(temp),
        }
    }
}

/// Content that has arrived, before it has its place.
pub(crate) enum Content {
    Ready(Blob),
    Temp(TempFile),
}

impl Content {
    /// Puts it in its place, which only matters for files.
    pub(crate) fn settle(self, path: impl FnOnce() -> PathBuf) -> io::Result<Blob> {
        match self {
            Self::Ready(blob) => Ok(blob),
            Self::Temp(temp) => {
                let path = path();
                temp.move_to(&path)?;
                Ok(Blob::File(path))
            }
        }
    }
}

/// A file that goes away unless it is moved to its place.
pub(crate) struct TempFile {
    file: File,
    path: PathBuf,
}

impl TempFile {
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        Ok(Self { file: File::create_new(&path)?, path })
    }

    fn move_to(self, target: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, target)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // After a move there is nothing left to remove.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(blob: &Blob, start: u64, length: u64) -> Vec<u8> {
        let mut reader = blob.read(start, length).unwrap();
        let mut all = Vec::new();
        while let Some(piece) = reader.next_piece().unwrap() {
            all.extend_from_slice(&piece);
        }
        all
    }

    #[test]
    fn ranges_cut_across_pieces() {
        let blob = Blob::Memory(vec!["abc".into(), "".into(), "defg".into(), "h".into()]);
        assert_eq!(collect(&blob, 0, 8), b"abcdefgh");
        assert_eq!(collect(&blob, 2, 3), b"cde");
        assert_eq!(collect(&blob, 7, 1), b"h");
        assert_eq!(collect(&blob, 8, 0), b"");
    }

    #[test]
    fn files_read_like_memory_and_unused_ones_go_away() {
        let dir = tempfile::tempdir().unwrap();
        let temp = TempFile::create(dir.path().join("t")).unwrap();
        drop(temp);
        assert!(!dir.path().join("t").exists());
        let mut writer = BlobWriter::File(TempFile::create(dir.path().join("t")).unwrap());
        writer.write(&"abcdef".into()).unwrap();
        let blob = writer.finish().settle(|| dir.path().join("final")).unwrap();
        assert_eq!(collect(&blob, 1, 4), b"bcde");
        assert!(!dir.path().join("t").exists());
    }
}
