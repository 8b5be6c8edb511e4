//! Sends notifications about what happens in watches, to a webhook, by mail and to a program.

pub mod channels;
mod command;
pub mod conditions;
mod mail;
pub mod notification;
pub mod notifier;
mod send_error;
mod webhook;
