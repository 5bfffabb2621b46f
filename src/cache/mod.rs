//! moka lives only here.
