//! The run of code on kinds of values.
//!
//! Registers are followed along every way through a function. What functions share is not: an upvalue
//! (a register that an inner function uses) is whatever the register holds at any time from then on, a
//! parameter whatever any call passes, a result whatever any return returns. All functions are run
//! again until none of that changes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::bytecode::{Constant, Instruction, Operation, Proto};
use super::value::Value;
use super::{Argument, Call, Rest};
use crate::base::text;

/// Registers looked at before the code counts as not understood: each instruction looks at all.
const EFFORT_MAX: usize = 2_000_000;

/// The first operand that names a constant, not a register.
const CONSTANT_MIN: usize = 256;

/// Whole numbers up to here are written with all their digits.
const WHOLE_MAX: f64 = 1e14;

/// Returns the places that run commands; `None` if the code is not understood.
pub(super) fn calls(protos: &[Proto<'_>], is_library: bool) -> Option<Vec<Call>> {
    let mut run = Run::new(protos, is_library)?;
    loop {
        run.has_changed = false;
        for proto in 0..protos.len() {
            run.follow(proto)?;
        }
        if !run.has_changed {
            break;
        }
        run.calls.clear();
    }
    if is_library && !run.keeps_nothing_given() {
        return None;
    }
    if run.arguments_may_change {
        run.calls.values_mut().for_each(forget_given);
    }
    Some(run.calls.into_values().collect())
}

/// The given arguments may be others by then.
fn forget_given(call: &mut Call) {
    for argument in &mut call.arguments {
        if matches!(argument, Argument::Given(_)) {
            *argument = Argument::Unknown;
        }
    }
}

/// What the registers of a function hold at one place of its code.
#[derive(Clone, PartialEq)]
struct State {
    registers: Vec<Value>,
    /// Registers that inner functions use.
    are_shared: Vec<bool>,
    open: Option<Open>,
}

/// Any number of values in the registers from one on.
#[derive(Clone, Copy, PartialEq)]
struct Open {
    from: usize,
    first: Value,
    others: Value,
}

impl State {
    /// Adds what another way to the same place brings; says whether that is anything new.
    fn join(&mut self, other: &Self) -> bool {
        let joined = Self {
            registers: both(&self.registers, &other.registers, Value::or),
            are_shared: both(&self.are_shared, &other.are_shared, |one, other| one | other),
            open: self.open.filter(|open| other.open == Some(*open)),
        };
        let is_new = *self != joined;
        *self = joined;
        is_new
    }
}

fn both<T: Copy>(one: &[T], other: &[T], join: fn(T, T) -> T) -> Vec<T> {
    one.iter().zip(other).map(|(one, other)| join(*one, *other)).collect()
}

/// A register that inner functions use.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    proto: usize,
    register: usize,
}

/// What is known of a function beyond its code.
#[derive(Clone)]
struct Facts {
    parameters: Vec<Value>,
    returned: Value,
    /// It may be called from anywhere.
    is_loose: bool,
    /// What its registers hold while inner functions use them.
    shared: Vec<Value>,
    /// Inner functions change them.
    are_set: Vec<bool>,
    /// Where its upvalues are.
    upvalues: Vec<Place>,
    constants: Vec<Value>,
    /// Where ways through its code part or meet.
    are_joints: Vec<bool>,
}

/// The values that a call passes or a return returns.
struct Values {
    known: Vec<Value>,
    /// The first of any number that follow, and the others.
    rest: Option<(Value, Value)>,
}

impl Values {
    fn at(&self, index: usize) -> Value {
        match (self.known.get(index), self.rest) {
            (Some(value), _) => *value,
            (None, Some((first, _))) if index == self.known.len() => first,
            (None, Some((_, others))) => others,
            (None, None) => Value::Nothing,
        }
    }

    fn all(&self) -> impl Iterator<Item = Value> {
        let rest = self.rest.into_iter().flat_map(|(first, others)| [first, others]);
        self.known.iter().copied().chain(rest)
    }

    fn without_first(mut self) -> Self {
        if !self.known.is_empty() {
            self.known.remove(0);
        }
        self
    }
}

/// Results of a call.
struct Results {
    known: Vec<Value>,
    others: Value,
}

