//! A migration added is a reason to build again: `sqlx::migrate!` sees only the files it already knows.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
