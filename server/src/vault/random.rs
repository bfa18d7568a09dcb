//! Random numbers from the system.

use std::io;

/// Random bits from the system.
pub fn random_bits() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(u64::from_le_bytes(bytes))
}

/// A random name from the system: 128 bits.
pub fn random_id() -> io::Result<u128> {
    #[cfg(test)]
    if let Some(bits) = crate::ledger::simulation::world::random() {
        return Ok(bits);
    }
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(u128::from_le_bytes(bytes))
}

/// A random salt from the system.
pub fn random_salt() -> io::Result<[u8; 8]> {
    let mut salt = [0; 8];
    getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(salt)
}
