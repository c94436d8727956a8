//! Cuts subscriptions into messages.

use serde::Serialize;

use super::forms::{
    AliceBlue, Angel, Breeze, Dhan, FivePaisa, Form, Fyers, Groww, Kite, Kotak, Nuvama, Place, Shoonya, Target, Upstox,
};
use crate::allocation::AllocatedConnection;
use crate::vocabulary::{Broker, Segment};

#[derive(Serialize)]
struct ConnectionMessages<'a, M> {
    connection: u32,
    account: &'a str,
    endpoint: &'a str,
    messages: Vec<M>,
}

/// Calls a function with the form of a broker.
macro_rules! with_form {
    ($broker:expr, $function:ident($($argument:expr),*)) => {
        match $broker {
            Broker::Kite => $function::<Kite>($($argument),*),
            Broker::Upstox => $function::<Upstox>($($argument),*),
            Broker::Dhan => $function::<Dhan>($($argument),*),
            Broker::Angel => $function::<Angel>($($argument),*),
            Broker::Fyers => $function::<Fyers>($($argument),*),
            Broker::Groww => $function::<Groww>($($argument),*),
            Broker::Nuvama => $function::<Nuvama>($($argument),*),
            Broker::Shoonya => $function::<Shoonya>($($argument),*),
            Broker::AliceBlue => $function::<AliceBlue>($($argument),*),
            Broker::Kotak => $function::<Kotak>($($argument),*),
            Broker::FivePaisa => $function::<FivePaisa>($($argument),*),
            Broker::Breeze => $function::<Breeze>($($argument),*),
        }
    };
}

/// Appends a connection as a JSON object.
pub(super) fn write<'a>(
    broker: Broker,
    of: &AllocatedConnection,
    targets: impl Iterator<Item = Target<'a>>,
    instruments_max: u32,
    out: &mut Vec<u8>,
) {
    with_form!(broker, write_as(of, targets, instruments_max, out));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageUse {
    Subscribe,
    Unsubscribe,
    ChangeMode,
}

/// Returns the number of messages that the SDK sends for some instruments that one message can contain.
pub(crate) fn sent_count<'a>(broker: Broker, of: MessageUse, targets: impl Iterator<Item = Target<'a>>) -> u64 {
    with_form!(broker, sent_as(of, targets))
}

/// Appends the calls of the SDK for some instruments that one message can contain, as a JSON array.
pub(crate) fn write_batch<'a>(
    broker: Broker,
    of: MessageUse,
    connection: u32,
    number: usize,
    targets: impl Iterator<Item = Target<'a>>,
    out: &mut Vec<u8>,
) {
    with_form!(broker, write_batch_as(of, connection, number, targets, out));
}

/// Whether a message subscribes the instrument.
pub(super) fn subscribes(broker: Broker, target: &Target<'_>) -> bool {
    with_form!(broker, subscribes_as(target))
}

fn write_as<'a, F: Form<'a>>(
    of: &AllocatedConnection,
    targets: impl Iterator<Item = Target<'a>>,
    instruments_max: u32,
    out: &mut Vec<u8>,
) {
    let AllocatedConnection { connection, account, endpoint, .. } = of;
    let cut = cut::<F>(targets, instruments_max as usize);
    let render = |(index, Message { call, arguments }): (usize, Message<'a, F>)| {
        F::message(call, arguments, Place { connection: *connection, number: index + 1 })
    };
    let messages = cut.into_iter().enumerate().map(render).collect();
    let written = ConnectionMessages { connection: *connection, account, endpoint, messages };
    serde_json::to_writer(out, &written).expect("messages serialize to JSON");
}

/// Instruments without a token count, too: the token may be known elsewhere.
fn sent_as<'a, F: Form<'a>>(of: MessageUse, targets: impl Iterator<Item = Target<'a>>) -> u64 {
    let with_token = targets.map(|target| match target.token {
        Some(_) => target,
        None => Target {
            token: Some(F::TOKEN_EXAMPLE),
            segment: target.segment.or(Some(Segment::NseEquity)),
            mode: target.mode,
        },
    });
    let cut = cut::<F>(with_token, usize::MAX);
    match of {
        MessageUse::Subscribe => cut.iter().map(|message| F::sent(&message.arguments)).sum(),
        MessageUse::Unsubscribe | MessageUse::ChangeMode => cut.len() as u64,
    }
}

fn write_batch_as<'a, F: Form<'a>>(
    of: MessageUse,
    connection: u32,
    number: usize,
    targets: impl Iterator<Item = Target<'a>>,
    out: &mut Vec<u8>,
) {
    let write = |out: &mut Vec<u8>, Message { call, arguments }: Message<'a, F>| {
        let place = Place { connection, number };
        match of {
            MessageUse::Subscribe => serde_json::to_writer(out, &F::message(call, arguments, place)),
            MessageUse::Unsubscribe => serde_json::to_writer(out, &F::removal(call, arguments, place)),
            MessageUse::ChangeMode => serde_json::to_writer(out, &F::change(call, arguments, place)),
        }
    };
    out.push(b'[');
    for (index, message) in cut::<F>(targets, usize::MAX).into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, message).expect("messages serialize to JSON");
    }
    out.push(b']');
}

fn subscribes_as<'a, F: Form<'a>>(target: &Target<'a>) -> bool {
    F::calls(target).into_iter().flatten().next().is_some()
}

/// A message: a call, and the instruments among its arguments.
struct Message<'a, F: Form<'a>> {
    call: F::Call,
    arguments: Vec<F::Argument>,
}

/// Cuts the subscriptions of a connection into messages. A subscription is in the first message of its call that has
/// capacity, and messages have the order of their first subscriptions.
fn cut<'a, F: Form<'a>>(targets: impl Iterator<Item = Target<'a>>, instruments_max: usize) -> Vec<Message<'a, F>> {
    let arguments_max = instruments_max.clamp(1, F::INSTRUMENTS_MAX);
    let mut messages: Vec<Message<'a, F>> = Vec::new();
    // For each call, the position of its last message. There are only a few calls.
    let mut last: Vec<usize> = Vec::new();
    for (call, argument) in targets.flat_map(|target| F::calls(&target).into_iter().flatten()) {
        let of_call = last.iter_mut().find(|position| messages[**position].call == call);
        if let Some(position) = &of_call
            && messages[**position].arguments.len() < arguments_max
        {
            messages[**position].arguments.push(argument);
            continue;
        }
        let next = messages.len();
        match of_call {
            Some(position) => *position = next,
            None => last.push(next),
        }
        messages.push(Message { call, arguments: vec![argument] });
    }
    messages
}
