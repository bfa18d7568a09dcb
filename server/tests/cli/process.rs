//! What the kernel says of a server that runs.

use crate::support::Server;

#[test]
fn it_leaves_no_core_dump_and_takes_no_huge_pages() {
    let server = Server::start("");
    let limits = server.told_by_kernel("limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    assert_eq!(
        core.unwrap().split_whitespace().nth(4),
        Some("0"),
        "{limits}"
    );
    let status = server.told_by_kernel("status");
    let huge = status.lines().find(|line| line.starts_with("THP_enabled:"));
    assert_eq!(huge, Some("THP_enabled:\t0"), "{status}");
}
