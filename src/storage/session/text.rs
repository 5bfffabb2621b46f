//! The statements that name all columns, or all that rotation moves: made of the list in `row`.

use std::sync::LazyLock;

use super::row::SessionRow;

/// Stores a session.
pub(super) static INSERT: LazyLock<String> = LazyLock::new(|| {
    let places: Vec<_> = (1..=SessionRow::COLUMNS.len()).map(|number| format!("${number}")).collect();
    format!("INSERT INTO sessions ({}) VALUES ({})", SessionRow::COLUMNS.join(", "), places.join(", "))
});

/// Writes what rotation moves.
pub(super) static ROTATE: LazyLock<String> = LazyLock::new(|| {
    let places = SessionRow::ROTATED.iter().zip(2..);
    let changes: Vec<_> = places.map(|(column, number)| format!("{column} = ${number}")).collect();
    format!("UPDATE sessions SET {} WHERE id = $1 AND ended_at IS NULL", changes.join(", "))
});

/// How many rotations one statement writes: each number has a text of its own, which each connection prepares once. What is repeated to
/// make up the number costs as much as what is not.
const SIZES: [usize; 11] = [1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 32];
/// At most.
pub(super) const MOST_ROTATIONS: usize = SIZES[SIZES.len() - 1];

/// Writes what rotation moves in several rows, where all of a row is as it was looked at and its user is active and has this external id;
/// tells which rows those were. Of how many rotations it takes the values, which may be a few more than there are: then one of them is
/// repeated.
pub(super) fn rotate_unchanged(rotations: usize, postgres: bool) -> (usize, &'static str) {
    static TEXTS: LazyLock<[[String; SIZES.len()]; 2]> =
        LazyLock::new(|| [false, true].map(|postgres| SIZES.map(|size| text(size, postgres))));
    let nth = SIZES.iter().position(|size| *size >= rotations).unwrap_or(SIZES.len() - 1);
    (SIZES[nth], &TEXTS[usize::from(postgres)][nth])
}

/// Of each rotation there are, in this order: the id, what is to be written, all columns but the id as they were, the external id. And for
/// PostgreSQL: the time, if its clock is to be near that; how near; and the session that this is to run in. No other statement takes as many
/// values: a session that is not the own one, and has a statement of the same name, says so.
fn text(size: usize, postgres: bool) -> String {
    let rotated = SessionRow::ROTATED;
    let width = 1 + rotated.len() + (SessionRow::COLUMNS.len() - 1) + 1;
    let row = |n: usize| format!("({})", list((1..=width).map(|place| format!("${}", n * width + place)), ", "));
    let rows = list((0..size).map(row), ", ");
    let changes = list(rotated.iter().zip(2..).map(|(column, place)| format!("{column} = a.column{place}")), ", ");
    let rest = SessionRow::COLUMNS[1..].iter().zip(2 + rotated.len()..);
    let same = list(rest.map(|(column, place)| format!("s.{column} IS NOT DISTINCT FROM a.column{place}")), " AND ");
    let now = size * width + 1;
    let (near, session) = (now + 1, format!("${}", now + 2));
    let alone = if postgres {
        let ids = list((0..size).map(|n| format!("${}", n * width + 1)), ", ");
        // Whoever holds a row may wait for another one of these: nobody waits here, and a row that is held is not had.
        let free = format!("s.id IN (SELECT id FROM sessions WHERE id IN ({ids}) FOR NO KEY UPDATE SKIP LOCKED)");
        let clock = postgres_clock!();
        let own = format!(session_is!(), session);
        format!(" AND {free} AND (${now} IS NULL OR abs({clock} - ${now}) <= ${near}) AND {own} = 1")
    } else {
        String::new()
    };
    format!(
        "UPDATE sessions AS s SET {changes} FROM (VALUES {rows}) AS a WHERE s.id = a.column1 AND {same}{alone} \
         AND EXISTS (SELECT 1 FROM users AS u WHERE u.id = s.user_id AND u.is_active \
         AND u.external_id IS NOT DISTINCT FROM a.column{width}) RETURNING id"
    )
}

fn list(parts: impl Iterator<Item = String>, between: &str) -> String {
    parts.collect::<Vec<_>>().join(between)
}
