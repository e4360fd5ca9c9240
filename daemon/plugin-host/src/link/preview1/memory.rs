//! The memory of a guest, where every address is a claim to be checked.

use super::errno::Errno;

/// The most pieces of one read or write, as on Linux (`IOV_MAX`).
const VECTORS: u32 = 1024;

/// All of a guest's linear memory.
pub(super) struct Memory<'a>(pub(super) &'a mut [u8]);

impl Memory<'_> {
    pub(super) fn bytes(&self, at: u32, length: u32) -> Result<&[u8], Errno> {
        let (from, to) = range(at, length)?;
        self.0.get(from..to).ok_or(Errno::FAULT)
    }

    pub(super) fn bytes_mut(&mut self, at: u32, length: u32) -> Result<&mut [u8], Errno> {
        let (from, to) = range(at, length)?;
        self.0.get_mut(from..to).ok_or(Errno::FAULT)
    }

    pub(super) fn put(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::FAULT)?;
        self.bytes_mut(at, length)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn put_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    pub(super) fn put_u64(&mut self, at: u32, value: u64) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    /// The pieces of a scattered read or write: address and length of each.
    pub(super) fn vectors(&self, at: u32, count: u32) -> Result<Vec<(u32, u32)>, Errno> {
        if count > VECTORS {
            return Err(Errno::INVAL);
        }
        let list = self.bytes(at, count * 8)?;
        Ok(list
            .chunks_exact(8)
            .map(|vector| (u32_at(vector, 0), u32_at(vector, 4)))
            .collect())
    }
}

fn range(at: u32, length: u32) -> Result<(usize, usize), Errno> {
    let from = usize::try_from(at).map_err(|_| Errno::FAULT)?;
    let length = usize::try_from(length).map_err(|_| Errno::FAULT)?;
    let to = from.checked_add(length).ok_or(Errno::FAULT)?;
    Ok((from, to))
}

/// Reads a number out of a record; 0 behind its end.
pub(super) fn u16_at(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(record, at))
}

/// Reads a number out of a record; 0 behind its end.
pub(super) fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(record, at))
}

/// Reads a number out of a record; 0 behind its end.
pub(super) fn u64_at(record: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(record, at))
}

fn array<const N: usize>(record: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    if let Some(found) = record.get(at..at + N) {
        array.copy_from_slice(found);
    }
    array
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_address_outside_of_the_memory_is_a_fault() {
        let mut bytes = [0; 16];
        let mut memory = Memory(&mut bytes);
        memory.put_u64(8, u64::MAX).unwrap();
        assert_eq!(memory.put_u64(9, 1), Err(Errno::FAULT), "one byte over");
        assert_eq!(
            memory.bytes(u32::MAX, u32::MAX).unwrap_err(),
            Errno::FAULT,
            "the end does not wrap around"
        );
        assert_eq!(memory.bytes(16, 0).unwrap(), [0_u8; 0], "the very end");
    }

    #[test]
    fn the_pieces_of_a_write_are_bounded() {
        let mut bytes = [1, 0, 0, 0, 2, 0, 0, 0];
        let memory = Memory(&mut bytes);
        assert_eq!(memory.vectors(0, 1).unwrap(), [(1, 2)]);
        assert_eq!(memory.vectors(0, 2).unwrap_err(), Errno::FAULT);
        assert_eq!(memory.vectors(0, u32::MAX).unwrap_err(), Errno::INVAL);
    }
}
