//! The box, tried from inside.
fn main() {}
