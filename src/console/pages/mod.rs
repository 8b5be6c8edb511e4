//! The pages, rendered on the server.
pub(crate) mod doctor;
pub(crate) mod frame;
pub(crate) mod loading;
pub(crate) mod overview;
pub(crate) mod phone;
pub(crate) mod phones;
pub(crate) mod problem;
pub(crate) mod rollouts;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod screens;
