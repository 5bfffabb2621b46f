//! The use cases; owns transactions.
