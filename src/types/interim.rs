//! Collections whose representation is still to come: they hold nothing.

use super::{Collection, Encoding, ValueType};

macro_rules! interim {
    ($($name:ident $encoding:ident,)+) => {
        $(
            /// A collection without elements.
            #[derive(Clone, Debug)]
            pub struct $name(Box<[u8]>);

            impl Collection for $name {
                const TYPE: ValueType = ValueType::$name;

                fn memory_bytes(&self) -> usize {
                    self.0.len()
                }

                fn len(&self) -> usize {
                    0
                }

                fn encoding(&self) -> Encoding {
                    Encoding::$encoding
                }

                fn free_cost(&self) -> usize {
                    1
                }
            }
        )+
    };
}

interim! {
    SortedSet Listpack,
}
