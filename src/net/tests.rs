//! Facts about the data plane, shown over real sockets with commands made for the purpose.
