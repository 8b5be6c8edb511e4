//! Drives the real program against the simulated cluster over sockets.
//!
//! What happened is taken from the simulator's record, never from what the program says of itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod addresses;
mod audit_sees;
mod bad_input;
mod bad_night;
mod bad_values;
mod clusters;
mod config;
mod connections;
mod console;
mod console_doctor;
mod console_json;
mod console_reach;
mod console_rollouts;
mod console_screens;
mod control;
mod doctor;
mod documents;
mod downloads;
mod dry_run;
mod elsewhere;
mod endings;
mod extensions;
mod field;
mod fleet;
mod host;
mod hostile;
mod hours;
mod journal;
mod journal_trouble;
#[cfg(target_os = "linux")]
mod keyring;
mod keys;
mod lab;
mod latecomers;
#[cfg(target_os = "linux")]
mod limits;
mod lists;
mod lockout;
mod many_groups;
mod notify;
mod options;
mod output;
mod paging;
mod phone_history;
mod phone_tls;
mod pictures;
mod pictures_by_rules;
mod plan_apply;
#[cfg(target_os = "linux")]
mod prune;
mod question;
mod read_only;
mod removal;
mod repair;
mod report;
mod revert;
mod revert_pictures;
mod ringtone;
mod rollout;
mod rollout_clusters;
mod rollout_clusters_trouble;
mod screenshots;
mod secrets;
mod signals;
mod simulator;
mod snapshots;
mod tls_server;
mod traces;
mod trust;
mod verify;
mod versions;
mod watch;
mod watch_screens;
mod watch_service;
mod watch_timeline;
mod waves;
mod web;
mod words;
mod words_on_pictures;
