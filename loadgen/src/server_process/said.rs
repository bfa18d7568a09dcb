//! Pure: what servers say when they serve.

use crate::target::Address;

/// The public and the administrative address in the line that a server says when it serves.
pub(super) fn listeners(line: &str) -> Option<(Address, Address)> {
    let rest = line.trim().strip_prefix("waika-server listening on ")?;
    let mut words = rest.split(' ');
    let public = words.next()?;
    let (Some("admin"), Some(admin)) = (words.next(), words.next()) else {
        return None;
    };
    Some((address(public)?, address(admin)?))
}

/// The one address in the line that a floor says.
pub(super) fn listener_of_floor(line: &str) -> Option<(Address, Address)> {
    let said = line
        .trim()
        .strip_prefix("waika-loadgen floor listening on ")?;
    let address = address(said)?;
    Some((address.clone(), address))
}

fn address(said: &str) -> Option<Address> {
    format!("http://{said}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_contract_is_understood() {
        let line = "waika-server listening on 127.0.0.1:50051 admin 127.0.0.1:50052 metrics 127.0.0.1:9464\n";
        let (target, admin) = listeners(line).unwrap();
        assert_eq!(target.to_string(), "http://127.0.0.1:50051");
        assert_eq!(admin.to_string(), "http://127.0.0.1:50052");
        assert!(listeners("waika-server listening on nowhere").is_none());
        assert!(listeners("error: no").is_none());
        let line = "waika-loadgen floor listening on 127.0.0.1:50051\n";
        let (target, _) = listener_of_floor(line).unwrap();
        assert_eq!(target.to_string(), "http://127.0.0.1:50051");
        assert!(listener_of_floor("waika-loadgen floor listening on").is_none());
        assert!(listeners(line).is_none());
    }
}