impl Results {
    fn one(value: Value) -> Self {
        Self { known: vec![value], others: Value::Nothing }
    }

    fn any(value: Value) -> Self {
        Self { known: Vec::new(), others: value }
    }

    fn at(&self, index: usize) -> Value {
        self.known.get(index).copied().unwrap_or(self.others)
    }
}

struct Run<'p> {
    protos: &'p [Proto<'p>],
    facts: Vec<Facts>,
    texts: Texts<'p>,
    /// Commands by where they run: the function and the place in its code.
    calls: BTreeMap<(usize, usize), Call>,
    /// The code registers functions: what it keeps in variables stays from one run to the next.
    is_library: bool,
    /// The table of the given arguments went where it is not followed.
    arguments_may_change: bool,
    has_changed: bool,
    /// Registers that may still be looked at.
    effort: usize,
}

/// The texts that code names, by number.
#[derive(Default)]
struct Texts<'p> {
    list: Vec<Cow<'p, [u8]>>,
    numbers: HashMap<Cow<'p, [u8]>, usize, foldhash::fast::RandomState>,
}

impl<'p> Texts<'p> {
    fn value(&mut self, text: Cow<'p, [u8]>) -> Value {
        let next = self.list.len();
        let number = *self.numbers.entry(text.clone()).or_insert(next);
        if number == next {
            self.list.push(text);
        }
        Value::Text(number)
    }

    fn constant(&mut self, constant: Constant<'p>) -> Value {
        match constant {
            Constant::Text(text) => self.value(Cow::Borrowed(text)),
            Constant::Number(number) if number.fract() == 0.0 && number.abs() < WHOLE_MAX => {
                self.value(Cow::Owned(format!("{number:.0}").into_bytes()))
            }
            Constant::Number(_) => Value::Plain,
            Constant::Other => Value::Nothing,
        }
    }
}

