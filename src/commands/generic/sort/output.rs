//! What becomes of the sorted elements: a reply, or a list under another key.

use super::elements::Elements;
use super::pattern::Pattern;
use super::request::Request;
use crate::engine::{Context, Event};
use crate::keyspace::Lookup;
use crate::resp::ReplyBuffer;
use crate::types::{Collection, End, Hash, IntegerText, Item, List, StringRef, ValueType};

/// What a pattern stands for with an element.
pub(super) enum Found<'k> {
    Element(&'k [u8]),
    String(StringRef<'k>),
    Field(Item<'k>),
}

impl<'k> Found<'k> {
    /// Looks up what a pattern stands for.
    pub(super) fn look_up(
        context: &'k mut Context<'_>,
        pattern: &Pattern<'_>,
        element: &'k [u8],
    ) -> Option<Self> {
        let field = match pattern {
            Pattern::Element => return Some(Self::Element(element)),
            Pattern::Constant => return None,
            Pattern::Key { field, .. } => *field,
        };
        let mut name = Vec::new();
        pattern.name(element, &mut name);
        let key = context.engine.keyspace.key(context.session.db, &name);
        let now_ms = context.now_ms;
        let entry = context.keys.get(&key, Lookup::READ)?;
        match field {
            Some(field) => entry.collection::<Hash>()?.get(field, now_ms).map(Self::Field),
            None => (entry.value_type() == ValueType::String).then(|| Self::String(entry.string())),
        }
    }

    /// Calls `use_bytes` with the bytes.
    pub(super) fn with_bytes<R>(&self, use_bytes: impl FnOnce(&[u8]) -> R) -> R {
        let mut digits = IntegerText::new();
        match self {
            Self::Element(element) => use_bytes(element),
            Self::String(string) => use_bytes(string.bytes(&mut digits)),
            Self::Field(field) => use_bytes(field.bytes(&mut digits)),
        }
    }
}

/// Replies with the elements at some indices, or with what GET makes of them.
pub(super) fn reply(
    context: &mut Context<'_>,
    request: &Request<'_>,
    elements: &Elements,
    order: &[usize],
) {
    let per_element = request.gets.len().max(1);
    let mut reply = ReplyBuffer::with_protocol(context.reply.protocol());
    reply.array(order.len() * per_element);
    for element in order.iter().map(|&index| elements.at(index)) {
        if request.gets.is_empty() {
            reply.bulk(element);
        }
        for pattern in &request.gets {
            match Found::look_up(context, pattern, element) {
                Some(Found::String(StringRef::Shared(bytes))) => reply.bulk_shared(bytes.clone()),
                Some(found) => found.with_bytes(|bytes| reply.bulk(bytes)),
                None => reply.null(),
            }
        }
    }
    context.reply.append(reply);
}

/// Stores the same as a list and replies with its length. Without elements the key goes.
pub(super) fn store(
    context: &mut Context<'_>,
    request: &Request<'_>,
    elements: &Elements,
    order: &[usize],
) {
    let (mut list, limits) = (List::new(), context.tuning.list);
    let mut push = |bytes: &[u8]| list.push(End::Back, StringRef::Text(bytes), &limits);
    for element in order.iter().map(|&index| elements.at(index)) {
        if request.gets.is_empty() {
            push(element);
        }
        for pattern in &request.gets {
            match Found::look_up(context, pattern, element) {
                Some(found) => found.with_bytes(&mut push),
                None => push(b""),
            }
        }
    }
    list.settle(&limits);
    let Some(destination) = request.destination else { return };
    let (key, count) = (context.key(destination), list.len());
    if count > 0 {
        context.keys.replace(&key, list);
        context.notify(Event::SORTSTORE, &key);
        context.effects.changed(count as u64);
    } else if context.keys.discard(&key) {
        context.notify(Event::DEL, &key);
        context.effects.changed(1);
    }
    context.reply.count(count);
}
