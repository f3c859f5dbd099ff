//! The form of Lua 5.1's compiled code, as its compiler writes it.
//!
//! Source: the format of `lundump.c` and `lopcodes.h`, as described by K.-H. Man, "A No-Frills
//! Introduction to Lua 5.1 VM Instructions", 2006.

/// What compiled code begins with: mark, version, format, byte order, and the sizes of an `int`, a
/// `size_t`, an instruction and a number, which is no integer.
const HEADER: [u8; 12] = [0x1b, b'L', b'u', b'a', 0x51, 0, 1, 4, 8, 4, 8, 0];

/// Functions that stand inside each other at most.
const DEPTH_MAX: usize = 64;

/// A function.
#[derive(Debug, Default)]
pub(super) struct Proto<'c> {
    pub(super) upvalue_count: usize,
    pub(super) parameter_count: usize,
    pub(super) register_count: usize,
    pub(super) code: Vec<Instruction>,
    pub(super) constants: Vec<Constant<'c>>,
    /// The numbers of the functions that it makes.
    pub(super) children: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Constant<'c> {
    Number(f64),
    Text(&'c [u8]),
    /// Nil or a boolean.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Move,
    LoadConstant,
    LoadBoolean,
    LoadNil,
    Upvalue,
    Global,
    Index,
    SetGlobal,
    SetUpvalue,
    SetIndex,
    NewTable,
    Method,
    /// Something that makes a number or a text of two operands.
    Arithmetic,
    /// The same of one.
    Unary,
    Concatenate,
    Jump,
    Compare,
    Test,
    TestSet,
    Call,
    TailCall,
    Return,
    ForLoop,
    ForPrepare,
    ForEach,
    SetList,
    Close,
    Closure,
    Varargs,
}

/// One instruction, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instruction(u32);

impl Instruction {
    pub(super) fn operation(self) -> Option<Operation> {
        use Operation as O;
        const OPERATIONS: [Operation; 38] = [
            O::Move,
            O::LoadConstant,
            O::LoadBoolean,
            O::LoadNil,
            O::Upvalue,
            O::Global,
            O::Index,
            O::SetGlobal,
            O::SetUpvalue,
            O::SetIndex,
            O::NewTable,
            O::Method,
            O::Arithmetic,
            O::Arithmetic,
            O::Arithmetic,
            O::Arithmetic,
            O::Arithmetic,
            O::Arithmetic,
            O::Unary,
            O::Unary,
            O::Unary,
            O::Concatenate,
            O::Jump,
            O::Compare,
            O::Compare,
            O::Compare,
            O::Test,
            O::TestSet,
            O::Call,
            O::TailCall,
            O::Return,
            O::ForLoop,
            O::ForPrepare,
            O::ForEach,
            O::SetList,
            O::Close,
            O::Closure,
            O::Varargs,
        ];
        OPERATIONS.get(self.bits(0, 6)).copied()
    }

    fn bits(self, from: u32, count: u32) -> usize {
        (self.0 >> from) as usize & ((1 << count) - 1)
    }

    pub(super) fn a(self) -> usize {
        self.bits(6, 8)
    }

    pub(super) fn b(self) -> usize {
        self.bits(23, 9)
    }

    pub(super) fn c(self) -> usize {
        self.bits(14, 9)
    }

    /// B and C together.
    pub(super) fn wide(self) -> usize {
        self.bits(14, 18)
    }

    /// Returns the place that a jump from `at` leads to.
    pub(super) fn target(self, at: usize) -> Option<usize> {
        const BIAS: usize = (1 << 17) - 1;
        (at + 1 + self.wide()).checked_sub(BIAS)
    }
}

/// Takes code apart: its functions, the outermost one first. `None` if it is not of this form.
pub(super) fn read(code: &[u8]) -> Option<Vec<Proto<'_>>> {
    let mut reader = Reader(code.strip_prefix(&HEADER)?);
    let mut protos = Vec::new();
    reader.proto(&mut protos, 0)?;
    Some(protos)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn byte(&mut self) -> Option<usize> {
        self.bytes(1).map(|bytes| usize::from(bytes[0]))
    }

    fn word(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    /// Reads the length of a list whose items take some bytes at least.
    fn count(&mut self, item_bytes_min: usize) -> Option<usize> {
        let count = usize::try_from(self.word()?).ok()?;
        (count.checked_mul(item_bytes_min)? <= self.0.len()).then_some(count)
    }

    /// Reads a text, which ends with a zero byte.
    fn text(&mut self) -> Option<&'a [u8]> {
        let length = u64::from_le_bytes(self.bytes(8)?.try_into().ok()?);
        let bytes = self.bytes(usize::try_from(length).ok()?)?;
        Some(bytes.split_last().map_or(&[], |(_, text)| text))
    }

    /// Reads a function and those in it; returns its number.
    fn proto(&mut self, protos: &mut Vec<Proto<'a>>, depth: usize) -> Option<usize> {
        if depth > DEPTH_MAX {
            return None;
        }
        let number = protos.len();
        protos.push(Proto::default());
        self.text()?;
        // Its first and last line.
        self.bytes(8)?;
        let upvalue_count = self.byte()?;
        let parameter_count = self.byte()?;
        // Whether it takes any number of arguments.
        self.byte()?;
        let register_count = self.byte()?;
        let code =
            (0..self.count(4)?).map(|_| self.word().map(Instruction)).collect::<Option<_>>()?;
        let constants = (0..self.count(1)?).map(|_| self.constant()).collect::<Option<_>>()?;
        let mut children = Vec::new();
        for _ in 0..self.count(1)? {
            children.push(self.proto(protos, depth + 1)?);
        }
        self.skip_names()?;
        protos[number] =
            Proto { upvalue_count, parameter_count, register_count, code, constants, children };
        Some(number)
    }

    fn constant(&mut self) -> Option<Constant<'a>> {
        Some(match self.byte()? {
            0 => Constant::Other,
            1 => {
                self.byte()?;
                Constant::Other
            }
            3 => Constant::Number(f64::from_le_bytes(self.bytes(8)?.try_into().ok()?)),
            4 => Constant::Text(self.text()?),
            _ => return None,
        })
    }

    /// Skips lines, local variables and the names of upvalues.
    fn skip_names(&mut self) -> Option<()> {
        let line_count = self.count(4)?;
        self.bytes(line_count * 4)?;
        for _ in 0..self.count(16)? {
            self.text()?;
            self.bytes(8)?;
        }
        for _ in 0..self.count(8)? {
            self.text()?;
        }
        Some(())
    }
}
