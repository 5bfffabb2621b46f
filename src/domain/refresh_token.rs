//! The shape of a refresh token.