impl<'p> Run<'p> {
    fn new(protos: &'p [Proto<'p>], is_library: bool) -> Option<Self> {
        let mut texts = Texts::default();
        let mut facts: Vec<Facts> = Vec::with_capacity(protos.len());
        for proto in protos {
            facts.push(Facts {
                parameters: vec![Value::Nothing; proto.parameter_count],
                returned: Value::Nothing,
                is_loose: false,
                shared: vec![Value::Nothing; proto.register_count],
                are_set: vec![false; proto.register_count],
                upvalues: Vec::new(),
                constants: proto.constants.iter().map(|it| texts.constant(*it)).collect(),
                are_joints: joints(proto),
            });
        }
        for number in 0..protos.len() {
            find_upvalues(protos, &mut facts, number)?;
        }
        let (calls, has_changed, effort) = (BTreeMap::new(), false, EFFORT_MAX);
        let arguments_may_change = false;
        Some(Self {
            protos,
            facts,
            texts,
            calls,
            is_library,
            arguments_may_change,
            has_changed,
            effort,
        })
    }

    /// Runs one function along every way, and notes the commands it runs.
    fn follow(&mut self, number: usize) -> Option<()> {
        let proto = &self.protos[number];
        let mut registers = self.facts[number].parameters.clone();
        registers.resize(proto.register_count, Value::Nothing);
        let are_shared = vec![false; proto.register_count];
        // What is known where ways part or meet.
        let mut known: Vec<Option<State>> = vec![None; proto.code.len()];
        *known.first_mut()? = Some(State { registers, are_shared, open: None });
        let mut due = vec![0];
        while let Some(start) = due.pop() {
            let state = known[start].clone()?;
            self.walk((number, start), state, &mut |next, state| {
                let is_new = match known.get_mut(next)? {
                    Some(known) => known.join(state),
                    empty => empty.replace(state.clone()).is_none(),
                };
                if is_new {
                    due.push(next);
                }
                Some(())
            })?;
        }
        Some(())
    }

    /// Runs a function from one place to where ways part or meet, and says what is known there.
    fn walk(
        &mut self,
        (number, start): (usize, usize),
        state: State,
        reach: &mut dyn FnMut(usize, &State) -> Option<()>,
    ) -> Option<()> {
        let mut frame = Frame { number, state };
        let mut at = start;
        loop {
            self.effort = self.effort.checked_sub(1 + frame.state.registers.len())?;
            match self.step(&mut frame, at)? {
                Next::End => return Some(()),
                Next::Fork { first, second, state } => {
                    reach(first, &frame.state)?;
                    return reach(second, &state);
                }
                Next::At(next) if *self.facts[number].are_joints.get(next)? => {
                    return reach(next, &frame.state);
                }
                Next::At(next) => at = next,
            }
        }
    }

    /// Runs one instruction and returns where it leads.
    fn step(&mut self, frame: &mut Frame, at: usize) -> Option<Next> {
        use Operation as O;
        let number = frame.number;
        let code = *self.protos[number].code.get(at)?;
        let (a, b, c) = (code.a(), code.b(), code.c());
        let mut next = at + 1;
        match code.operation()? {
            O::Move => {
                let value = self.taken(frame, b)?;
                self.set(frame, a, value)?;
            }
            O::LoadConstant => {
                let value = *self.facts[number].constants.get(code.wide())?;
                self.set(frame, a, value)?;
            }
            O::LoadBoolean => {
                self.set(frame, a, Value::Nothing)?;
                next += usize::from(c != 0);
            }
            O::LoadNil => (a..=b).try_for_each(|it| self.set(frame, it, Value::Nothing))?,
            O::Upvalue => {
                let place = *self.facts[number].upvalues.get(b)?;
                let value = self.facts[place.proto].shared[place.register];
                self.set(frame, a, value)?;
            }
            O::SetUpvalue => {
                let place = *self.facts[number].upvalues.get(b)?;
                let value = self.taken(frame, a)?;
                self.share(place, value)?;
                let is_set = &mut self.facts[place.proto].are_set[place.register];
                self.has_changed |= !std::mem::replace(is_set, true);
            }
            O::Global => {
                let value = Value::of_global(self.text(self.constant(number, code.wide())?)?)?;
                if self.is_library && matches!(value, Value::Keys | Value::Arguments) {
                    return None;
                }
                self.set(frame, a, value)?;
            }
            O::SetGlobal => {
                let value = self.get(frame, a)?;
                self.put_anywhere(value)?;
            }
            O::Index => {
                let value = self.index(self.get(frame, b)?, self.operand(frame, c)?)?;
                self.set(frame, a, value)?;
            }
            O::Method => {
                let object = self.taken(frame, b)?;
                let value = self.index(object, self.operand(frame, c)?)?;
                self.set(frame, a + 1, object)?;
                self.set(frame, a, value)?;
            }
            O::SetIndex => self.set_index(frame, code)?,
            O::NewTable => self.set(frame, a, Value::Fresh(None))?,
            O::Arithmetic => {
                for operand in [b, c] {
                    let value = self.operand(frame, operand)?;
                    self.put_anywhere(value)?;
                }
                self.set(frame, a, Value::Plain)?;
            }
            O::Unary => self.set(frame, a, Value::Plain)?,
            O::Concatenate => {
                for register in b..=c {
                    let value = self.get(frame, register)?;
                    self.put_anywhere(value)?;
                }
                self.set(frame, a, Value::Plain)?;
            }
            O::Jump => next = code.target(at)?,
            O::Compare | O::Test => {
                return Some(Next::Fork {
                    first: at + 1,
                    second: at + 2,
                    state: frame.state.clone(),
                });
            }
            O::TestSet => {
                let unset = frame.state.clone();
                let value = self.taken(frame, b)?;
                self.set(frame, a, value)?;
                return Some(Next::Fork { first: at + 1, second: at + 2, state: unset });
            }
            O::Call | O::TailCall => {
                let is_tail = code.operation() == Some(O::TailCall);
                self.call(frame, at, (a, b, if is_tail { 0 } else { c }))?;
            }
            O::Return => {
                self.return_values(frame, a, b)?;
                return Some(Next::End);
            }
            O::ForPrepare => next = code.target(at)?,
            O::ForLoop => {
                let after = frame.state.clone();
                self.set(frame, a, Value::Plain)?;
                self.set(frame, a + 3, Value::Plain)?;
                return Some(Next::Fork { first: code.target(at)?, second: at + 1, state: after });
            }
            O::ForEach => {
                let after = frame.state.clone();
                self.next_of_each(frame, a, c)?;
                return Some(Next::Fork { first: at + 1, second: at + 2, state: after });
            }
            O::SetList => {
                let count_and_one = if b == 0 { 0 } else { b + 1 };
                for value in self.values(frame, a + 1, count_and_one)?.all() {
                    self.put_anywhere(value)?;
                }
                frame.state.open = None;
                // The number of the list's part may take the place of an instruction.
                next += usize::from(c == 0);
            }
            O::Close => frame.state.are_shared.get_mut(a..)?.fill(false),
            O::Closure => {
                let child = *self.protos[number].children.get(code.wide())?;
                next += self.protos[child].upvalue_count;
                self.close_over(frame, child, a)?;
                self.set(frame, a, Value::Closure(child))?;
            }
            O::Varargs if b == 0 => {
                let (first, others) = (Value::Plain, Value::Plain);
                frame.state.open = Some(Open { from: a, first, others });
            }
            O::Varargs => {
                (a..a + b - 1).try_for_each(|it| self.set(frame, it, Value::Plain))?;
            }
        }
        Some(Next::At(next))
    }

    fn constant(&self, number: usize, index: usize) -> Option<Value> {
        self.facts[number].constants.get(index).copied()
    }

    fn text(&self, value: Value) -> Option<&[u8]> {
        match value {
            Value::Text(number) => Some(&self.texts.list[number]),
            _ => None,
        }
    }

    fn get(&self, frame: &Frame, register: usize) -> Option<Value> {
        let state = &frame.state;
        let facts = &self.facts[frame.number];
        let is_set = *state.are_shared.get(register)? && facts.are_set[register];
        Some(if is_set { facts.shared[register] } else { state.registers[register] })
    }

    fn operand(&self, frame: &Frame, operand: usize) -> Option<Value> {
        match operand.checked_sub(CONSTANT_MIN) {
            Some(index) => self.constant(frame.number, index),
            None => self.get(frame, operand),
        }
    }

    fn set(&mut self, frame: &mut Frame, register: usize, value: Value) -> Option<()> {
        let mut value = value;
        if *frame.state.are_shared.get(register)? {
            if matches!(value, Value::Fresh(_)) {
                self.put_anywhere(value)?;
                value = Value::Plain;
            }
            self.share(Place { proto: frame.number, register }, value)?;
        }
        frame.state.registers[register] = value;
        Some(())
    }

    /// Returns a register's value for a second place: a table has one more that refers to it.
    fn taken(&mut self, frame: &mut Frame, register: usize) -> Option<Value> {
        let value = self.get(frame, register)?;
        if !matches!(value, Value::Fresh(_)) {
            return Some(value);
        }
        self.put_anywhere(value)?;
        frame.state.registers[register] = Value::Plain;
        Some(Value::Plain)
    }

    /// Adds to what a shared register may hold.
    fn share(&mut self, place: Place, value: Value) -> Option<()> {
        let stays = self.is_library && place.proto == 0;
        let value = match value {
            // A later run may find it, whose keys are others.
            Value::Key | Value::Given(_) if stays => Value::Plain,
            Value::Keys | Value::Arguments if stays => return None,
            Value::Closure(number) if stays && !self.is_outermost(number) => return None,
            value => value,
        };
        let shared = &mut self.facts[place.proto].shared[place.register];
        self.has_changed |= widen(shared, value);
        Some(())
    }

    /// Says whether the function uses no variables but those of the outermost one.
    fn is_outermost(&self, number: usize) -> bool {
        self.facts[number].upvalues.iter().all(|place| place.proto == 0)
    }

    /// Says whether no function that may be called in a later run has what was given to the one that
    /// made it.
    fn keeps_nothing_given(&self) -> bool {
        let mut loose = (0..self.facts.len()).filter(|it| self.facts[*it].is_loose);
        loose.all(|number| {
            let mut upvalues = self.facts[number].upvalues.iter();
            upvalues.all(|place| {
                let value = self.facts[place.proto].shared[place.register];
                let is_given =
                    matches!(value, Value::Key | Value::Keys | Value::Given(_) | Value::Arguments);
                place.proto == 0 || !(is_given || matches!(value, Value::Closure(_)))
            })
        })
    }

    /// Lets a value go where it is not followed; `None` if it must be.
    fn put_anywhere(&mut self, value: Value) -> Option<()> {
        match value {
            Value::Closure(number) | Value::Fresh(Some(number)) => {
                let facts = &mut self.facts[number];
                self.has_changed |= !std::mem::replace(&mut facts.is_loose, true);
                for parameter in &mut facts.parameters {
                    self.has_changed |= widen(parameter, Value::Plain);
                }
                Some(())
            }
            Value::Arguments => {
                self.arguments_may_change = true;
                Some(())
            }
            value => value.is_plain().then_some(()),
        }
    }

    /// Returns what a table has under a key.
    fn index(&mut self, object: Value, key: Value) -> Option<Value> {
        match object {
            Value::Keys => return Some(Value::Key),
            Value::Arguments => return Some(self.given(key)),
            Value::Redis if key == Value::Nothing => return Some(Value::Nothing),
            Value::Redis => return self.text(key).map(Value::of_redis),
            Value::Library => return Some(self.text(key).map_or(Value::Plain, Value::of_library)),
            Value::Nothing => return Some(Value::Nothing),
            _ => {}
        }
        self.put_anywhere(object)?;
        self.put_anywhere(key)?;
        Some(Value::Plain)
    }

    /// Returns what the table of the given arguments has under a key.
    fn given(&self, key: Value) -> Value {
        let number = self.text(key).and_then(text::parse_i64);
        number.and_then(|number| usize::try_from(number).ok()).map_or(Value::Plain, Value::Given)
    }

    fn set_index(&mut self, frame: &mut Frame, code: Instruction) -> Option<()> {
        let object = self.get(frame, code.a())?;
        let (key, value) = (self.operand(frame, code.b())?, self.operand(frame, code.c())?);
        let is_callback = self.text(key) == Some(b"callback");
        match (object, value) {
            (Value::Nothing, _) => return Some(()),
            (Value::Fresh(None), Value::Closure(number)) if is_callback => {
                return self.set(frame, code.a(), Value::Fresh(Some(number)));
            }
            (Value::Fresh(_), _) => {}
            _ => self.put_anywhere(object)?,
        }
        if value == Value::Fresh(None) && code.c() < CONSTANT_MIN {
            self.taken(frame, code.c())?;
        }
        self.put_anywhere(key)?;
        self.put_anywhere(value)
    }

    /// Notes which registers a new function uses.
    fn close_over(&mut self, frame: &mut Frame, child: usize, own: usize) -> Option<()> {
        for place in self.facts[child].upvalues.clone() {
            if place.proto != frame.number {
                continue;
            }
            let register = place.register;
            // A function that uses its own name: it is put there next.
            if register != own {
                let value = self.taken(frame, register)?;
                self.share(place, value)?;
            }
            *frame.state.are_shared.get_mut(register)? = true;
        }
        Some(())
    }

    /// Returns the values from a register on; `count_and_one` is 0 for any number.
    fn values(&self, frame: &Frame, from: usize, count_and_one: usize) -> Option<Values> {
        let (end, rest) = match count_and_one.checked_sub(1) {
            Some(count) => (from + count, None),
            None => {
                let open = frame.state.open.filter(|open| open.from >= from)?;
                (open.from, Some((open.first, open.others)))
            }
        };
        let known = (from..end).map(|it| self.get(frame, it)).collect::<Option<_>>()?;
        Some(Values { known, rest })
    }

    fn call(
        &mut self,
        frame: &mut Frame,
        at: usize,
        (a, b, c): (usize, usize, usize),
    ) -> Option<()> {
        let values = self.values(frame, a + 1, b)?;
        let called = self.get(frame, a)?;
        let results = self.results((frame.number, at), called, values)?;
        frame.state.registers.get_mut(a..)?.fill(Value::Nothing);
        frame.state.open = None;
        match c.checked_sub(1) {
            Some(count) => {
                (0..count).try_for_each(|it| self.set(frame, a + it, results.at(it)))?;
            }
            None => {
                let others =
                    results.known.iter().skip(1).fold(results.others, |one, it| one.or(*it));
                let first = results.at(0);
                frame.state.open = Some(Open { from: a, first, others });
            }
        }
        Some(())
    }

    /// Calls something.
    fn results(&mut self, place: (usize, usize), called: Value, values: Values) -> Option<Results> {
        let takes_keys = values.at(0) == Value::Keys && values.rest.is_none();
        let takes_arguments = values.at(0) == Value::Arguments && values.rest.is_none();
        match called {
            Value::Nothing => return Some(Results::any(Value::Nothing)),
            Value::Unknown => return None,
            Value::Call => {
                self.note_command(place, &values);
                return Some(Results::one(Value::Plain));
            }
            Value::Pcall if values.at(0) == Value::Call && !values.known.is_empty() => {
                self.note_command(place, &values.without_first());
                return Some(Results::any(Value::Plain));
            }
            Value::Closure(number) => return self.call_own(number, &values),
            Value::Pairs if takes_keys => {
                let known = vec![Value::Each, Value::Keys, Value::Plain];
                return Some(Results { known, others: Value::Nothing });
            }
            Value::Next if takes_keys => {
                let known = vec![Value::Plain, Value::Key];
                return Some(Results { known, others: Value::Nothing });
            }
            Value::Unpack if takes_keys => return Some(Results::any(Value::Key)),
            Value::Pairs if takes_arguments => {
                let known = vec![Value::Each, Value::Arguments, Value::Plain];
                return Some(Results { known, others: Value::Nothing });
            }
            Value::Unpack | Value::Next if takes_arguments => {
                return Some(Results::any(Value::Plain));
            }
            Value::Register => {
                let callback = match (values.at(0), values.at(1)) {
                    (_, Value::Closure(number)) | (Value::Fresh(Some(number)), _) => Some(number),
                    _ => None,
                };
                if let Some(number) = callback.filter(|_| values.rest.is_none()) {
                    self.pass(number, &[Value::Keys, Value::Arguments]);
                    return Some(Results::one(Value::Nothing));
                }
            }
            _ => {}
        }
        for value in values.all() {
            let is_list = matches!(value, Value::Keys | Value::Arguments);
            if !(called == Value::Reader && is_list) {
                self.put_anywhere(value)?;
            }
        }
        Some(Results::any(Value::Plain))
    }

    /// Calls a function of the code.
    fn call_own(&mut self, number: usize, values: &Values) -> Option<Results> {
        let count = self.facts[number].parameters.len();
        let mut passed: Vec<Value> = (0..count).map(|it| values.at(it)).collect();
        for value in passed.iter_mut().filter(|value| matches!(value, Value::Fresh(_))) {
            self.put_anywhere(std::mem::replace(value, Value::Plain))?;
        }
        self.pass(number, &passed);
        // The others may come back as `...`.
        for value in values.known.iter().skip(count).copied().chain(values.rest.map(|(_, it)| it)) {
            self.put_anywhere(value)?;
        }
        if let Some((first, _)) = values.rest.filter(|_| values.known.len() >= count) {
            self.put_anywhere(first)?;
        }
        Some(Results { known: vec![self.facts[number].returned], others: Value::Plain })
    }

    fn pass(&mut self, number: usize, passed: &[Value]) {
        for (parameter, value) in self.facts[number].parameters.iter_mut().zip(passed) {
            self.has_changed |= widen(parameter, *value);
        }
    }

    fn return_values(&mut self, frame: &Frame, a: usize, b: usize) -> Option<()> {
        // What the outermost function returns becomes a reply.
        if frame.number == 0 {
            return Some(());
        }
        let values = self.values(frame, a, b)?;
        let is_loose = self.facts[frame.number].is_loose;
        let mut first = values.at(0);
        if is_loose || matches!(first, Value::Fresh(_)) {
            self.put_anywhere(first)?;
            first = Value::Plain;
        }
        for value in values.all().skip(1) {
            self.put_anywhere(value)?;
        }
        let returned = &mut self.facts[frame.number].returned;
        self.has_changed |= widen(returned, first);
        Some(())
    }

    /// Takes the next step of a `for ... in` loop.
    fn next_of_each(&mut self, frame: &mut Frame, a: usize, count: usize) -> Option<()> {
        let [each, list, last] = [a, a + 1, a + 2].map(|it| self.get(frame, it));
        let (each, list) = (each?, list?);
        // Of the given arguments nothing is known but their numbers.
        let mut results = Results::any(Value::Plain);
        if (each, list) == (Value::Each, Value::Keys) {
            results = Results { known: vec![Value::Plain, Value::Key], others: Value::Nothing };
        } else if let Value::Closure(number) = each {
            let values = Values { known: vec![list, last?], rest: None };
            results = self.call_own(number, &values)?;
        } else if (each, list) != (Value::Each, Value::Arguments) {
            for value in [each, list, last?] {
                self.put_anywhere(value)?;
            }
        }
        (0..count).try_for_each(|it| self.set(frame, a + 3 + it, results.at(it)))?;
        self.set(frame, a + 2, results.at(0))
    }

    /// Notes a command, unless it fails for what its arguments are. The last time that a place is come
    /// to is the one that counts: everything is known then.
    fn note_command(&mut self, place: (usize, usize), values: &Values) {
        let argument = |value| match value {
            Value::Key => Some(Argument::Key),
            Value::Given(number) => Some(Argument::Given(number)),
            Value::Text(number) => Some(Argument::Text(self.texts.list[number].as_ref().into())),
            Value::Plain | Value::Unknown => Some(Argument::Unknown),
            _ => None,
        };
        let known: Option<Vec<Argument>> = values.known.iter().map(|it| argument(*it)).collect();
        let Some(arguments) = known else { return };
        let rest = values.rest.and_then(|(first, others)| {
            Some(Rest { first: argument(first)?, others: argument(others) })
        });
        let call = Call { arguments, rest };
        self.calls.insert(place, call);
    }
}

