//! Programs that a machine may lack.

use std::process::Command;

use crate::left_out;

/// Whether the program is there. If not, that is said; with `DOORWARD_TEST_TOOLS=required` it is a failure.
pub(crate) fn has(program: &str, argument: &str) -> bool {
    let there = Command::new(program).arg(argument).output().is_ok_and(|output| output.status.success());
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, no setting of the program")]
    let required = std::env::var("DOORWARD_TEST_TOOLS").is_ok_and(|value| value == "required");
    assert!(there || !required, "{program} is missing");
    if !there {
        left_out(&format!("what needs {program}, which is missing"));
    }
    there
}
