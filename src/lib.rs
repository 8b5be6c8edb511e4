//! `axlpaper` puts one background picture on every Cisco IP phone of a Unified CM cluster, and proves it.
//!
//! The folders are the stages of one pipeline: survey, audit, plan, apply, push, verify, report. Which
//! folder may use which is written down in `docs/architecture.md` and checked by `tests/architecture.rs`.
//!
//! A program that rolls out without the command line uses [`rollout`], [`connect`], [`interaction`],
//! [`event`] and [`error`]; in these every public item has documentation.

pub mod apply;
pub mod audit;
pub mod axl;
pub mod cli;
pub mod config;
#[warn(missing_docs)]
pub mod connect;
pub mod console;
pub mod doctor;
pub mod domain;
#[warn(missing_docs)]
pub mod error;
#[warn(missing_docs)]
pub mod event;
pub mod image_server;
#[warn(missing_docs)]
pub mod interaction;
pub mod journal;
pub mod media;
pub mod net;
pub mod phone;
pub mod plan;
pub mod push;
pub mod report;
pub mod ris;
#[warn(missing_docs)]
pub mod rollout;
pub mod sim;
pub mod soap;
pub mod survey;
pub mod watch;