/// Where an instruction leads.
enum Next {
    End,
    At(usize),
    /// To the first with what the registers hold, or to the second with this.
    Fork {
        first: usize,
        second: usize,
        state: State,
    },
}

/// Which function runs, with what its registers hold.
struct Frame {
    number: usize,
    state: State,
}

fn widen(place: &mut Value, value: Value) -> bool {
    let joined = place.or(value);
    let is_new = joined != *place;
    *place = joined;
    is_new
}

/// Returns where ways through a function's code part or meet.
fn joints(proto: &Proto<'_>) -> Vec<bool> {
    use Operation as O;
    let mut joints = vec![false; proto.code.len()];
    for (at, code) in proto.code.iter().enumerate() {
        // What stands in the place of an instruction without being one does no harm here.
        let Some(operation) = code.operation() else { continue };
        let targets = match operation {
            O::Jump | O::ForPrepare | O::ForLoop => [Some(at + 1), code.target(at)],
            O::Compare | O::Test | O::TestSet | O::ForEach => [Some(at + 1), Some(at + 2)],
            O::LoadBoolean => [Some(at + 1 + usize::from(code.c() != 0)), None],
            _ => [None, None],
        };
        for target in targets.into_iter().flatten() {
            if let Some(joint) = joints.get_mut(target) {
                *joint = true;
            }
        }
    }
    joints
}

/// Finds out where the upvalues of a function's inner functions are; its own are known.
fn find_upvalues(protos: &[Proto<'_>], facts: &mut [Facts], number: usize) -> Option<()> {
    let proto = &protos[number];
    let mut is_data = false;
    for (at, code) in proto.code.iter().enumerate() {
        let operation = if std::mem::take(&mut is_data) { None } else { code.operation() };
        is_data = operation == Some(Operation::SetList) && code.c() == 0;
        if operation != Some(Operation::Closure) {
            continue;
        }
        let child = *proto.children.get(code.wide())?;
        let mut upvalues = Vec::new();
        for source in proto.code.get(at + 1..=at + protos[child].upvalue_count)? {
            upvalues.push(match source.operation()? {
                Operation::Move if source.b() < proto.register_count => {
                    Place { proto: number, register: source.b() }
                }
                Operation::Upvalue => *facts[number].upvalues.get(source.b())?,
                _ => return None,
            });
        }
        facts[child].upvalues = upvalues;
    }
    Some(())
}
