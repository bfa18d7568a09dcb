use super::*;

#[test]
fn the_command_line_is_consistent() {
    CommandLine::command().debug_assert();
}

#[test]
fn a_run_knows_which_flags_were_given() {
    let check = |arguments: &[&str], flag: &str, given: bool| {
        let line = CommandLine::read_from(arguments).unwrap();
        let (Command::Run(args) | Command::Plan(PlanCommand::Show(args))) = line.command else {
            panic!("{arguments:?} is no run");
        };
        assert_eq!(args.given.has(flag), given, "{arguments:?}: {flag}");
    };
    check(&["waika-loadgen", "run", "--rate", "1000"], "rate", true);
    check(&["waika-loadgen", "run"], "rate", false);
    check(&["waika-loadgen", "run", "--stream"], "stream", true);
    check(&["waika-loadgen", "run"], "stream", false);
    check(
        &["waika-loadgen", "plan", "show", "--warm-up", "1s"],
        "warm_up",
        true,
    );
}
